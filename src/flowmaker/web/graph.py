"""What is drawn of a pipeline, or of a run of it: one level at a time, the rest folded.

A level is the tasks of one DAG; a task that is a DAG itself is one box that counts what is in it.
Pure: it decides, and reads nothing.
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flowmaker.pipelines.ir.graph import Component, Graph, Node
from flowmaker.pipelines.records.run import RuntimeState, TaskKind
from flowmaker.pipelines.repository.steps import Step
from flowmaker.web.layout import Edge, layout

#: The iterations of a loop that are shown; those that are most worth a look come first.
ITERATIONS = 400
#: The failed tasks that are named, wherever they are.
FAILURES = 8

_STATES = {
    RuntimeState.PENDING: "pending",
    RuntimeState.RUNNING: "running",
    RuntimeState.SUCCEEDED: "succeeded",
    RuntimeState.SKIPPED: "skipped",
    RuntimeState.FAILED: "failed",
    RuntimeState.CANCELING: "cancelled",
    RuntimeState.CANCELED: "cancelled",
    RuntimeState.PAUSED: "pending",
}
#: The order in which a person wants to see iterations.
_URGENCY = ("failed", "running", "cancelled", "pending", "succeeded", "cached", "skipped")


def word(state: RuntimeState, *, is_cached: bool = False) -> str:
    """A state in the words of the interface."""
    return "cached" if is_cached and state is RuntimeState.SUCCEEDED else _STATES[state]


@dataclass(frozen=True, kw_only=True, slots=True)
class Steps:
    """The tasks of a run, by where they are."""

    by_id: Mapping[str, Step] = field(default_factory=dict[str, Step])
    children: Mapping[str, Sequence[Step]] = field(default_factory=dict[str, Sequence[Step]])
    #: How the containers below each DAG are, by its task id.
    counts: Mapping[str, Counter[str]] = field(default_factory=dict[str, Counter[str]])

    @classmethod
    def of(cls, steps: Iterable[Step]) -> "Steps":
        by_id = {step.task_id: step for step in steps}
        children: defaultdict[str, list[Step]] = defaultdict(list)
        counts: defaultdict[str, Counter[str]] = defaultdict(Counter)
        for step in by_id.values():
            children[step.parent_task_id].append(step)
            if step.kind is TaskKind.CONTAINER:
                said = word(step.state, is_cached=step.is_cached)
                for above in path_to(by_id, step.task_id)[:-1]:
                    counts[above.task_id][said] += 1
        return cls(by_id=by_id, children=children, counts=counts)

    @property
    def root(self) -> Step | None:
        return next(iter(self.children.get("", ())), None)


def path_to(steps: Mapping[str, Step], task_id: str) -> list[Step]:
    """The DAGs that hold a task, the root first, and the task."""
    path: list[Step] = []
    step = steps.get(task_id)
    while step is not None:
        path.append(step)
        step = steps.get(step.parent_task_id)
    return path[::-1]


def level_of_run(graph: Graph, steps: Steps, scope: str) -> dict[str, Any]:
    """The level below the task `scope`; below the root when it is empty."""
    step = steps.by_id.get(scope) or steps.root
    component = graph.component(step.component) if step else graph.root
    if step is not None and _is_loop(graph, steps, step):
        drawn = _iterations(steps, step)
    else:
        drawn = _drawn(graph, component, steps, step)
    crumbs = path_to(steps.by_id, step.task_id) if step else []
    return {
        "scope": step.task_id if step else "",
        "crumbs": [{"task_id": each.task_id, "label": _label(each)} for each in crumbs],
        "counts": dict(steps.counts.get(steps.root.task_id, {})) if steps.root else {},
        "failures": _failures(steps),
        **drawn,
    }


def level_of_pipeline(graph: Graph, path: Sequence[str]) -> dict[str, Any]:
    """The level below the tasks of that names, one in the other; the root's when there are none.

    Raises:
        KeyError: there is no such task, or it is no DAG.
    """
    component, crumbs = graph.root, [{"task_id": "", "label": graph.name or "root"}]
    for index, name in enumerate(path):
        assert component.dag is not None
        component = graph.component(component.dag.nodes[name].component)
        if component.dag is None:
            raise KeyError(name)
        crumbs.append({"task_id": "/".join(path[: index + 1]), "label": name})
    scope = "/".join(path)
    drawn = _drawn(graph, component, Steps(), None)
    return {"scope": scope, "crumbs": crumbs, **drawn}


def _is_loop(graph: Graph, steps: Steps, step: Step) -> bool:
    """Whether the children of a task are its iterations."""
    above = steps.by_id.get(step.parent_task_id)
    dag = graph.component(above.component).dag if above else None
    node = dag.nodes.get(step.name) if dag else None
    return node is not None and node.loop is not None


def _drawn(graph: Graph, component: Component, steps: Steps, scope: Step | None) -> dict[str, Any]:
    nodes: Mapping[str, Node] = component.dag.nodes if component.dag else {}
    edges: list[Edge] = [
        (source, name) for name, node in nodes.items() for source in sorted(node.upstream)
    ]
    placed = layout(list(nodes), edges)
    made = {step.name: step for step in steps.children.get(scope.task_id, ())} if scope else {}
    return {
        "nodes": [
            {
                **_box(graph.component(node.component), node),
                **_life(made.get(name), steps, scope),
                "x": placed.boxes[name][0],
                "y": placed.boxes[name][1],
            }
            for name, node in nodes.items()
        ],
        "edges": [
            {"source": source, "target": target, "points": placed.routes[source, target]}
            for source, target in edges
        ],
        "width": placed.width,
        "height": placed.height,
    }


def _box(component: Component, node: Node) -> dict[str, Any]:
    return {
        "id": node.name,
        "label": node.display_name or node.name,
        "kind": _kind(component, node),
        "condition": node.condition,
        "opens": component.dag is not None,
    }


def _kind(component: Component, node: Node) -> str:
    if node.loop is not None:
        return "loop"
    if component.importer is not None:
        return "importer"
    if component.dag is not None:
        return "condition" if node.condition else "pipeline"
    return "exit" if node.whatever_happened and not node.upstream else "component"


def _life(step: Step | None, steps: Steps, scope: Step | None) -> dict[str, Any]:
    """How it is with a box: of a task that was not made yet, or never will be."""
    if step is None:
        over = scope is not None and scope.state.is_final
        return {"state": "skipped" if over else "pending", "task_id": ""}
    return {
        "task_id": step.task_id,
        "state": word(step.state, is_cached=step.is_cached),
        "started_at": _time(step.started_at),
        "ended_at": _time(step.ended_at),
        "counts": dict(steps.counts.get(step.task_id, {})),
    }


def _iterations(steps: Steps, loop: Step) -> dict[str, Any]:
    """A loop's iterations are a list, not a graph: none waits for another."""
    children = steps.children.get(loop.task_id, ())
    rank = {said: place for place, said in enumerate(_URGENCY)}
    numbered = sorted(
        enumerate(children),
        key=lambda each: (rank[word(each[1].state, is_cached=each[1].is_cached)], each[0]),
    )
    return {
        "iterations": [
            {
                "id": step.name,
                "label": f"#{number}",
                "kind": "pipeline" if step.kind is TaskKind.DAG else "component",
                "opens": step.kind is TaskKind.DAG,
                **_life(step, steps, loop),
            }
            for number, step in numbered[:ITERATIONS]
        ],
        "iteration_count": len(children),
    }


def _failures(steps: Steps) -> list[dict[str, Any]]:
    """Where to jump: the containers that failed, the earliest first."""
    failed = [
        step
        for step in steps.by_id.values()
        if step.kind is TaskKind.CONTAINER and step.state is RuntimeState.FAILED
    ]
    failed.sort(key=lambda step: step.ended_at.timestamp() if step.ended_at else math.inf)
    return [
        {
            "task_id": step.task_id,
            "scope": step.parent_task_id,
            "label": " / ".join(_label(each) for each in path_to(steps.by_id, step.task_id)[1:]),
        }
        for step in failed[:FAILURES]
    ]


def _label(step: Step) -> str:
    return step.display_name or step.name


def _time(when: datetime | None) -> str | None:
    return when.isoformat() if when else None
