"""Which task a route means by `{node_id}`, and where the logs of its attempts are."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from flowmaker.errors import InvalidInput, NotFound
from flowmaker.pipelines.records.run import Task, TaskKind
from flowmaker.pipelines.repository import nodes, runs
from flowmaker.store.database import Transaction

#: Of tasks with the same name, how many an error lists.
_LISTED = 10


@dataclass(frozen=True, kw_only=True, slots=True)
class Node:
    """A task; and one of its attempts when a pod was named rather than the task."""

    task: Task
    pod: str = ""


def find(tx: Transaction, run_id: str, node_id: str) -> Node:
    """The one task of the run that `node_id` means.

    Raises:
        NotFound: there is no such run, or no such task in it.
        InvalidInput: several tasks have that name, as the iterations of a loop do.
    """
    found = nodes.named(tx, run_id, node_id)
    for task in found:
        if task.task_id == node_id:
            return Node(task=task)
    for task in found:
        if node_id.startswith(f"{task.task_id}-"):
            return Node(task=task, pod=node_id)
    if not found:
        if runs.get_run(tx, run_id) is None:
            raise NotFound(f"There is no run {run_id!r}.")
        raise NotFound(f"Run {run_id!r} has no task {node_id!r}: no task id, pod or name is that.")
    if len(found) > 1:
        listed = ", ".join(f"{task.task_id} ({task.state})" for task in found[:_LISTED])
        more = f" and {len(found) - _LISTED} others" if len(found) > _LISTED else ""
        raise InvalidInput(
            f"Run {run_id!r} has {len(found)} tasks {node_id!r}. Name one by its id: "
            f"{listed}{more}."
        )
    return Node(task=found[0])


def container(node: Node) -> Task:
    """The task, which runs something itself.

    Raises:
        InvalidInput: it is a DAG.
    """
    if node.task.kind is TaskKind.DAG:
        raise InvalidInput(
            f"Task {node.task.display_name or node.task.name!r} is a DAG: it runs nothing itself. "
            "Name one of the tasks in it."
        )
    return node.task


def logs(node: Node, log: Callable[[str], Path]) -> list[Path]:
    """The log files of the task's attempts that were started, the earliest first.

    Attempts are numbered from 1, and again from 1 after each retry of the run
    (`lifecycle.task.process_id`).
    """
    if node.pod:
        return [path for path in (log(node.pod),) if path.exists()]
    task = node.task
    last = task.process_id.removeprefix(f"{task.task_id}-")
    retries = int(last.partition(".")[0]) if "." in last else 0
    found: list[Path] = []
    for again in range(retries + 1):
        prefix = f"{task.task_id}-{again}." if again else f"{task.task_id}-"
        attempt = 1
        while (path := log(f"{prefix}{attempt}")).exists():
            found.append(path)
            attempt += 1
    return found
