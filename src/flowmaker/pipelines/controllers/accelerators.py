"""Which of the machine's accelerators each task has: the room only counts them."""

import json
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from flowmaker.executors.executor import Executor
from flowmaker.executors.machine import NVIDIA
from flowmaker.executors.room import Room

#: The variables by which the libraries of a maker are told which devices they may use.
_VARIABLES = {NVIDIA: "CUDA_VISIBLE_DEVICES", "amd.com/gpu": "HIP_VISIBLE_DEVICES"}
#: In the folder of a process that has some: its variables.
_FILE = "accelerators.json"


class Accelerators:
    """Gives each task devices that no other has. What a task has, it is told in its variables."""

    def __init__(self, room: Room, executor: Executor) -> None:
        """`room` is where tasks hold what they are given here."""
        self._room = room
        self._executor = executor
        #: By process: the variables that it was given. Those from before a restart are read again.
        self._given: dict[str, Mapping[str, str]] = {}

    def variables(self, process_id: str, wanted: Mapping[str, int]) -> Mapping[str, str]:
        """The variables of a process that holds room for what it wants.

        A kind whose makers have no such variable is counted, and nothing else.
        """
        if not wanted:
            return {}
        others = [each.id for each in self._room.held() if each.id != process_id]
        self._given = {each: of for each, of in self._given.items() if each in others}
        found = {
            name: ",".join(self._free(kind, count, name, others))
            for kind, count in wanted.items()
            if (name := _VARIABLES.get(kind))
        }
        self._given[process_id] = found
        return found

    def write(self, process_id: str) -> None:
        """Keep what a process was given in its folder, for the server after this one."""
        if given := self._given.get(process_id):
            (self._executor.folder(process_id) / _FILE).write_text(json.dumps(given))

    def _free(self, kind: str, count: int, variable: str, others: list[str]) -> list[str]:
        """Devices that nobody has; of what holds no room, as `flowmaker debug`, any at last."""
        there = [str(number) for number in range(self._room.capacity.accelerators.get(kind, 0))]
        taken = {device for each in others for device in self._of(each, variable)}
        return sorted(there, key=lambda device: device in taken)[:count]

    def _of(self, process_id: str, variable: str) -> list[str]:
        if process_id not in self._given:
            self._given[process_id] = _written(self._executor.folder(process_id) / _FILE)
        return [each for each in self._given[process_id].get(variable, "").split(",") if each]


def _written(file: Path) -> Mapping[str, str]:
    with suppress(FileNotFoundError):
        return json.loads(file.read_text())
    return {}
