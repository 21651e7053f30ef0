"""Removes what tasks that succeeded leave: inputs were links, outputs were moved."""

import asyncio
import shutil
from collections.abc import Iterable
from pathlib import Path

from flowmaker.executors.executor import Executor
from flowmaker.pipelines.controllers.platform import VOLUMES

#: What a task has for itself in the folder of its process.
_OWN = ("work", VOLUMES)


class Tidying:
    """In the background: nobody waits for it."""

    def __init__(self, executor: Executor) -> None:
        self._executor = executor
        self._background: set[asyncio.Task[None]] = set()

    def begin(self, process_ids: list[str]) -> None:
        folders = [self._executor.folder(each) / name for each in process_ids for name in _OWN]
        if folders:
            tidying = asyncio.create_task(asyncio.to_thread(_remove, folders))
            self._background.add(tidying)
            tidying.add_done_callback(self._background.discard)


def _remove(folders: Iterable[Path]) -> None:
    for folder in folders:
        shutil.rmtree(folder, ignore_errors=True)
