"""A server of nothing but an executor, for tests that kill it: `python executor_host.py FOLDER`.

It starts the processes that its standard input names, a line of JSON with the fields of ProcessSpec
for each, and answers each with a line.
"""

import asyncio
import json
import sys
from pathlib import Path

from flowmaker.clock import SystemClock
from flowmaker.executors.executor import ProcessSpec
from flowmaker.executors.local import LocalExecutor


async def main(folder: Path) -> None:
    executor = LocalExecutor(folder / "jobs", folder / "run", SystemClock())
    await executor.start()
    while line := await asyncio.to_thread(sys.stdin.readline):
        asked = json.loads(line)
        await executor.ensure_started(ProcessSpec(**{**asked, "argv": tuple(asked["argv"])}))
        sys.stdout.write("started\n")
        sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
