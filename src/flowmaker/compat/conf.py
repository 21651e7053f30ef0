"""`dsl.get_pipeline_conf()` and `dsl.PipelineConf`: what a pipeline says of all its tasks."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Any

from flowmaker.compat.refusal import refuse, refusing

Transformer = Callable[[Any], Any]


class PipelineConf:
    """Transformers of tasks are done; the rest is Argo's, and refused."""

    def __init__(self) -> None:
        """Nothing is asked for."""
        self._transformers: list[Transformer] = []

    def add_op_transformer(self, transformer: Transformer) -> "PipelineConf":
        """Call it with each task."""
        self._transformers.append(transformer)
        return self

    def transform(self, task: Any) -> None:
        """Call the transformers with a task."""
        for transformer in self._transformers:
            transformer(task)

    def extend(self, other: "PipelineConf") -> None:
        """Ask for what another asks for."""
        self._transformers += other._transformers

    def __getattr__(self, name: str) -> Any:
        """Whatever else it had."""
        if name.startswith("set_") or name == "data_passing_method":
            return refusing(f"PipelineConf.{name}", "say it of each task, or leave it out.")
        raise AttributeError(name)


_reading: list[PipelineConf] = []


@contextmanager
def while_reading(conf: PipelineConf) -> Generator[None]:
    """In the block, `conf` is the pipeline's."""
    _reading.append(conf)
    try:
        yield
    finally:
        _reading.pop()


def get_pipeline_conf() -> PipelineConf:
    """The conf of the pipeline that is being read."""
    if not _reading:
        refuse("dsl.get_pipeline_conf() outside a pipeline", "call it in the pipeline's function.")
    return _reading[-1]
