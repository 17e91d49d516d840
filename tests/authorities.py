"""No certificate authorities: to load those of the system takes each HTTP client 30 ms.

All that tests talk to is on loopback, and has no certificate to check.
"""

import os
from pathlib import Path

VARIABLES = ("SSL_CERT_FILE", "SSL_CERT_DIR")
GIVEN = {name: os.environ[name] for name in VARIABLES if name in os.environ}
"""What the environment says of them: for programs that fetch packages."""


def trust_no_authority(folder: Path) -> None:
    """Let the clients of this process and its children find none, in an empty folder."""
    os.environ.pop("SSL_CERT_FILE", None)
    os.environ["SSL_CERT_DIR"] = str(folder)
