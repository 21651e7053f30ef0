"""What a task runs, completely: its command with nothing left to fill in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.pipelines.driver.configuration import configurations_of, container_of
from flowmaker.pipelines.driver.job import Job, local_path
from flowmaker.pipelines.driver.placeholders import Placeholders
from flowmaker.pipelines.driver.workspace import is_inside
from flowmaker.pipelines.ir.graph import ArtifactDefinition, Component, Container
from flowmaker.pipelines.ir.lightweight import Lightweight, recognise
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task

#: The path of an input artifact, in a command.
_PATH = re.compile(r"\{\{\$\.inputs\.artifacts\[['\"](.*?)['\"]\]\.path\}\}")

#: Of a variable, in another one or in a command.
_REFERENCE = re.compile(r"(?P<escape>\$)?(?P<text>\$\((?P<name>[^()]*)\))")

_RETRIES = "{{retries}}"
_OUTPUT = "executor_output.json"
_GET_URI = "get_uri"


@dataclass(frozen=True, kw_only=True, slots=True)
class Program:
    """A command, and the files that it is to leave."""

    #: For a lightweight component the arguments of `kfp.dsl.executor_main`, else the command.
    argv: tuple[str, ...]
    lightweight: Lightweight | None
    env: Mapping[str, str]
    #: The ExecutorOutput that it may write.
    output_file: str
    #: The file for each output parameter.
    output_files: Mapping[str, str]
    #: RuntimeArtifacts of its outputs, before they are made.
    output_artifacts: Mapping[str, list[Document]]
    #: The URIs of the input artifacts whose contents the command is sure to read.
    reads: frozenset[str]


def program_of(
    task: Task, component: Component, job: Job, work: str, kubernetes: Document
) -> Program:
    """What to run for a task whose inputs are known, in the folder `work`.

    `kubernetes` is its KubernetesExecutorConfig, resolved: a dsl.TaskConfig tells of it.

    Raises:
        FailedPrecondition: a placeholder has no value.
        Unsupported: a placeholder is of an unknown kind.
    """
    container = container_of(task, component, job)
    lightweight = recognise(container.command)
    # A command may run `kfp.dsl.executor_main` without being a lightweight component's (a
    # containerised one), and would look for s3:// under /s3. Only the lightweight one can be told
    # to look elsewhere, so any other finds the paths themselves as the URIs in its `{{$}}`.
    configurations = configurations_of(task, component, job, kubernetes)
    placeholders = _placeholders(task, component, job, work, lightweight, configurations)
    words = container.args if lightweight else (*container.command, *container.args)
    words = tuple(_counted(word, task) for word in words)
    assert placeholders.executor_input is not None
    return Program(
        argv=tuple(word for template in words for word in placeholders.words(template)),
        lightweight=lightweight,
        env=_environment(container, placeholders, task),
        output_file=placeholders.executor_input["outputs"]["outputFile"],
        output_files=placeholders.output_files,
        output_artifacts=placeholders.output_artifacts,
        reads=frozenset(
            artifact["uri"]
            for name in _PATH.findall("\n".join(words))
            for artifact in task.inputs["artifacts"].get(name, ())[:1]
            if not is_inside(artifact)
        ),
    )


def _placeholders(
    task: Task,
    component: Component,
    job: Job,
    work: str,
    lightweight: Lightweight | None,
    configurations: Mapping[str, Any],
) -> Placeholders:
    root = job.task_root(task.name, task.task_id)
    output_artifacts = {
        name: [_declared(definition, f"{root}/{name}")]
        for name, definition in component.outputs.artifacts.items()
    }
    parameters = {
        **{name: _counted(value, task) for name, value in task.inputs["parameters"].items()},
        **configurations,
    }
    output_files = {name: f"{work}/outputs/{name}" for name in component.outputs.parameters}

    def listed(side: Mapping[str, list[Document]]) -> dict[str, Any]:
        return {name: {"artifacts": [shown(each) for each in side[name]]} for name in side}

    def shown(artifact: Document) -> Document:
        # `kfp.dsl` itself puts the folder of the workspace before the path of what is in it.
        folder = "" if is_inside(artifact) else work
        uri = artifact["uri"] if lightweight else local_path(folder, artifact["uri"])
        return _filled({**artifact, "uri": uri})

    return Placeholders(
        parameters=parameters,
        input_artifacts=task.inputs["artifacts"],
        output_artifacts=output_artifacts,
        output_files=output_files,
        job=job.placeholders(task.name, task.task_id),
        executor_input={
            "inputs": _filled(
                {
                    "parameterValues": parameters,
                    "artifacts": listed(task.inputs["artifacts"]),
                }
            ),
            "outputs": _filled(
                {
                    "parameters": {
                        name: {"outputFile": output_files[name]} for name in output_files
                    },
                    "artifacts": listed(output_artifacts),
                    "outputFile": f"{_output_folder(component, lightweight, root, work)}/{_OUTPUT}",
                }
            ),
        },
        work=work,
    )


def _output_folder(
    component: Component, lightweight: Lightweight | None, root: str, work: str
) -> str:
    """The folder of the ExecutorOutput: that of the task's URIs, of which `dsl.get_uri` tells.

    It is a deep one: a component that has nothing to do with URIs is spared it.
    """
    if component.outputs.artifacts or lightweight is None or _GET_URI in lightweight.source:
        return local_path(work, root)
    return f"{work}/outputs"


def _filled(message: Document) -> dict[str, Any]:
    """`message` without what is empty, as protobuf writes it in JSON."""
    return {name: value for name, value in message.items() if value not in ({}, [], "")}


def _declared(definition: ArtifactDefinition, uri: str) -> Document:
    """The RuntimeArtifact of an output before it is made."""
    return {
        "name": definition.name,
        "type": definition.type,
        "uri": uri,
        "metadata": definition.metadata,
    }


def _counted(value: Any, task: Task) -> Any:  # noqa: ANN401 - of a parameter
    """`value` with Argo's `{{retries}}`, which KFP's users know: how many attempts there were."""
    if isinstance(value, str) and _RETRIES in value:
        return value.replace(_RETRIES, str(max(0, task.attempt - 1)))
    return value


def _environment(container: Container, placeholders: Placeholders, task: Task) -> dict[str, str]:
    """The container's variables; one may name earlier ones."""
    env: dict[str, str] = {}
    for name, template in container.env:
        env[name] = expanded(placeholders.text(_counted(template, task)), env)
    return env


def expanded(text: str, env: Mapping[str, str]) -> str:
    """`$(NAME)` is the variable's value, if there is such a one, and `$$(NAME)` is `$(NAME)`.

    As Kubernetes has it, but for a `$$` that is followed by something else: it would make that a
    `$`, to the surprise of who wrote a shell script.
    """
    return _REFERENCE.sub(
        lambda found: found["text"] if found["escape"] else env.get(found["name"], found["text"]),
        text,
    )
