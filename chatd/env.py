"""The one reader of environment variables: strict, and able to read ``NAME_FILE``.

``FileAwareEnv`` takes the value from the file named by ``NAME_FILE`` where that is set,
which is how container platforms hand over secrets. White space around it is left out:
almost every way to write such a file ends it with a newline.
"""

from environs import FileAwareEnv

BYTE_ORDER_MARK = "\ufeff"

env = FileAwareEnv(strip_whitespace=True)
key_env = FileAwareEnv(strip_whitespace=True)
"""Reads keys. Apart from ``env``, which knows the names that the settings have read."""


def read_key(variable: str) -> str:
    """Return the key that a variable or its file holds, or an empty string.

    Without white space, a byte order mark or a pair of quotes around it: no key has them,
    and files and dotenv loaders leave them there. Raises ValueError, which does not show
    the key, if it holds characters that no HTTP header can carry, or if its file cannot
    be read.
    """
    try:
        key = key_env.str(variable, "")
    except UnicodeDecodeError:
        raise ValueError(f"The file of {variable} is no text in UTF-8.") from None
    key = key.strip().strip(BYTE_ORDER_MARK).strip()
    if len(key) > 1 and key[0] == key[-1] and key[0] in "\"'":
        key = key[1:-1].strip()
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise ValueError(
            f"The key in {variable} holds characters that no header can carry."
        )
    return key
