"""Runs one lightweight component: what its compiled command does, in a warm interpreter.

`sys.argv[1]` is the component's source, the rest are the arguments of `kfp.dsl.executor_main`.
The current folder is the task's own. Written for every Python that a component may ask for.
"""

import importlib
import json
import os
import sys
from typing import Any, Callable, Dict, Tuple  # noqa: UP035 - Python 3.8 has no dict[…]

from flowmaker.pipelines.launcher import reading

SOURCE = "ephemeral_component.py"


def run(execute: Callable[[Callable[[], None]], None] = lambda what: what()) -> None:
    """Execute the component, then put its artifacts where the server looks for them.

    `execute` calls what it is given, and may do so under a debugger.
    """
    os.environ["_KFP_RUNTIME"] = "true"
    source, arguments = sys.argv[1], sys.argv[2:]
    executor_input = json.loads(arguments[arguments.index("--executor_input") + 1])
    executor_main, artifact_types = sdk()
    here = os.getcwd()  # noqa: PTH109
    _put_folders_under(here, artifact_types)
    reading.teach(artifact_types, executor_input, here)
    _load_without_trace(executor_main.utils)
    program = os.path.join(here, SOURCE)  # noqa: PTH118
    with open(program, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(source)
    sys.argv = [executor_main.__file__, "--component_module_path", program, *arguments]
    execute(executor_main.executor_main)
    _collect(executor_input["outputs"], artifact_types)


def sdk() -> Tuple[Any, Any]:  # noqa: UP006
    """The SDK's `executor_main` and `artifact_types`, which were elsewhere before KFP 2.1."""
    try:
        from kfp.dsl import executor_main  # noqa: PLC0415 - after the variable is set
    except ImportError:
        executor_main = importlib.import_module("kfp.components.executor_main")
        return executor_main, importlib.import_module("kfp.components.types.artifact_types")
    return executor_main, importlib.import_module("kfp.dsl.types.artifact_types")


def _put_folders_under(folder: str, artifact_types: Any) -> None:  # noqa: ANN401
    """Let `Artifact.path` be in the task's folder: `<folder>/s3/bucket/key`, not `/s3/…`.

    `Artifact.uri` stays what it is, and a path that is set maps back to its URI.
    """
    for name in dir(artifact_types):
        if name.endswith("_LOCAL_MOUNT_PREFIX"):
            setattr(artifact_types, name, folder + getattr(artifact_types, name))


def _load_without_trace(utils: Any) -> None:  # noqa: ANN401
    """Let the program be loaded without its bytecode being kept: it is never loaded again."""
    load_module: Callable[..., Any] = utils.load_module

    def load(*args: Any, **kwargs: Any) -> Any:  # noqa: ANN401
        kept, sys.dont_write_bytecode = sys.dont_write_bytecode, True
        try:
            return load_module(*args, **kwargs)
        finally:
            sys.dont_write_bytecode = kept

    utils.load_module = load


def _collect(outputs: Dict[str, Any], artifact_types: Any) -> None:  # noqa: ANN401, UP006
    """Move what an artifact with a path of its own (`set_path`) holds to where its URI maps."""
    try:
        with open(outputs["outputFile"], encoding="utf-8") as file:  # noqa: PTH123
            given = json.load(file).get("artifacts", {})
    except FileNotFoundError:
        return
    for artifacts in given.values():
        for artifact in artifacts["artifacts"]:
            source = artifact.get("custom_path")
            if source and os.path.exists(source):  # noqa: PTH110
                import shutil  # noqa: PLC0415 - few need it, and every fork has what is imported before

                target = artifact_types.Artifact(uri=artifact["uri"]).path
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
                shutil.move(source, target)
