"""KFP 1's wire: every value that a task gets or gives is a string."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import importlib
import json
import keyword
from typing import Any

channels: Any = importlib.import_module("kfp.dsl.pipeline_channel")
sdk_names: Any = importlib.import_module("kfp.dsl.utils")

STRING = "String"
ARTIFACT = "Artifact"

#: Types of component.yaml whose values are short texts. A value of any other type is data, which
#: goes from task to task as a file. A value without a type is a text.
_TEXTS = frozenset(
    (
        *("", "str", "string", "text", "int", "integer", "float", "double", "bool", "boolean"),
        *("list", "dict", "jsonobject", "jsonarray", "uri", "url", "name", "date", "datetime"),
        *("gcspath", "gcppath", "gcrpath", "gcpregion", "gcpprojectid", "localpath", "s3path"),
        *("s3uri", "path", "timestamp", "number"),
    )
)


def is_channel(value: object) -> bool:
    """Whether it is a task's output or a pipeline's parameter."""
    return isinstance(value, channels.PipelineChannel)


def is_file(value: object) -> bool:
    """Whether it is a task's output that goes as a file."""
    return isinstance(value, channels.PipelineArtifactChannel)


def text(value: object) -> Any:
    """A value as KFP 1 wrote it; channels stay, also within lists and dicts."""
    if is_channel(value) or isinstance(value, str):
        return value
    if isinstance(value, dict | list | tuple):
        return json.dumps(value, default=str)
    return str(value)


def is_text(declared: object) -> bool:
    """Whether values of a type of component.yaml are texts; any other is a file."""
    if isinstance(declared, dict):
        declared = next(iter(declared), "")
    return str(declared or "").partition("[")[0].lower() in _TEXTS


def python_name(name: str) -> str:
    """The name by which code passes an input or takes an output, as today's SDK has it.

    What is a word of Python gets a `_` at its end, as KFP 1 has it.
    """
    made = sdk_names.sanitize_input_name(name)
    return f"{made}_" if keyword.iskeyword(made) else made


class Outputs(dict[str, Any]):
    """A task's outputs, which KFP 1 also gave under their names as code writes them."""

    def __missing__(self, name: str) -> object:
        """`Model Name` is `model_name`, and a single output is `output` as well."""
        for own, channel in self.items():
            if python_name(own) == python_name(name):
                return channel
        if name == "output" and len(self) == 1:
            return next(iter(self.values()))
        raise KeyError(name)
