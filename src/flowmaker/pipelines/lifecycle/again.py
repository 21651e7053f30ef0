"""A run that ended badly goes on: what is kept of it, and what is done again.

As KFP on Argo does it: what succeeded keeps its outputs; what failed or was cancelled runs again,
and so does all that waited for it, an exit handler included, because it was decided on an end that
does not hold any more.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime

from flowmaker.pipelines.ir.graph import Graph, Node
from flowmaker.pipelines.lifecycle.task import run_moved
from flowmaker.pipelines.records.run import Run, RuntimeState, StateChange, Task, TaskKind

_UNDONE = (RuntimeState.FAILED, RuntimeState.CANCELED)


def is_wanted(run: Run, tasks: Iterable[Task]) -> bool:
    """Whether a retry was asked for: a run that waits to begin, and has tasks all the same."""
    return run.state is RuntimeState.PENDING and any(True for _ in tasks)


@dataclass(kw_only=True, slots=True)
class Again:
    """The run as it goes on, and what of its tasks changes."""

    run: Run
    #: Tasks that go on, each at its next revision.
    changed: list[Task] = field(default_factory=list[Task])
    #: The ids of those that are to be made anew.
    removed: list[str] = field(default_factory=list[str])


def again(graph: Graph, run: Run, tasks: Iterable[Task], now: datetime) -> Again:
    """What a run that is to be retried begins with."""
    begun = replace(run_moved(run, RuntimeState.RUNNING, now), revision=run.revision + 1)
    made = Again(run=begun)
    children: defaultdict[str, list[Task]] = defaultdict(list)
    for task in tasks:
        children[task.parent_task_id].append(task)
    root = children[""][0]
    if not root.inputs:  # the run's parameters were at fault: there is nothing to keep
        made.run = replace(run, revision=run.revision + 1)
        made.removed.append(root.task_id)
        return made
    _go_on(made, graph, children, root, {}, now)
    return made


def _go_on(
    made: Again,
    graph: Graph,
    children: dict[str, list[Task]],
    task: Task,
    siblings: dict[str, Node],
    now: datetime,
) -> None:
    """Let a task go on that failed or was cancelled; of a DAG, what is in it."""
    made.changed.append(_reset(task, now))
    if task.kind is not TaskKind.DAG:
        return
    node = siblings.get(task.name)
    dag = graph.component(task.component).dag
    nodes = {} if dag is None or (node and node.loop) else dict(dag.nodes)
    inside = {each.name: each for each in children[task.task_id]}
    undone = [each for each in inside.values() if each.state in _UNDONE]
    waiting = _after(nodes, [each.name for each in undone])
    for each in inside.values():
        # Without inputs it was never really made: it failed over them.
        if each.name in waiting or (each in undone and not each.inputs):
            _remove(made, children, each)
        elif each in undone:
            _go_on(made, graph, children, each, nodes, now)


def _after(nodes: dict[str, Node], names: list[str]) -> set[str]:
    """All that waits for one of `names`, directly or not."""
    found: set[str] = set()
    grown = set(names)
    while grown:
        grown = {node.name for node in nodes.values() if node.upstream & grown} - found
        found |= grown
    return found


def _remove(made: Again, children: dict[str, list[Task]], task: Task) -> None:
    made.removed.append(task.task_id)
    for child in children[task.task_id]:
        _remove(made, children, child)


def _reset(task: Task, now: datetime) -> Task:
    """The task as it was before it ended; its history tells of the earlier attempts."""
    is_dag = task.kind is TaskKind.DAG
    state = RuntimeState.RUNNING if is_dag else RuntimeState.PENDING
    return replace(
        task,
        state=state,
        state_history=(*task.state_history, StateChange(at=now, state=state)),
        error="",
        outputs={},
        started_at=task.started_at if is_dag else None,
        ended_at=None,
        process_id="",
        attempt=0,
        revision=task.revision + 1,
    )
