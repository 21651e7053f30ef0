"""Metaflow: CHAIN steps one after another, or a foreach of WIDTH; each step is a process."""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

CHAIN, WIDTH = int(sys.argv[1]), int(sys.argv[2])
HEAD = "from metaflow import FlowSpec, step\n\n\nclass Measured(FlowSpec):\n"
TAIL = "\n\nif __name__ == '__main__':\n    Measured()\n"


def method(name: str, body: str, argument: str = "") -> str:
    return f"    @step\n    def {name}(self{argument}):\n        {body}\n\n"


def chain() -> str:
    names = ["start", *(f"step{number}" for number in range(CHAIN - 2)), "end"]
    following = [f"self.next(self.{name})" for name in names[1:]]
    return "".join(map(method, names, [*following, "pass"]))


def fan_out() -> str:
    return (
        method("start", f"self.items = list(range({WIDTH})); self.next(self.one, foreach='items')")
        + method("one", "self.next(self.join)")
        + method("join", "self.next(self.end)", ", inputs")
        + method("end", "pass")
    )


def seconds(body: str) -> float:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "flow.py").write_text(HEAD + body + TAIL)
        environment = os.environ | {"METAFLOW_USER": "bench", "USERNAME": "bench", "HOME": folder}
        begin = time.perf_counter()
        command = [sys.executable, "flow.py", "--no-pylint", "run", "--max-workers", "2"]
        subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)
        return time.perf_counter() - begin


print(json.dumps([seconds(chain()), seconds(fan_out())]))
