"""Places for processes: only so many run at a time, whatever they ask for."""

from collections.abc import Callable


class Places:
    """Which run has which place, and which runs wait for one."""

    def __init__(self, width: int, may_ask: Callable[[str], None]) -> None:
        """There are `width`. `may_ask(run)` tells the run that waited longest of a free one."""
        self._width = width
        self._may_ask = may_ask
        #: The run of every process that is ours and may run.
        self._run_of: dict[str, str] = {}
        #: Runs with tasks that wait, in the order in which they came.
        self._queue: dict[str, None] = {}

    def run_of(self, process_id: str) -> str:
        """The run whose process it is; empty if it has no place."""
        return self._run_of.get(process_id, "")

    def take(self, process_id: str, run_id: str) -> None:
        self._run_of[process_id] = run_id

    def release(self, process_id: str) -> None:
        """The place of a process is free; whoever waited longest may have it."""
        if self._run_of.pop(process_id, "") and self._queue:
            self._may_ask(next(iter(self._queue)))

    def is_there_one(self, run_id: str) -> bool:
        """Whether a process may start. If not, its run waits."""
        if len(self._run_of) < self._width:
            return True
        self._queue[run_id] = None
        return False

    def leave(self, run_id: str) -> None:
        """The run waits no more."""
        self._queue.pop(run_id, None)

    def drop(self, run_id: str) -> list[str]:
        """The run is over, or has to be read again: it waits no more, and has no places.

        Returns the processes that had them.
        """
        self.leave(run_id)
        processes = [each for each, of in self._run_of.items() if of == run_id]
        for process_id in processes:
            self.release(process_id)
        return processes
