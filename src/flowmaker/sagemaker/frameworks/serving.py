"""Script mode: serves a model with the functions of the user's script."""

import importlib
import inspect
import os
import sys
import threading
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from flowmaker.sagemaker.algorithms.job import base_folder
from flowmaker.sagemaker.frameworks import codecs
from flowmaker.sagemaker.frameworks.handlers import HANDLERS, Handlers
from flowmaker.sagemaker.serving import server
from flowmaker.sagemaker.serving.model import Answer

# ruff: noqa: ANN401 - models, data and predictions are whatever a script makes of them
_PARTS = ("input_fn", "predict_fn", "output_fn")
#: PyTorch's container takes this one where SAGEMAKER_PROGRAM is not set.
_USUAL = "inference.py"


@dataclass(frozen=True, slots=True)
class Context:
    """What PyTorch's container gives to functions that take one argument more."""

    system_properties: dict[str, Any] = field(default_factory=dict[str, Any])


class Script:
    """A loaded model, and the functions that it is asked with."""

    def __init__(self, module: ModuleType | None, handlers: Handlers, folder: Path) -> None:
        """Loads the model.

        Raises:
            Exception: whatever the script raises.
        """
        self._context = Context({"model_dir": str(folder), "gpu_id": None})
        # It was not written for threads: its container has a process for each request.
        self._turn = threading.Lock()
        given = {name: getattr(module, name, None) for name in (*_PARTS, "model_fn")}
        self._transform: Callable[..., Any] | None = getattr(module, "transform_fn", None)
        if self._transform and any(given[name] for name in _PARTS):
            raise ValueError(
                "Cannot use transform_fn implementation with input_fn, predict_fn, and/or output_fn"
            )
        self._functions: dict[str, Callable[..., Any]] = {
            name: function or getattr(handlers, name) for name, function in given.items()
        }
        self._model = self._call(self._functions["model_fn"], str(folder))

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        kind = content_type or codecs.JSON
        wanted = accept if accept not in {"", codecs.ANY} else default_accept()
        data = body.decode() if codecs.media_type(kind) in codecs.TEXTS else body
        with self._turn:
            return _answer(self._predicted(data, kind, wanted), wanted)

    def _predicted(self, data: str | bytes, kind: str, wanted: str) -> Any:
        if self._transform:
            return self._call(self._transform, self._model, data, kind, wanted)
        read = self._call(self._functions["input_fn"], data, kind)
        prediction = self._call(self._functions["predict_fn"], read, self._model)
        return self._call(self._functions["output_fn"], prediction, wanted)

    def _call(self, function: Callable[..., Any], *arguments: Any) -> Any:
        takes = len(inspect.signature(function).parameters)
        further = (self._context,) if takes == len(arguments) + 1 else ()
        return function(*arguments, *further)


def _answer(result: Any, wanted: str) -> Answer:
    """Scripts give a body, or a body and its type."""
    body, kind = cast("tuple[Any, str]", result) if isinstance(result, tuple) else (result, wanted)
    return Answer(body.encode() if isinstance(body, str) else bytes(body), kind)


def default_accept() -> str:
    """What is answered to who did not say."""
    return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT") or codecs.JSON


def source() -> Path:
    """The folder of the script: it came in the model's archive or from S3 beside it."""
    place = os.environ.get("SAGEMAKER_SUBMIT_DIRECTORY", "")
    base = base_folder()
    if place.startswith("s3://"):
        return base / "code"
    if place.startswith("/opt/ml/"):
        return base / place.removeprefix("/opt/ml/")
    return base / "model" / "code"


def run(framework: str) -> int:
    """Serves until SIGTERM, and gives the exit code."""
    if server.serves_several():
        server.serve_several(lambda model: one_of_several(framework, model), inline_bytes=0)
        return 0
    folder = source()
    program = os.environ.get("SAGEMAKER_PROGRAM") or _USUAL
    try:
        module = _module(folder, program)
        script = Script(module, HANDLERS[framework](), base_folder() / "model")
    except Exception:  # noqa: BLE001 - the script's own failure, told in the log
        traceback.print_exc()
        print(f"The model could not be loaded with {program} of {folder}", file=sys.stderr)  # noqa: T201
        return 1
    # In a thread, however small: a script may take its time, and /ping is answered meanwhile.
    server.serve(script, inline_bytes=0)
    return 0


def one_of_several(framework: str, model: Path) -> Script:
    """A model of a multi-model endpoint: all have one script, or each its own in `code`."""
    folder = source()
    if folder.is_relative_to(base_folder() / "model"):
        folder = model / folder.relative_to(base_folder() / "model")
    program = os.environ.get("SAGEMAKER_PROGRAM") or _USUAL
    sys.modules.pop(_name(program), None)
    try:
        return Script(_module(folder, program), HANDLERS[framework](), model)
    finally:
        if str(folder) in sys.path:
            sys.path.remove(str(folder))


def _name(program: str) -> str:
    return program.removesuffix(".py").replace("/", ".")


def _module(folder: Path, program: str) -> ModuleType | None:
    """The script; None when there is none and none was asked for."""
    if not (folder / program).is_file():
        if "SAGEMAKER_PROGRAM" in os.environ:
            raise FileNotFoundError(f"there is no {program} in {folder}")
        return None
    sys.path.insert(0, str(folder))
    return importlib.import_module(_name(program))
