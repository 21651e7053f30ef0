"""The least that a task can cost which runs in a process of its own and is on record.

A warm interpreter forks for each task; the fork runs the component's function by
`kfp.dsl.executor_main` in a folder of its own; three states of the task are committed to SQLite,
durably. No server, no graph, no confinement, no logs, no artifacts.

Run with the component's source as it is compiled, it prints the seconds of the chain and of the
fan-out as JSON. With `spread` as its last argument the tasks' folders lie apart, as Flowmaker's do
(executors/spread.py): files are made faster so where others were removed lately. It imports nothing
of Flowmaker, and of kfp what a task needs: forks are small.
"""

import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from pathlib import Path

#: Processes at the same time in the fan-out.
WIDTH = os.cpu_count() or 1


class Floor:
    """Runs tasks in forks of this process."""

    def __init__(self, folder: Path, source: str) -> None:
        os.environ["_KFP_RUNTIME"] = "true"
        from kfp.dsl import executor_main  # only now: the variable makes it a small one

        self._main = executor_main
        self._folder = folder
        self._source = source
        self._database = sqlite3.connect(folder / "floor.db", isolation_level=None)
        self._database.execute("PRAGMA journal_mode=WAL")
        self._database.execute("PRAGMA synchronous=FULL")
        self._database.execute("CREATE TABLE tasks (id INTEGER PRIMARY KEY, state TEXT)")
        self._tasks = 0

    def chain(self, length: int) -> float:
        begin = time.perf_counter()
        number = 0
        for _ in range(length):
            number = self._end(*self._start(number))
        return time.perf_counter() - begin

    def fan_out(self, width: int) -> float:
        begin = time.perf_counter()
        running: dict[int, tuple[int, Path]] = {}
        for number in range(width):
            if len(running) >= WIDTH:
                self._end_any(running)
            pid, task, folder = self._start(number)
            running[pid] = task, folder
        while running:
            self._end_any(running)
        return time.perf_counter() - begin

    def _start(self, number: int) -> tuple[int, int, Path]:
        task = self._tasks = self._tasks + 1
        self._database.execute("INSERT INTO tasks VALUES (?, 'PENDING')", (task,))
        self._database.execute("UPDATE tasks SET state = 'RUNNING' WHERE id = ?", (task,))
        folder = self._folder / str(task)
        folder.mkdir()
        pid = os.fork()
        if pid == 0:
            self._run(folder, number)
        return pid, task, folder

    def _end(self, pid: int, task: int, folder: Path) -> int:
        os.waitpid(pid, 0)
        return self._take_in(task, folder)

    def _end_any(self, running: dict[int, tuple[int, Path]]) -> None:
        pid, _ = os.wait()
        self._take_in(*running.pop(pid))

    def _take_in(self, task: int, folder: Path) -> int:
        written = json.loads((folder / "output.json").read_text())
        number = int(written["parameterValues"]["Output"])
        self._database.execute("UPDATE tasks SET state = 'SUCCEEDED' WHERE id = ?", (task,))
        return number

    def _run(self, folder: Path, number: int) -> None:
        os.chdir(folder)
        log = os.open("log", os.O_WRONLY | os.O_CREAT)
        os.dup2(log, 1)
        os.dup2(log, 2)
        Path("program.py").write_text(self._source)
        given = {
            "inputs": {"parameterValues": {"number": number}},
            "outputs": {
                "parameters": {"Output": {"outputFile": str(folder / "output")}},
                "outputFile": str(folder / "output.json"),
            },
        }
        options = ["--executor_input", json.dumps(given), "--function_to_execute", "step"]
        sys.argv = ["step", "--component_module_path", str(folder / "program.py"), *options]
        self._main.executor_main()
        os._exit(0)


def main(source: Path, length: int, width: int, *, spread: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        if spread:
            subprocess.run(["chattr", "+T", folder], check=False, stderr=subprocess.DEVNULL)
        floor = Floor(Path(folder), source.read_text())
        floor.chain(2)
        print(json.dumps([floor.chain(length), floor.fan_out(width)]))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), spread="spread" in sys.argv[4:])
