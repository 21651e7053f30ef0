"""How a run goes on: which tasks become ready, and what their ends mean for the DAGs around them.

The rules are those of KFP on Argo:

* A task is ready when every task that it waits for has succeeded.
* A task whose condition does not hold is SKIPPED, and so is what waits for it.
* When a task fails, its DAG starts nothing new (Argo's `failFast`), unless a task is there that
  runs whatever happened to it. What runs goes on to its end, then the DAG fails, and so on
  outwards. A sibling DAG that already runs goes on.
* Termination starts nothing new, stops what runs, and makes it CANCELED.
* A run that is active for longer than its pipeline allows (activeDeadlineSeconds) is stopped
  likewise, but has FAILED.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum, auto

from flowmaker.errors import FlowmakerError
from flowmaker.pipelines.driver.importing import imported
from flowmaker.pipelines.driver.inputs import Scope, dag_outputs, resolve
from flowmaker.pipelines.driver.iteration import collected, items_of, without_item
from flowmaker.pipelines.driver.workspace import with_workspace
from flowmaker.pipelines.ir.conditions import condition
from flowmaker.pipelines.ir.graph import ROOT, Dag, Node, Retry
from flowmaker.pipelines.ir.parameters import checked
from flowmaker.pipelines.lifecycle.loop import iterate, iteration_name
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.retry import may_retry, not_before
from flowmaker.pipelines.lifecycle.task import moved, new_task, process_id, run_moved
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import RuntimeState, Task, TaskKind

#: google.rpc.Code.UNKNOWN.
_UNKNOWN = 2
TERMINATED = "The run was terminated"
OVERDUE = "Deadline exceeded: the run was active for longer than its pipeline's"


@dataclass(frozen=True, kw_only=True, slots=True)
class End:
    """How a task's process ended, and what it left."""

    task_id: str
    #: Empty: it did what it should.
    error: str = ""
    outputs: Document | None = None


def decide(progress: Progress, ends: Iterable[End], now: datetime) -> None:
    """Take in how processes ended, and everything that follows from it."""
    if progress.run.state.is_final:
        return
    due = deadline(progress)
    if progress.run.terminate_requested:
        _cancel(progress, now)
    elif due is not None and now >= due:
        seconds = progress.graph.config.active_deadline
        _cancel(progress, now, error=f"{OVERDUE} {seconds} seconds (active_deadline_seconds)")
    if not progress.tasks and progress.run.state is RuntimeState.PENDING:
        _begin(progress, now)
    for end in ends:
        _end(progress, end, now)
    _settle(progress, now)


def start(progress: Progress, task_id: str, now: datetime) -> None:
    """A ready container gets its process: the next thing is to start it."""
    task = moved(progress.tasks[task_id], RuntimeState.RUNNING, now)
    attempt = task.attempt + 1
    process = process_id(progress.run, task.task_id, attempt)
    progress.put(replace(task, attempt=attempt, process_id=process))
    progress.admitted[task_id] = None


def _begin(progress: Progress, now: datetime) -> None:
    progress.run = run_moved(progress.run, RuntimeState.RUNNING, now)
    root = new_task(progress.run, "", ROOT, progress.graph.root, now)
    try:
        inputs = _root_inputs(progress)
    except FlowmakerError as error:
        progress.put(moved(root, RuntimeState.FAILED, now, error=str(error)))
        return
    progress.put(replace(moved(root, RuntimeState.RUNNING, now), inputs=inputs))


def _root_inputs(progress: Progress) -> Document:
    root, run = progress.graph.root, progress.run
    values = {
        name: definition.default
        for name, definition in root.inputs.parameters.items()
        if definition.has_default
    } | dict(run.parameters)
    if progress.graph.config.workspace is not None:
        values = {name: with_workspace(value) for name, value in values.items()}
    return {
        "parameters": {
            name: checked(root.inputs.parameters[name], value, f"Parameter {name!r}")
            for name, value in values.items()
        },
        "artifacts": {},
    }


def deadline(progress: Progress) -> datetime | None:
    """When the run is to be stopped; None when that is not so, or is being done.

    It is counted from when the run began, or from when its retry did.
    """
    seconds = progress.graph.config.active_deadline
    if not seconds or progress.run.state is not RuntimeState.RUNNING:
        return None
    begun = [each.at for each in progress.run.state_history if each.state is RuntimeState.RUNNING]
    return begun[-1] + timedelta(seconds=seconds)


def _cancel(progress: Progress, now: datetime, *, error: str = "") -> None:
    """Stop all of it, for termination or with the error that it is; once is enough."""
    if progress.run.state is RuntimeState.CANCELING:
        return
    progress.run = run_moved(progress.run, RuntimeState.CANCELING, now, error=error)
    for task in list(progress.tasks.values()):
        if task.state is RuntimeState.PENDING and task.kind is TaskKind.CONTAINER:
            progress.put(_stopped(progress, task, now))
        elif not task.state.is_final:
            progress.put(moved(task, RuntimeState.CANCELING, now))
            if task.kind is TaskKind.DAG:
                progress.fresh.append(task.task_id)


