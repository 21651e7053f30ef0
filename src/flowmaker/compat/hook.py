"""Sees the program import `kfp`, and makes it understand KFP 1. Nothing is imported before."""

import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from types import ModuleType

#: Set by the SDK where a component's function runs, not where pipelines are written.
_RUNTIME = "_KFP_RUNTIME"


class _Finder(importlib.abc.MetaPathFinder):
    """Finds `kfp` as everybody does, and sees when it has been loaded."""

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,  # noqa: ARG002 - Python passes it
        target: ModuleType | None = None,  # noqa: ARG002
    ) -> importlib.machinery.ModuleSpec | None:
        if fullname != "kfp" or os.environ.get(_RUNTIME) == "true":
            return None
        sys.meta_path.remove(self)
        spec = importlib.util.find_spec(fullname)
        if spec is not None and spec.loader is not None:
            spec.loader = _Loader(spec.loader)
        return spec


class _Loader(importlib.abc.Loader):
    """The module's own loader, and what is done after it."""

    def __init__(self, own: importlib.abc.Loader) -> None:
        self._own = own

    def create_module(self, spec: importlib.machinery.ModuleSpec) -> ModuleType | None:
        return self._own.create_module(spec)

    def exec_module(self, module: ModuleType) -> None:
        self._own.exec_module(module)
        if module.__spec__ is not None:
            module.__spec__.loader = module.__loader__ = self._own
        # Only now: the modules of this package import the SDK's.
        from flowmaker.compat.patching import patch  # noqa: PLC0415

        patch(module)


def install() -> None:
    """Watch this interpreter's imports."""
    sys.meta_path.insert(0, _Finder())
