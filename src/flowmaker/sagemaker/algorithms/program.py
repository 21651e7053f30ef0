"""`python -m ALGORITHM train|serve`: the two commands of a built-in algorithm's container."""

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

from flowmaker.sagemaker.algorithms import job
from flowmaker.sagemaker.algorithms.hyperparameters import Schema
from flowmaker.sagemaker.serving.model import Model


def main(package: str, schema: Schema, argv: list[str]) -> int:
    """Runs the command of the algorithm in `package`, and gives the exit code.

    Of `package.train` and `package.serve` only the one that is asked for is imported.
    """
    if argv == ["train"]:
        return job.run(schema, _half(package, "train").train)
    if argv == ["serve"]:
        return serve(_half(package, "serve").load, job.base_folder() / "model")
    print(f"usage: python -m {package} train|serve", file=sys.stderr)  # noqa: T201
    return 2


def _half(package: str, name: str) -> ModuleType:
    return importlib.import_module(f"{package}.{name}")


def serve(load: Callable[[Path], Model], folder: Path) -> int:
    """Serves the model of a folder until it is told to end, or several as they are asked for."""
    from flowmaker.sagemaker.serving import server  # noqa: PLC0415 - what training does not need

    if server.serves_several():
        server.serve_several(load)
        return 0
    try:
        model = load(folder)
    except (OSError, KeyError, ValueError) as error:
        print(  # noqa: T201 - the log
            f"Unable to load model: the archive must hold what training here writes ({error})",
            file=sys.stderr,
        )
        return 1
    server.serve(model)
    return 0
