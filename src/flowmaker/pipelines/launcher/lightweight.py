"""Runs one lightweight component: what its compiled command does, in a warm interpreter.

`sys.argv[1]` is the component's source, the rest are the arguments of `kfp.dsl.executor_main`.
The current folder is the task's own. Written for every Python that a component may ask for.
"""

import json
import os
import shutil
import sys
from typing import Any, Dict  # noqa: UP035 - Python 3.8 has no dict[…]

SOURCE = "ephemeral_component.py"


def run() -> None:
    """Execute the component, then put its artifacts where the server looks for them."""
    os.environ["_KFP_RUNTIME"] = "true"
    from kfp.dsl import executor_main  # noqa: PLC0415 - after the variable is set

    here = os.getcwd()  # noqa: PTH109
    _put_folders_under(here)
    source, arguments = sys.argv[1], sys.argv[2:]
    program = os.path.join(here, SOURCE)  # noqa: PTH118
    with open(program, "w", encoding="utf-8") as file:  # noqa: PTH123
        file.write(source)
    sys.argv = [executor_main.__file__, "--component_module_path", program, *arguments]
    executor_main.executor_main()
    executor_input = json.loads(arguments[arguments.index("--executor_input") + 1])
    _collect(executor_input["outputs"])


def _put_folders_under(folder: str) -> None:
    """Let `Artifact.path` be in the task's folder: `<folder>/s3/bucket/key`, not `/s3/…`.

    `Artifact.uri` stays what it is, and a path that is set maps back to its URI.
    """
    from kfp.dsl.types import artifact_types  # noqa: PLC0415 - after the variable is set

    for name, value in list(vars(artifact_types).items()):
        if name.endswith("_LOCAL_MOUNT_PREFIX"):
            setattr(artifact_types, name, folder + value)


def _collect(outputs: Dict[str, Any]) -> None:  # noqa: UP006
    """Move what an artifact with a path of its own (`set_path`) holds to where its URI maps."""
    from kfp.dsl.types import artifact_types  # noqa: PLC0415 - after the variable is set

    try:
        with open(outputs["outputFile"], encoding="utf-8") as file:  # noqa: PTH123
            given = json.load(file).get("artifacts", {})
    except FileNotFoundError:
        return
    for artifacts in given.values():
        for artifact in artifacts["artifacts"]:
            source = artifact.get("custom_path")
            if source and os.path.exists(source):  # noqa: PTH110
                target = artifact_types.Artifact(uri=artifact["uri"]).path
                os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
                shutil.move(source, target)
