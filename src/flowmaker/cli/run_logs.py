"""The logs of a run's tasks, side by side while they run."""

import queue
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.cli.kfp_api import KfpApi
from flowmaker.errors import FlowmakerError, InvalidInput, NotFound

#: Seconds between looks for tasks that have begun.
TICK = 0.3
FINAL = frozenset({"SUCCEEDED", "FAILED", "SKIPPED", "CANCELED"})
Task = Mapping[str, Any]


def labels(tasks: Iterable[Task]) -> dict[str, str]:
    """A name for each task by its id; those of one name, as a loop makes them, are numbered."""
    tasks = list(tasks)
    count = Counter(task["display_name"] for task in tasks)
    seen: defaultdict[str, int] = defaultdict(int)
    found: dict[str, str] = {}
    for task in tasks:
        name = task["display_name"]
        seen[name] += 1
        found[task["task_id"]] = f"{name}#{seen[name]}" if count[name] > 1 else name
    return found


def chosen(tasks: Iterable[Task], name: str) -> list[Task]:
    """The tasks that `name` means: a task's id, pod, name, display name, or a label.

    Raises:
        NotFound: none; the message names those that there are.
    """
    tasks = list(tasks)
    called = labels(tasks)
    found = [
        task
        for task in tasks
        if name
        in (
            task["task_id"],
            task.get("pod_name"),
            task["name"],
            task["display_name"],
            called[task["task_id"]],
        )
    ]
    if not found:
        has = ", ".join(sorted(set(called.values()))) or "none yet"
        raise NotFound(f"the run has no task {name!r} that runs something; it has: {has}")
    return found


def one(tasks: Iterable[Task], name: str) -> Task:
    """The only task that `name` means.

    Raises:
        NotFound: none.
        InvalidInput: several.
    """
    found = chosen(tasks, name)
    if len(found) > 1:
        called = labels(tasks)
        listed = ", ".join(f"{called[task['task_id']]} ({task['state']})" for task in found)
        raise InvalidInput(f"there are {len(found)} tasks {name!r}; say which: {listed}")
    return found[0]


@dataclass(slots=True)
class RunLogs:
    """Reads one run's logs."""

    api: KfpApi
    run_id: str
    #: The only task to show; all when empty.
    task: str = ""

    def now(self) -> Iterator[tuple[str, str]]:
        """Label and line of what is printed until now, task after task."""
        tasks = self._wanted(self.api.run(self.run_id), strict=True)
        called = labels(self.api.tasks(self.api.run(self.run_id)))
        for task in tasks:
            yield from self._whole(task, called[task["task_id"]])

    def follow(self) -> Iterator[tuple[str, str]]:
        """Label and line as they come, until the run, or the one task, has ended."""
        arrived: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        readers: dict[str, threading.Thread] = {}
        while True:
            run = self.api.run(self.run_id)
            over = run["state"] in FINAL
            tasks = self._wanted(run, strict=over)
            over = over or bool(self.task and tasks and all(t["state"] in FINAL for t in tasks))
            called = labels(self.api.tasks(run))
            for task in tasks:
                if task["task_id"] not in readers and _began(task):
                    readers[task["task_id"]] = self._reader(task, called, arrived)
            if over:
                for reader in readers.values():
                    yield from _until_end(reader, arrived)
                return
            yield from _arrivals(arrived, TICK)

    def _reader(
        self,
        task: Task,
        called: Mapping[str, str],
        arrived: "queue.SimpleQueue[tuple[str, str]]",
    ) -> threading.Thread:
        label = called[task["task_id"]]

        def read() -> None:
            for line in self._whole(task, label, follow=True):
                arrived.put(line)

        reader = threading.Thread(target=read, daemon=True)
        reader.start()
        return reader

    def _whole(self, task: Task, label: str, *, follow: bool = False) -> Iterator[tuple[str, str]]:
        if task.get("pod_name"):
            try:
                for line in self.api.log(self.run_id, task["task_id"], follow=follow):
                    yield label, line
            except FlowmakerError as error:
                yield label, f"[flowmaker] {error.message}"
        elif task.get("cached_from"):
            yield label, "[flowmaker] its result was taken over from the cache: nothing ran"
        elif task.get("error"):
            yield label, f"[flowmaker] it did not run: {task['error']['message']}"

    def _wanted(self, run: Mapping[str, Any], *, strict: bool) -> list[Task]:
        tasks = self.api.tasks(run)
        if not self.task:
            return tasks
        try:
            return chosen(tasks, self.task)
        except NotFound:
            if strict:
                raise
            return []  # it may yet come


def _began(task: Task) -> bool:
    return bool(task.get("pod_name")) or task["state"] in FINAL


def _until_end(
    reader: threading.Thread, arrived: "queue.SimpleQueue[tuple[str, str]]"
) -> Iterator[tuple[str, str]]:
    while reader.is_alive():
        yield from _arrivals(arrived, 0.05)
    yield from _arrivals(arrived, 0)


def _arrivals(
    arrived: "queue.SimpleQueue[tuple[str, str]]", seconds: float
) -> Iterator[tuple[str, str]]:
    """What is there, or comes within `seconds` of silence."""
    try:
        yield arrived.get(timeout=seconds) if seconds else arrived.get_nowait()
        while True:
            yield arrived.get_nowait()
    except queue.Empty:
        return
