"""`dsl.ContainerOp`: a task from an image, a command, and files that it leaves its outputs in."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import importlib
import re
from collections.abc import Mapping, Sequence
from typing import Any

from flowmaker.compat.component_yaml import OldComponent
from flowmaker.compat.refusal import refuse
from flowmaker.compat.wire import is_channel, text

pipeline_task: Any = importlib.import_module("kfp.dsl.pipeline_task")
pipeline_channel: Any = importlib.import_module("kfp.dsl.pipeline_channel")

_INSTEAD = "say what it does with kfp.kubernetes, or leave it out."


class ContainerOp(pipeline_task.PipelineTask):
    """A task of a pipeline; subclasses call `__init__` as they did."""

    def __init__(
        self,
        name: str,
        image: str,
        command: str | Sequence[Any] | None = None,
        arguments: str | Sequence[Any] | None = None,
        file_outputs: Mapping[str, str] | None = None,
        **others: object,
    ) -> None:
        """Make the task; arguments may be outputs of tasks, parameters, or texts with them in."""
        for other, value in others.items():
            if value:
                refuse(f"dsl.ContainerOp's {other}", _INSTEAD)
        inputs: dict[str, Any] = {}
        made: dict[str, Any] = {
            "image": str(image),
            "command": [_part(word, inputs) for word in _listed(command)],
            "args": [_part(word, inputs) for word in _listed(arguments)],
            "fileOutputs": dict(file_outputs or {}),
        }
        component = OldComponent(
            {
                "name": name,
                "inputs": [{"name": one} for one in inputs],
                "outputs": [{"name": one} for one in made["fileOutputs"]],
                "implementation": {"container": made},
            }
        )
        super().__init__(component_spec=component.specification(inputs), args=inputs)


def _listed(value: str | Sequence[Any] | None) -> Sequence[Any]:
    if value is None:
        return []
    return [value] if isinstance(value, str) or is_channel(value) else list(value)


def _part(word: object, inputs: dict[str, Any]) -> Any:
    """A word in component.yaml's terms; the channels in it become inputs."""
    written = str(text(word))
    found = pipeline_channel.extract_pipeline_channels_from_any([word, written])
    patterns = {str(channel): channel for channel in found}
    if not patterns:
        return written
    pieces: list[Any] = []
    for piece in re.split("(" + "|".join(re.escape(one) for one in patterns) + ")", written):
        if piece in patterns:
            name = f"input_{len(inputs) + 1}"
            inputs[name] = patterns[piece]
            pieces.append({"inputValue": name})
        elif piece:
            pieces.append(piece)
    return pieces[0] if len(pieces) == 1 else {"concat": pieces}
