"""How calls and their attempts are counted, so that every level gives the same numbers."""

from collections.abc import Iterable


def calls_of(retries: Iterable[int]) -> list[int]:
    """Return for each failed attempt the number of its call, counted from 1.

    ``retries`` says how many attempts came before each of them, in the order in which
    they failed: at the errors level every attempt is a row of its own. Where that number
    does not grow, another call began.
    """
    calls: list[int] = []
    call, before = 0, -1
    for count in retries:
        if not calls or count <= before:
            call += 1
        calls.append(call)
        before = count
    return calls
