"""Runs one lightweight component under pdb: in the terminal, for `flowmaker debug`."""

import ast
import contextlib
import inspect
import os
import pdb
import sys
import traceback
from typing import Any, Callable  # noqa: UP035 - Python 3.8 has no collections.abc.Callable[…]

from flowmaker.pipelines.launcher import lightweight


def post_mortem() -> None:
    """Run it as ever; when it raises, look around where it did."""
    _run(lambda execute: execute())


def from_start() -> None:
    """Stop at the first line of the component's function; and look around when it raises."""
    source, arguments = sys.argv[1], sys.argv[2:]
    name = arguments[arguments.index("--function_to_execute") + 1]
    program = os.path.join(os.getcwd(), lightweight.SOURCE)  # noqa: PTH109, PTH118
    debugger = pdb.Pdb()

    def execute(what: Callable[[], None]) -> None:
        refused = debugger.set_break(program, _first_line(source, name), temporary=True)
        if refused:
            print(refused)  # noqa: T201 - to the terminal
        # As after pdb's `continue`: it stops at breakpoints, and nowhere else.
        debugger.reset()
        debugger.botframe = inspect.currentframe()
        debugger.set_continue()
        sys.settrace(debugger.trace_dispatch)
        try:
            what()
        finally:
            sys.settrace(None)

    _run(execute)


def _run(execute: "Callable[[Callable[[], None]], None]") -> None:
    try:
        lightweight.run(execute)
    except pdb.bdb.BdbQuit:  # type: ignore[attr-defined]
        print("[flowmaker] ended from the debugger")  # noqa: T201
        sys.exit(1)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is what one wants to see
        traceback.print_exc()
        print("[flowmaker] post-mortem; `where`, `up`, `p NAME`, `q`")  # noqa: T201
        with contextlib.suppress(SystemExit):
            _look_around(error)
        sys.exit(1)
    print("[flowmaker] it succeeded")  # noqa: T201


def _look_around(error: BaseException) -> None:
    """Where the component's own code was last; below it are the libraries."""
    trace: Any = error.__traceback__
    debugger = pdb.Pdb()
    debugger.reset()
    frames = list(traceback.walk_tb(trace))
    own = [i for i, (frame, _) in enumerate(frames) if _is_own(frame.f_code.co_filename)]
    steps = len(frames) - 1 - own[-1] if own else 0
    if steps:
        debugger.cmdqueue.append(f"up {steps}")
    debugger.interaction(None, trace)


def _is_own(filename: str) -> bool:
    return filename.endswith(lightweight.SOURCE)


def _first_line(source: str, name: str) -> int:
    """The first line of the function's body that does something."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and node.name == name:
            body = node.body
            has_docstring = isinstance(body[0], ast.Expr) and isinstance(
                body[0].value, ast.Constant
            )
            return (body[1] if has_docstring and len(body) > 1 else body[0]).lineno
    return 1