def _stopped(progress: Progress, task: Task, now: datetime) -> Task:
    """A task of a run that is stopped, which did not come to its own end."""
    error = progress.run.error
    state = RuntimeState.FAILED if error else RuntimeState.CANCELED
    return moved(task, state, now, error=error or TERMINATED)


def _end(progress: Progress, end: End, now: datetime) -> None:
    task = progress.tasks[end.task_id]
    if task.state.is_final:
        return
    if not end.error:
        if task.state is RuntimeState.PENDING:  # its result was there already
            task = moved(task, RuntimeState.RUNNING, now)
        done = moved(task, RuntimeState.SUCCEEDED, now)
        progress.put(replace(done, outputs=end.outputs or {"parameters": {}, "artifacts": {}}))
    elif task.state is RuntimeState.CANCELING:
        progress.put(_stopped(progress, task, now))
    elif may_retry(_retry_of(progress, task), task):
        progress.put(moved(task, RuntimeState.PENDING, now, error=end.error))
    else:
        progress.put(moved(task, RuntimeState.FAILED, now, error=end.error))


def waits_until(progress: Progress, task_id: str) -> datetime | None:
    """When a pending task may start, when it is a retry that is to wait."""
    task = progress.tasks[task_id]
    return not_before(_retry_of(progress, task), task)


def _retry_of(progress: Progress, task: Task) -> Retry | None:
    """Its own policy, or else that of the innermost DAG around it that has one."""
    node = progress.node(task)
    if node is not None and node.retry is not None:
        return node.retry
    parent = progress.tasks.get(task.parent_task_id)
    return _retry_of(progress, parent) if parent is not None else None


def _settle(progress: Progress, now: datetime) -> None:
    """Follow every change to where it ends: inwards to new tasks, outwards to finished DAGs."""
    while progress.ended or progress.fresh:
        if progress.fresh:
            dag = progress.tasks[progress.fresh.pop()]
            if not dag.state.is_final:
                _go_on(progress, dag, None, now)
            continue
        task = progress.take_ended()
        if not task.parent_task_id:
            _finish_run(progress, task, now)
            continue
        dag = progress.tasks[task.parent_task_id]
        if not dag.state.is_final:
            _go_on(progress, dag, task, now)
    if progress.run.state is RuntimeState.CANCELING and not progress.tasks:
        progress.run = run_moved(progress.run, RuntimeState.CANCELED, now, error=TERMINATED)


def _go_on(progress: Progress, dag: Task, ended: Task | None, now: datetime) -> None:
    """Go on in a DAG, or in a loop: after one of its tasks has ended, or at its beginning."""
    loop = progress.loop(dag)
    if loop is not None:
        iterate(progress, dag, loop, now)
    else:
        declared = _dag_of(progress, dag)
        nodes = _after(declared, ended.name) if ended else declared.nodes.values()
        _expand(progress, dag, nodes, now)
    # What was skipped or imported has ended at once: first its downstream has a look.
    is_open = progress.open_children[dag.task_id] or progress.unheard[dag.task_id]
    if not is_open and not progress.tasks[dag.task_id].state.is_final:
        _finish_dag(progress, dag, now)


def _expand(progress: Progress, dag: Task, nodes: Iterable[Node], now: datetime) -> None:
    """Make those of `nodes` that are ready."""
    made = progress.children[dag.task_id]
    for node in nodes:
        if dag.state is not RuntimeState.CANCELING and node.name not in made:
            match _readiness(progress, dag, node):
                case Readiness.READY:
                    _make(progress, dag, node, now)
                case Readiness.SKIP:
                    _skip(progress, dag, node, now)
                case Readiness.NOT_NOW:
                    pass


class Readiness(Enum):
    """Whether it is a task's turn."""

    READY = auto()
    NOT_NOW = auto()
    #: It will never be: what it waits for was skipped.
    SKIP = auto()


def _readiness(progress: Progress, dag: Task, node: Node) -> Readiness:
    made = progress.children[dag.task_id]
    states = {made[name].state if name in made else None for name in node.upstream}
    if not all(state is not None and state.is_final for state in states):
        return Readiness.NOT_NOW
    if node.whatever_happened:
        return Readiness.READY
    if dag.task_id in progress.broken or states & {RuntimeState.FAILED, RuntimeState.CANCELED}:
        return Readiness.NOT_NOW
    return Readiness.SKIP if RuntimeState.SKIPPED in states else Readiness.READY


def _skip(progress: Progress, dag: Task, node: Node, now: datetime) -> None:
    component = progress.graph.component(node.component)
    task = new_task(progress.run, dag.task_id, node.name, component, now)
    progress.put(moved(replace(task, display_name=node.display_name), RuntimeState.SKIPPED, now))


