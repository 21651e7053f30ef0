"""`@dsl.pipeline` of KFP 1: a function of untyped parameters, read when it is compiled."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import functools
import importlib
import inspect
from collections.abc import Callable
from typing import Any

from flowmaker.compat.conf import PipelineConf, while_reading
from flowmaker.compat.refusal import refuse
from flowmaker.compat.wire import is_channel, sdk_names, text

graph_component: Any = importlib.import_module("kfp.dsl.graph_component")
component_factory: Any = importlib.import_module("kfp.dsl.component_factory")
pipeline_context: Any = importlib.import_module("kfp.dsl.pipeline_context")
pipeline_channel: Any = importlib.import_module("kfp.dsl.pipeline_channel")


class OldPipeline(graph_component.GraphComponent):
    """The function itself to whoever calls it, in another pipeline; a pipeline to the SDK."""

    def __init__(
        self,
        func: Callable[..., object],
        name: str | None = None,
        description: str | None = None,
        pipeline_root: str | None = None,
    ) -> None:
        """Remember the function. It is read when it is needed, as its program may still change."""
        functools.update_wrapper(self, func)
        self.pipeline_func = func
        self.conf = PipelineConf()
        self._human_name = name or func.__name__
        self._description = description or inspect.getdoc(func)
        self._root = pipeline_root
        self._read: Any = None

    def __call__(self, *args: object, **kwargs: object) -> object:
        """In another pipeline its tasks are that one's."""
        return self.pipeline_func(*args, **kwargs)

    @property
    def name(self) -> str:
        return sdk_names.maybe_rename_for_k8s(self._human_name)

    @property
    def description(self) -> str | None:
        return self._description

    @property
    def component_spec(self) -> Any:
        return self._graph().component_spec

    @property
    def pipeline_spec(self) -> Any:
        return self._graph().pipeline_spec

    @property
    def platform_spec(self) -> Any:
        return self._graph().platform_spec

    @property
    def required_inputs(self) -> Any:
        return self._graph().required_inputs

    def _graph(self) -> Any:
        if self._read is None:
            self._read = component_factory.create_graph_component_from_func(
                self._of_strings(),
                name=self.name,
                description=self._description,
                display_name=self._human_name,
            )
        return self._read

    def _of_strings(self) -> Callable[..., None]:
        func, conf = self.pipeline_func, self.conf

        def read(*values: object) -> None:
            with while_reading(conf):
                func(*values)
            for task in list(pipeline_context.Pipeline.get_default_pipeline().tasks.values()):
                conf.transform(task)

        parameters = [_of_string(one) for one in inspect.signature(func).parameters.values()]
        ordered = sorted(parameters, key=lambda one: one.default is not one.empty)
        if ordered != parameters:
            refuse(
                "A parameter without a value after one that has a value",
                "give it one too: None is no value in KFP 1.",
            )
        told: Any = functools.update_wrapper(read, func)
        told.__signature__ = inspect.Signature(parameters)
        told.__annotations__ = {one.name: str for one in parameters}
        del told.__wrapped__
        if self._root:
            told.pipeline_root = self._root
        return told


def _of_string(one: inspect.Parameter) -> inspect.Parameter:
    if one.kind in (one.VAR_POSITIONAL, one.VAR_KEYWORD):
        refuse(f"A pipeline's *{one.name}", "name each of its parameters.")
    default = getattr(one.default, "value", None) if is_channel(one.default) else one.default
    if default is not one.empty:
        default = one.empty if default is None else text(default)
    return inspect.Parameter(
        one.name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default, annotation=str
    )


def pipeline(
    func: Any = None,
    description: str | None = None,
    pipeline_root: str | None = None,
    *,
    name: str | None = None,
    **others: object,
) -> Any:
    """`@dsl.pipeline`, with or without arguments, which may come by position."""
    for other, value in others.items():
        if value is not None:
            refuse(f"@dsl.pipeline's {other}", "leave it out; it is none of KFP 1's arguments.")
    if callable(func):
        return OldPipeline(func, name, description, pipeline_root)
    given = name or func
    return lambda function: OldPipeline(function, given, description, pipeline_root)


def as_pipeline(function: Any) -> Any:
    """A pipeline as the SDK compiles it; KFP 1 took functions without `@dsl.pipeline` as well."""
    base = importlib.import_module("kfp.dsl.base_component").BaseComponent
    return function if isinstance(function, base) else OldPipeline(function)


class _AnyChannel(type):
    def __instancecheck__(cls, instance: object) -> bool:
        return is_channel(instance)


class PipelineParam(metaclass=_AnyChannel):
    """`dsl.PipelineParam`: a parameter by its name, or the output of a task."""

    def __new__(
        cls, name: str, op_name: str | None = None, value: object = None, **_: object
    ) -> Any:
        """A channel of today's SDK, with the value as its default."""
        channel = pipeline_channel.create_pipeline_channel(
            name=name, channel_type="String", task_name=op_name
        )
        channel.value = value
        return channel
