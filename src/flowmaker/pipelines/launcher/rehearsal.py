"""A component of no consequence, executed by the warm interpreter before it forks any task.

What runs for the first time compiles regular expressions, imports and has its bytecode specialised
(PEP 659). Done here, it is done for every task: else each does it anew, and in memory that it has
to copy before it can write to it. Nothing is left of it but that: no file, no module, no handler.
"""

import contextlib
import json
import logging
import os
import sys
import types
from typing import Any, Dict  # noqa: UP035 - Python 3.8 has no dict[…]

#: Bytecode is specialised step by step; after three times there is little left to gain.
TIMES = 3
_NAME = "rehearsed"
#: With what the SDK puts before a function, and a type of each kind.
_SOURCE = """
import kfp
from kfp import dsl
from kfp.dsl import *
from typing import *

def rehearsed(number: int, text: str, made: Output[Model], chosen: Optional[float] = None) -> str:
    return text
"""
_INPUT = {
    "inputs": {"parameterValues": {"number": 1, "text": ""}},
    "outputs": {
        "parameters": {"Output": {"outputFile": os.devnull}},
        "artifacts": {
            "made": {
                "artifacts": [
                    {
                        "name": "made",
                        "type": {"schemaTitle": "system.Model", "schemaVersion": "0.0.1"},
                        # Its folder is made, if it is not there: the root.
                        "uri": "/made",
                        "metadata": {},
                    }
                ]
            }
        },
        "outputFile": os.devnull,
    },
}
_ARGUMENTS = (
    *("--component_module_path", f"{_NAME}.py"),
    *("--function_to_execute", _NAME),
    *("--executor_input", json.dumps(_INPUT)),
)


def rehearse(executor_main: Any, artifact_types: Any) -> None:  # noqa: ANN401
    """Execute it. Whatever this SDK does not have is told by the tasks that need it."""
    utils: Dict[str, Any] = executor_main.utils.__dict__  # noqa: UP006 - Python 3.8
    kinds: Dict[str, Any] = artifact_types.__dict__  # noqa: UP006
    kept_utils, kept_kinds, argv = dict(utils), dict(kinds), sys.argv
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    try:
        utils["load_module"] = _load
        sys.argv = [_NAME, *_ARGUMENTS]
        # Nobody is to hear what it says.
        nowhere = contextlib.redirect_stdout(open(os.devnull, "w", encoding="utf-8"))  # noqa: PTH123, SIM115
        with contextlib.suppress(Exception, SystemExit), nowhere as out, out:
            for _ in range(TIMES):
                executor_main.executor_main()
    finally:
        utils.update(kept_utils)
        kinds.update(kept_kinds)
        sys.argv = argv
        root.handlers[:] = handlers
        root.setLevel(level)


def _load(*_: Any, **__: Any) -> types.ModuleType:  # noqa: ANN401
    module = types.ModuleType(_NAME)
    exec(compile(_SOURCE, _NAME, "exec"), vars(module))  # noqa: S102 - it is the one above
    return module
