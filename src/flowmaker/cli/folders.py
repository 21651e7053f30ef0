"""The data folder that a command means."""

import os
from pathlib import Path

DEFAULT = "~/.flowmaker"


def folder(text: str) -> Path:
    """A folder as a person writes it."""
    return Path(text).expanduser().absolute()


def default_folder() -> Path:
    """The data folder when none is named."""
    return folder(os.environ.get("FLOWMAKER_HOME") or DEFAULT)


def data_option(data: Path) -> str:
    """The ` --data DIR` that names `data` to another command; empty when that is its default."""
    return "" if data == default_folder() else f" --data {data}"
