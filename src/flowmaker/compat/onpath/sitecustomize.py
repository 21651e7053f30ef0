"""Runs when an interpreter starts that `flowmaker exec --kfp1` started, before the program."""

import importlib.machinery
import importlib.util
import sys
from pathlib import Path

_HERE = str(Path(__file__).parent)


def _other() -> None:
    """Run the sitecustomize that this one hides, if there is one."""
    path = [one for one in sys.path if one and str(Path(one).absolute()) != _HERE]
    spec = importlib.machinery.PathFinder.find_spec("sitecustomize", path)
    if spec is not None and spec.loader is not None:
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)


_other()
# The syntax of this package is that of 3.10; older ones have no SDK of today anyway.
if sys.version_info >= (3, 10):  # noqa: UP036 - the interpreter is the program's
    from flowmaker.compat import hook

    hook.install()
