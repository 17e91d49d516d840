"""Buses for tests alone."""

from chatd.turns.bus.memory import MemoryBus


class OneProcessBus(MemoryBus):
    """The memory bus, for who knows that the viewers are where the turns run.

    Or that there are none: the settings refuse the memory bus itself beside workers.
    """

    reaches_other_processes = True
