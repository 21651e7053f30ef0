"""The folder for PYTHONPATH that brings all this into another interpreter.

It holds this package alone and a `sitecustomize`, which Python imports when it starts: the program
needs neither Flowmaker nor a change.
"""

import shutil
from importlib.resources import as_file, files
from pathlib import Path

_PACKAGE = "flowmaker.compat"


def make(folder: Path) -> None:
    """Fill an empty folder."""
    with as_file(files(_PACKAGE)) as package:
        shutil.copytree(
            package,
            folder.joinpath(*_PACKAGE.split(".")),
            ignore=shutil.ignore_patterns("__pycache__", "onpath"),
        )
        shutil.copy(package / "onpath" / "sitecustomize.py", folder)
