"""The component that the warm interpreter runs in advance: it really runs, and leaves nothing."""

import contextlib
import logging
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from kfp.dsl import executor_main
from kfp.dsl.types import artifact_types

from flowmaker.pipelines.launcher import rehearsal


def _everything() -> dict[str, Any]:
    """What a component, or the SDK, may change of the interpreter."""
    return {
        "argv": list(sys.argv),
        "path": list(sys.path),
        "modules": set(sys.modules),
        "environment": dict(os.environ),
        "folder": Path.cwd(),
        "handlers": list(logging.getLogger().handlers),
        "level": logging.getLogger().level,
        "types": dict(vars(artifact_types)),
        "utils": dict(vars(executor_main.utils)),
        "stdout": sys.stdout,
    }


def _rehearse(main: Callable[[], None]) -> None:
    sdk = SimpleNamespace(utils=executor_main.utils, executor_main=main)
    rehearsal.rehearse(sdk, artifact_types)


def _main_counted(ended: list[str]) -> Callable[[], None]:
    def main() -> None:
        executor_main.executor_main()
        ended.append(sys.argv[0])

    return main


def test_the_sdk_executes_it_to_its_end_and_nothing_is_left(capfd: pytest.CaptureFixture[str]):
    ended: list[str] = []
    with _no_handlers():
        _rehearse(_main_counted([]))  # whatever Python imports for itself at the first time
        before = _everything()
        _rehearse(_main_counted(ended))
        assert _everything() == before

    assert ended == ["rehearsed"] * rehearsal.TIMES
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("raised", [SystemExit(2), AttributeError("of another SDK")])
def test_an_sdk_that_cannot_execute_it_is_left_as_it_was(raised: BaseException):
    def main() -> None:
        artifact_types.CONTAINER_TASK_ROOT = "elsewhere"
        raise raised

    before = _everything()
    _rehearse(main)
    assert _everything() == before


@contextlib.contextmanager
def _no_handlers():
    """As in a new interpreter: where there is a handler, the SDK adds none."""
    root = logging.getLogger()
    kept = list(root.handlers)
    root.handlers[:] = []
    try:
        yield
    finally:
        root.handlers[:] = kept