def _make(progress: Progress, dag: Task, node: Node, now: datetime) -> None:
    component = progress.graph.component(node.component)
    task = new_task(progress.run, dag.task_id, node.name, component, now)
    if node.loop:
        task = replace(task, kind=TaskKind.DAG)
    task = replace(task, display_name=node.display_name)
    scope = scope_of(progress, task)
    try:
        takes = without_item(node.loop, component.inputs) if node.loop else component.inputs
        inputs = resolve(node.parameters, node.artifacts, takes, scope)
        holds = not node.condition or condition(node.condition)(inputs["parameters"])
        importer = component.importer if holds else None
        outputs = imported(importer, inputs, scope.job) if importer else None
    except (FlowmakerError, ValueError) as error:
        progress.put(moved(task, RuntimeState.FAILED, now, error=str(error)))
        return
    task = replace(task, inputs=inputs)
    if not holds:
        progress.put(moved(task, RuntimeState.SKIPPED, now))
    elif outputs is not None and not (importer and importer.to_workspace):
        running = moved(task, RuntimeState.RUNNING, now)
        progress.put(replace(moved(running, RuntimeState.SUCCEEDED, now), outputs=outputs))
    else:
        is_dag = task.kind is TaskKind.DAG
        progress.put(moved(task, RuntimeState.RUNNING, now) if is_dag else task)


def _finish_dag(progress: Progress, task: Task, now: datetime) -> None:
    """Nothing in it is open: its end is what its tasks' ends say."""
    tasks = progress.children[task.task_id].values()
    states = {each.state for each in tasks}
    is_cut_short = task.state is RuntimeState.CANCELING and len(tasks) < _size(progress, task)
    is_overdue = bool(progress.run.error) and RuntimeState.FAILED in states
    if is_cut_short or is_overdue or RuntimeState.CANCELED in states:
        progress.put(_stopped(progress, task, now))
    elif RuntimeState.FAILED in states:
        failed = next(each for each in tasks if each.state is RuntimeState.FAILED)
        progress.put(moved(task, RuntimeState.FAILED, now, error=_cause(failed)))
    else:
        outputs = _outputs(progress, task)
        progress.put(replace(moved(task, RuntimeState.SUCCEEDED, now), outputs=outputs))


def _size(progress: Progress, task: Task) -> int:
    """How many tasks it has when it is complete."""
    loop = progress.loop(task)
    if loop is not None:
        return len(items_of(loop, task.inputs))
    return len(_dag_of(progress, task).nodes)


def _outputs(progress: Progress, task: Task) -> Document:
    children = progress.children[task.task_id]
    if progress.loop(task) is not None:
        component = progress.graph.component(task.component)
        # Iterations are made in the order of their items; a reading has them in any.
        names = (iteration_name(task, index) for index in range(len(children)))
        return collected(component.outputs, (children[name].outputs for name in names))
    dag = _dag_of(progress, task)
    given = {each.name: each.outputs for each in children.values()}
    return dag_outputs(dag.parameters, dag.artifacts, given)


def _cause(failed: Task) -> str:
    """Why a DAG failed: a DAG inside it says so itself, a container has to be named."""
    if failed.kind is TaskKind.DAG and failed.error.startswith("Task "):
        return failed.error
    return f"Task {failed.name!r} failed: {failed.error}"


def _finish_run(progress: Progress, root: Task, now: datetime) -> None:
    run = run_moved(progress.run, root.state, now, error=root.error)
    config = progress.graph.config
    succeeded = run.state is RuntimeState.SUCCEEDED
    kept = config.ttl_after_success if succeeded else config.ttl_after_failure
    progress.run = replace(run, expires_at=now + timedelta(seconds=kept) if kept else None)


def scope_of(progress: Progress, task: Task) -> Scope:
    """What a task can see: its DAG's inputs, and the outputs of those that it waited for."""
    dag = progress.tasks[task.parent_task_id]
    if progress.loop(dag) is not None:  # an iteration sees what its loop does
        return scope_of(progress, dag)
    siblings = progress.children[dag.task_id]
    node = _dag_of(progress, dag).nodes[task.name]
    return Scope(
        inputs=dag.inputs,
        outputs={name: siblings[name].outputs for name in node.upstream},
        statuses={name: _final_status(progress, siblings[name]) for name in node.upstream}
        if node.whatever_happened
        else {},
        job=progress.job.placeholders(task.name, task.task_id),
    )


def _final_status(progress: Progress, task: Task) -> Document:
    """KFP's PipelineTaskFinalStatus. Success is called COMPLETE there, as on a cluster.

    Nor does protobuf write an error that is none: a component sees its code and message as None.
    """
    succeeded = task.state is RuntimeState.SUCCEEDED
    return {
        "state": "COMPLETE" if succeeded else task.state.value,
        "pipelineTaskName": task.name,
        "pipelineJobResourceName": progress.job.resource_name,
        "error": {} if succeeded else {"code": _UNKNOWN, "message": task.error},
    }


def _dag_of(progress: Progress, task: Task) -> Dag:
    dag = progress.graph.component(task.component).dag
    assert dag is not None, task.name
    return dag


def _after(dag: Dag, name: str) -> list[Node]:
    return [dag.nodes[each] for each in dag.downstream[name]]
