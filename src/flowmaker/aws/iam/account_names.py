"""What accounts are called by the owner of the data folder."""

import re

from flowmaker.errors import InvalidInput

#: What the first account is called where accounts are named.
MAIN = "main"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,49}")


def check_name(name: str) -> None:
    """It is a file's name, too.

    Raises:
        InvalidInput: no account can be called so.
    """
    if name.lower() == MAIN:
        raise InvalidInput(f"{MAIN} is what the first account is called: choose another name.")
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name!r} is no name of an account: 50 letters, digits, - and _ at most, and the "
            "first is a letter or digit."
        )
