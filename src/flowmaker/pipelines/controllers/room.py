"""Room for tasks that ask for CPU, memory or accelerators. Others are not held up."""

from collections import defaultdict
from collections.abc import Callable, Iterable

from flowmaker.errors import FlowmakerError
from flowmaker.executors.room import Amount, Demand, Room
from flowmaker.pipelines.driver.configuration import container_of
from flowmaker.pipelines.driver.resources import requested
from flowmaker.pipelines.ir import accelerators
from flowmaker.pipelines.lifecycle.progress import Progress
from flowmaker.pipelines.lifecycle.task import process_id
from flowmaker.pipelines.records.catalog import Document
from flowmaker.pipelines.records.run import Task

#: Of a run's tasks that wait for room, how many stand in the queue; the others stand behind them.
QUEUED = 64


class TaskRoom:
    """Which tasks hold room or wait for it. Each attempt asks anew, by its process's id."""

    def __init__(self, room: Room) -> None:
        self._room = room
        #: The tasks of each run that wait, with what they ask for.
        self._waiting: defaultdict[str, dict[str, Demand]] = defaultdict(dict)
        #: The run of each process that holds room.
        self._run_of: dict[str, str] = {}
        #: Runs that were open at the start and were not looked at yet.
        self._unread: set[str] = set()

    def expect(self, run_ids: Iterable[str]) -> None:
        """These may have processes that run: until all were looked at, nobody is let in."""
        self._unread.update(run_ids)
        if self._unread:
            self._room.close()

    def looked_at(self, run_id: str) -> None:
        if run_id in self._unread:
            self._unread.discard(run_id)
            if not self._unread:
                self._room.open()

    def read(self, progress: Progress) -> None:
        """A run was read: those of its processes hold room that are on record as running."""
        run_id = progress.run.run_id
        running = {progress.tasks[each].process_id: each for each in progress.running}
        for process in [each for each, of in self._run_of.items() if of == run_id]:
            if process not in running:
                self.left(process)
        for process, task_id in running.items():
            if (demand := _running(progress, progress.tasks[task_id], process)) is not None:
                self._room.hold(demand)
                self._run_of[process] = run_id

    def begin(self, progress: Progress) -> None:
        """Before the tasks that wait ask again: those that wait no more leave."""
        waiting = self._waiting.get(progress.run.run_id)
        for task_id in [each for each in waiting or () if each not in progress.pending]:
            self._room.leave(self._waiting[progress.run.run_id].pop(task_id).id)

    def stands_back(self, progress: Progress, task_id: str) -> bool:
        """Whether so many of its run wait that it need not even ask."""
        waiting = self._waiting.get(progress.run.run_id)
        if waiting is None or len(waiting) < QUEUED or task_id in waiting:
            return False
        return _asks(progress, progress.tasks[task_id])

    def admits(self, progress: Progress, task: Task, then: Callable[[], None]) -> bool:
        """Whether a task may start; if not, `then()` when it is worth asking again.

        Raises:
            FlowmakerError: what it asks for is no quantity, or what this machine does not have.
        """
        if not _asks(progress, task):
            return True
        waiting = self._waiting[task.run_id]
        demand = waiting.get(task.task_id) or _demand(
            progress, task, process_id(progress.run, task.task_id, task.attempt + 1)
        )
        if not demand.amount:
            return True
        if kind := demand.amount.lacks(self._room.capacity):
            asked_for, there = demand.amount.accelerators, self._room.capacity.accelerators
            raise accelerators.lacking(kind, asked_for[kind], there)
        if not self._room.ask(demand, then):
            waiting[task.task_id] = demand
            return False
        waiting.pop(task.task_id, None)
        self._run_of[demand.id] = task.run_id
        return True

    def left(self, process: str) -> None:
        """A process has ended, or never began."""
        if self._run_of.pop(process, None) is not None:
            self._room.leave(process)

    def never_began(self, progress: Progress) -> None:
        """Those that were admitted just now were not written, so they are not started."""
        for task_id in progress.admitted:
            self.left(progress.tasks[task_id].process_id)

    def drop(self, run_id: str) -> None:
        """A run is over or is to be read again: nothing of it waits; what runs holds its room."""
        for demand in self._waiting.pop(run_id, {}).values():
            self._room.leave(demand.id)


def asked(resources: Document) -> Amount:
    """What a task asks for.

    Raises:
        InvalidInput: a quantity is none.
    """
    millicores, memory = requested(resources)
    return Amount(millicores=millicores, memory=memory, accelerators=accelerators.wanted(resources))


def _asks(progress: Progress, task: Task) -> bool:
    """Whether a task's component says anything of resources."""
    container = progress.graph.component(task.component).container
    return container is not None and bool(container.resources)


def _demand(progress: Progress, task: Task, process: str) -> Demand:
    component = progress.graph.component(task.component)
    name = task.display_name or task.name
    return Demand(
        id=process,
        amount=asked(container_of(task, component, progress.job).resources),
        since=task.created_at,
        what=f"task {name} of run {progress.run.display_name}",
    )


def _running(progress: Progress, task: Task, process: str) -> Demand | None:
    """What a task that runs asked for; None for nothing."""
    if not _asks(progress, task):
        return None
    try:
        demand = _demand(progress, task, process)
    except FlowmakerError:  # it fails when it is started
        return None
    return demand if demand.amount else None
