"""What KFP 1 had and cannot be had here, refused by its name when it is used."""

from collections.abc import Callable
from typing import Any, NoReturn


class NotInKfp2Error(NotImplementedError):
    """Something of KFP SDK 1.x that has no equivalent; the message says what to do instead."""


def refuse(name: str, instead: str) -> NoReturn:
    """Says that `name` cannot be had, and what to do."""
    raise NotInKfp2Error(f"{name} of KFP 1 cannot be had here: {instead}")


def refusing(name: str, instead: str) -> Callable[..., Any]:
    """A function or method that refuses when it is called."""

    def refused(*_args: object, **_kwargs: object) -> NoReturn:
        refuse(name, instead)

    refused.__name__ = name.rpartition(".")[2]
    return refused
