"""Puts KFP 1's names into the SDK that the program has imported."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import functools
import importlib
import sys
from typing import Any

from flowmaker.compat import (
    client,
    clouds,
    component_yaml,
    conf,
    container_op,
    functions,
    loops,
    packages,
    pipelines,
    tasks,
)
from flowmaker.compat.refusal import refusing
from flowmaker.compat.wire import Outputs

#: What `kfp.dsl` had for volumes, resources and containers beside the task's own.
_REFUSED = {
    "VolumeOp": "make the claim with kfp.kubernetes.CreatePVC.",
    "PipelineVolume": "mount a claim with kfp.kubernetes.mount_pvc.",
    "VolumeSnapshotOp": "there are no snapshots of volumes.",
    "ResourceOp": "write a component that talks to Kubernetes.",
    "Sidecar": "a task is one process.",
    "UserContainer": "a task is one process.",
    "InitContainer": "do it at the beginning of the task.",
    "graph_component": "write it as a @dsl.pipeline, and call that.",
}


def patch(kfp: Any) -> None:
    """Make it understand KFP 1; an SDK of 1.x does already."""
    if not str(kfp.__version__).startswith("2."):
        return
    for name, module in clouds.modules().items():
        setattr(kfp, name, module)
        sys.modules[f"kfp.{name}"] = module
    _dsl(importlib.import_module("kfp.dsl"))
    _components(importlib.import_module("kfp.components"))
    compiler: Any = importlib.import_module("kfp.compiler").Compiler
    own_compile = compiler.compile

    @functools.wraps(own_compile)
    def compile_(self: Any, *args: Any, **kwargs: Any) -> None:
        packages.compile_pipeline(functools.partial(own_compile, self), *args, **kwargs)

    compiler.compile = compile_
    client.extend(importlib.import_module("kfp.client").Client)


def _dsl(dsl: Any) -> None:
    tasks.extend(dsl.PipelineTask, lambda task: Outputs(task._outputs))
    own_component = dsl.component

    @functools.wraps(own_component)
    def component(*args: Any, **kwargs: Any) -> Any:
        """KFP 1's marked a function that makes a ContainerOp; today's makes a component of one."""
        names = getattr(getattr(args[0] if args else None, "__code__", None), "co_names", ())
        return args[0] if "ContainerOp" in names else own_component(*args, **kwargs)

    dsl.component = component
    dsl.pipeline = pipelines.pipeline
    dsl.PipelineParam = pipelines.PipelineParam
    dsl.ParallelFor = loops.parallel_for
    dsl.ContainerOp = container_op.ContainerOp
    dsl.get_pipeline_conf = conf.get_pipeline_conf
    dsl.PipelineConf = conf.PipelineConf
    dsl.RUN_ID_PLACEHOLDER = dsl.PIPELINE_JOB_ID_PLACEHOLDER
    dsl.EXECUTION_ID_PLACEHOLDER = dsl.PIPELINE_TASK_ID_PLACEHOLDER
    for name, instead in _REFUSED.items():
        setattr(dsl, name, refusing(f"dsl.{name}", instead))


def _components(components: Any) -> None:
    utilities: Any = importlib.import_module("kfp.components.load_yaml_utilities")
    utilities.load_component_from_text = component_yaml.load_component_from_text
    components.load_component_from_text = component_yaml.load_component_from_text
    components.create_component_from_func = functions.create_component_from_func
    components.func_to_container_op = functions.func_to_container_op
    annotations: Any = importlib.import_module("kfp.dsl")
    components.InputPath = annotations.InputPath
    for one in ("InputTextFile", "InputBinaryFile", "OutputTextFile", "OutputBinaryFile"):
        setattr(components, one, getattr(functions, one))
    components.OutputPath = annotations.OutputPath
    components.func_to_component_text = refusing(
        "components.func_to_component_text", "use create_component_from_func."
    )
    base: Any = importlib.import_module("kfp.dsl.base_component").BaseComponent
    own_call = base.__call__

    @functools.wraps(own_call)
    def call(self: Any, *args: Any, **kwargs: Any) -> Any:
        """Arguments may come by position."""
        inputs = self.component_spec.inputs or {}
        ordered = sorted(inputs, key=lambda name: bool(inputs[name].optional))
        return own_call(self, **dict(zip(ordered, args, strict=False)), **kwargs)

    base.__call__ = call
