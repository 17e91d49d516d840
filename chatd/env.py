"""The one reader of environment variables: strict, and able to read ``NAME_FILE``.

``FileAwareEnv`` takes the value from the file named by ``NAME_FILE`` where that is set,
which is how container platforms hand over secrets.
"""

from environs import FileAwareEnv

env = FileAwareEnv()
