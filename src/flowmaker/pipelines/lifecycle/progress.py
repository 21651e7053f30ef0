"""How far a run has come: its tasks, by what one needs to know of them to go on.

One `Progress` lives in memory for as long as its run is open, so that a step costs what has
changed and not what there is: a run of ten thousand tasks goes on as fast as one of ten. The
database stays the truth. When a write is refused, the Progress is dropped and read again.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, replace

from flowmaker.pipelines.driver.job import Job
from flowmaker.pipelines.ir.graph import Graph, Loop, Node
from flowmaker.pipelines.records.run import Run, RuntimeState, Task, TaskKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Changes:
    """The run at its next revision, whether more of it changed, new tasks, and changed ones."""

    run: Run
    moved: bool
    inserted: list[Task]
    changed: list[Task]


class Progress:
    """A run, its tasks, and what of them is not written yet."""

    def __init__(self, graph: Graph, job: Job, run: Run, tasks: Iterable[Task]) -> None:
        self.graph = graph
        self.job = job
        self.run = run
        self.tasks: dict[str, Task] = {}
        #: The tasks of each DAG by their names.
        self.children: defaultdict[str, dict[str, Task]] = defaultdict(dict)
        #: How many tasks of each DAG are not final.
        self.open_children: defaultdict[str, int] = defaultdict(int)
        #: DAGs with a task that failed and nobody who meets that: nothing new starts in them.
        self.broken: set[str] = set()
        #: Containers that wait to be started, in the order in which they became ready.
        self.pending: dict[str, None] = {}
        #: Those of them that were tried before: they may have to wait longer.
        self.retrying: dict[str, None] = {}
        #: Containers whose process was started, or is about to be.
        self.running: dict[str, None] = {}
        #: Those of them whose process is yet to be started.
        self.admitted: dict[str, None] = {}
        #: The cache's keys of tasks that were looked up in it; empty: they must run.
        self.keys: dict[str, str] = {}
        #: Tasks whose DAGs have not yet been told that they ended, and how many of each DAG.
        self.ended: list[Task] = []
        self.unheard: Counter[str] = Counter()
        #: DAGs to look at whole.
        self.fresh: list[str] = []
        self._nodes: dict[str, Node | None] = {}
        self._written: dict[str, Task] = {}
        self._changed: dict[str, None] = {}
        self._written_run = run
        self._written.update((task.task_id, task) for task in tasks)
        self.tasks.update(self._written)
        for task in self._written.values():
            self._place(task, before=None)
        self.fresh = [task.task_id for task in self.tasks.values() if _is_open_dag(task)]
        self.ended.clear()
        self.unheard.clear()

    def take_ended(self) -> Task:
        """A task whose DAG is told now that it ended."""
        task = self.ended.pop()
        self.unheard[task.parent_task_id] -= 1
        return task

    def put(self, task: Task) -> None:
        """Make or change a task."""
        before = self.tasks.get(task.task_id)
        self._changed[task.task_id] = None
        self._place(task, before=before)
        if _is_open_dag(task) and before is None:
            self.fresh.append(task.task_id)

    def node(self, task: Task) -> Node | None:
        """How its DAG declares a task. None for the root, and for an iteration of a loop."""
        if task.task_id not in self._nodes:
            parent = self.tasks.get(task.parent_task_id)
            node = None
            if parent is not None and self.loop(parent) is None:
                dag = self.graph.component(parent.component).dag
                assert dag is not None, parent.name
                node = dag.nodes[task.name]
            self._nodes[task.task_id] = node
        return self._nodes[task.task_id]

    def loop(self, task: Task) -> Loop | None:
        """The loop that a task is; its children are iterations then."""
        node = self.node(task)
        return node.loop if node is not None else None

    def changes(self) -> Changes | None:
        """What is to be written, if anything is."""
        moved = self.run != self._written_run
        if not self._changed and not moved:
            return None
        self.run = replace(self.run, revision=self._written_run.revision + 1)
        inserted: list[Task] = []
        changed: list[Task] = []
        for task_id in self._changed:
            before = self._written.get(task_id)
            task = replace(self.tasks[task_id], revision=before.revision + 1 if before else 0)
            self.tasks[task_id] = task
            self.children[task.parent_task_id][task.name] = task
            (changed if before else inserted).append(task)
        return Changes(run=self.run, moved=moved, inserted=inserted, changed=changed)

    def written(self) -> None:
        """What `changes` gave is in the database."""
        for task_id in self._changed:
            self._written[task_id] = self.tasks[task_id]
        self._changed.clear()
        self._written_run = self.run

    def _is_met(self, task: Task) -> bool:
        """Whether a task waits for it that runs whatever happened."""
        node = self.node(task)
        if node is None:
            return False
        dag = self.graph.component(self.tasks[task.parent_task_id].component).dag
        assert dag is not None, task.name
        return any(dag.nodes[name].whatever_happened for name in dag.downstream[task.name])

    def _place(self, task: Task, *, before: Task | None) -> None:
        self.tasks[task.task_id] = task
        self.children[task.parent_task_id][task.name] = task
        was_open = before is not None and not before.state.is_final
        self.open_children[task.parent_task_id] += (not task.state.is_final) - was_open
        if task.state in (RuntimeState.FAILED, RuntimeState.CANCELED) and not self._is_met(task):
            self.broken.add(task.parent_task_id)
        if task.state.is_final:
            self.ended.append(task)
            self.unheard[task.parent_task_id] += 1
        if task.kind is TaskKind.CONTAINER:
            is_pending = task.state is RuntimeState.PENDING
            _keep(self.pending, task.task_id, wanted=is_pending)
            _keep(self.retrying, task.task_id, wanted=is_pending and task.attempt > 0)
            is_running = task.state in (RuntimeState.RUNNING, RuntimeState.CANCELING)
            _keep(self.running, task.task_id, wanted=is_running)


def _is_open_dag(task: Task) -> bool:
    return task.kind is TaskKind.DAG and not task.state.is_final


def _keep(ids: dict[str, None], task_id: str, *, wanted: bool) -> None:
    if wanted:
        ids[task_id] = None
    else:
        ids.pop(task_id, None)
