"""The pipelines that are measured: of one lightweight component that hands on a number."""

import tempfile
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler, dsl
from kfp.dsl import PipelineTask
from kfp.dsl.pipeline_channel import PipelineChannel

#: What @dsl.pipeline makes, and what a task may be given.
Pipeline = Callable[..., Any]
Number = int | PipelineChannel


@dsl.component(base_image="python:3.11")
def step(number: int) -> int:
    return number


def _step(number: Number) -> PipelineTask:
    return step(number=number).set_caching_options(enable_caching=False)


def chain(length: int) -> Pipeline:
    """Each task takes what the one before it gave."""

    @dsl.pipeline(name=f"chain-{length}")
    def pipeline():
        number: Number = 0
        for _ in range(length):
            number = _step(number).output

    return pipeline


def fan_out(width: int) -> Pipeline:
    """Tasks that wait for nothing."""

    @dsl.pipeline(name=f"fan-out-{width}")
    def pipeline():
        for number in range(width):
            _step(number)

    return pipeline


def loop(count: int) -> Pipeline:
    """One task for each item of a list."""

    @dsl.pipeline(name=f"loop-{count}")
    def pipeline():
        with dsl.ParallelFor(list(range(count))) as number:
            _step(number)

    return pipeline


def nested(outer: int, inner: int) -> Pipeline:
    """A loop in a loop."""

    @dsl.pipeline(name=f"nested-{outer}-{inner}")
    def pipeline():
        with dsl.ParallelFor(list(range(outer))), dsl.ParallelFor(list(range(inner))) as number:
            _step(number)

    return pipeline


def compile_into(folder: Path, pipeline: Pipeline) -> Path:
    """The package of a pipeline."""
    package = folder / "package.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(package))
    return package


def source_of_step() -> str:
    """The program of the component as it is compiled."""
    with tempfile.TemporaryDirectory() as folder:
        spec = yaml.safe_load(compile_into(Path(folder), fan_out(1)).read_text())
    (executor,) = spec["deploymentSpec"]["executors"].values()
    return executor["container"]["command"][-1]
