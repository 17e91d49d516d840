"""Settings of a site that stores the evidence of each failure, however alike they are.

What becomes of a storm has tests of its own; here each failing turn is counted.
"""

from chatd.settings import *  # noqa: F403

CHATDEBUG = CHATDEBUG | {"STORM_FIRST": 100_000, "STORM_RUNS": 200_000}  # noqa: F405
