"""The component.yaml files of KFP 1, with or without types, as components of today's SDK.

Each call makes the component anew: only then it is known which arguments come as values and which
as files.
"""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import copy
import importlib
from collections.abc import Mapping
from typing import Any, cast

import yaml

from flowmaker.compat.refusal import refuse
from flowmaker.compat.shell import needs_shell, wrapped
from flowmaker.compat.template import Template, as_yaml, outputs_told
from flowmaker.compat.wire import ARTIFACT, STRING, is_file, is_text, python_name
from flowmaker.compat.wire import text as on_the_wire

structures: Any = importlib.import_module("kfp.dsl.structures")
base_component: Any = importlib.import_module("kfp.dsl.base_component")
pipeline_task: Any = importlib.import_module("kfp.dsl.pipeline_task")
pipeline_context: Any = importlib.import_module("kfp.dsl.pipeline_context")

#: Outputs that KFP 1 showed in its UI: always files.
_SHOWN = ("mlpipeline-ui-metadata", "mlpipeline-metrics")

Document = Mapping[str, Any]


class OldComponent(base_component.BaseComponent):
    """A component of KFP 1: called with arguments of any kind, by position or by name."""

    def __init__(self, document: Document) -> None:
        """Take what component.yaml says."""
        implementation = document.get("implementation") or {}
        if "container" not in implementation:
            kind = next(iter(implementation), "nothing")
            refuse(
                f"A component whose implementation is '{kind}'",
                "only containers can be loaded; write a graph as a @dsl.pipeline.",
            )
        self.document = document
        self._title = str(document.get("name") or "component")
        self._container = cast("dict[str, Any]", implementation["container"])
        self._inputs = {str(one["name"]): dict(one) for one in document.get("inputs") or []}
        self._by_python_name = {python_name(name): name for name in self._inputs}
        super().__init__(self.specification(dict.fromkeys(self._inputs, "")))

    def __call__(self, *args: object, **kwargs: object) -> Any:
        """A task; arguments by position come in the order of the inputs, required ones first."""
        passed = self._bound(args, kwargs)
        spec = self.specification(passed)
        pipeline = pipeline_context.Pipeline
        return pipeline_task.PipelineTask(
            component_spec=spec,
            args={python_name(name): value for name, value in passed.items()},
            execute_locally=pipeline.get_default_pipeline() is None,
            execution_caching_default=pipeline.get_execution_caching_default(),
        )

    def execute(self, **_kwargs: object) -> Any:
        """As the SDK's other components from YAML, it runs in a pipeline."""
        refuse("Running a component outside a pipeline", "call it in a @dsl.pipeline.")

    def _optional(self, name: str) -> bool:
        return "default" in self._inputs[name] or bool(self._inputs[name].get("optional"))

    def _bound(self, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, Any]:
        """The arguments by the inputs' names, as they go over the wire; defaults are arguments."""
        given = self._given(args, kwargs)
        values = {
            name: one.get("default") if given.get(name) is None else given[name]
            for name, one in self._inputs.items()
        }
        missing = [name for name in values if values[name] is None and not self._optional(name)]
        if missing:
            raise TypeError(f"{self._title} needs the inputs {', '.join(missing)}")
        return {name: on_the_wire(value) for name, value in values.items() if value is not None}

    def _given(self, args: tuple[object, ...], kwargs: dict[str, object]) -> dict[str, object]:
        ordered = sorted(self._inputs, key=self._optional)
        if len(args) > len(ordered):
            raise TypeError(f"{self._title} has {len(ordered)} inputs, and got {len(args)}")
        given = dict(zip(ordered, args, strict=False))
        for key, value in kwargs.items():
            name = self._by_python_name.get(python_name(key))
            if name is None or name in given:
                what = "an input that it does not have" if name is None else "twice the input"
                raise TypeError(f"{self._title} got {what}: {key}")
            given[name] = value
        return given

    def specification(self, passed: Mapping[str, Any]) -> Any:
        """The component as these arguments, by the inputs' names, make it."""
        container = self._container
        fixed = {str(k): str(v) for k, v in (container.get("fileOutputs") or {}).items()}
        told = outputs_told([container.get("command"), container.get("args")])
        document = {
            "name": self._title,
            "description": self.document.get("description"),
            "inputs": [_input(name, value) for name, value in passed.items()],
            "outputs": [
                _output(one)
                for one in self.document.get("outputs") or []
                if one["name"] in told.union(fixed)
            ],
            "implementation": {"container": self._filled(Template(passed), fixed)},
        }
        cleaned = {key: value for key, value in document.items() if value}
        # Without shared parts, which YAML would write as anchors.
        return structures.ComponentSpec.from_yaml_documents(yaml.safe_dump(copy.deepcopy(cleaned)))

    def _filled(self, template: Template, fixed: Mapping[str, str]) -> dict[str, Any]:
        container = self._container
        command = template.words(container.get("command") or [])
        words = [*command, *template.words(container.get("args") or [])]
        filled: dict[str, Any] = {
            "image": str(container["image"]),
            "command": [as_yaml(word) for word in words[: len(command)]],
            "args": [as_yaml(word) for word in words[len(command) :]],
            "env": {k: str(v) for k, v in (container.get("env") or {}).items()},
        }
        if needs_shell(words, fixed):
            if not command:
                refuse(
                    f"A component with an image's own entrypoint ({filled['image']}), whose values "
                    "go through files,",
                    "write the entrypoint into component.yaml as its 'command'.",
                )
            filled |= {"command": wrapped(words, fixed), "args": []}
        return filled


def _input(name: str, value: object) -> dict[str, Any]:
    return {"name": name, "type": ARTIFACT if is_file(value) else STRING}


def _output(declared: Mapping[str, Any]) -> dict[str, Any]:
    texts = is_text(declared.get("type")) and declared["name"] not in _SHOWN
    return {"name": declared["name"], "type": STRING if texts else ARTIFACT}


def load_component_from_text(text: str) -> Any:
    """A component from its YAML, of KFP 1 or of today."""
    document = yaml.safe_load(text)
    if isinstance(document, dict) and "implementation" in document:
        return OldComponent(cast("Document", document))
    return importlib.import_module("kfp.dsl.yaml_component").YamlComponent(
        component_spec=structures.ComponentSpec.from_yaml_documents(text), component_yaml=text
    )
