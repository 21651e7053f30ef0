"""A one-step pipeline: from create_run to SUCCEEDED, beside kfp.local's SubprocessRunner.

Run as a module with `local` it is the peer: a process that runs the same component that way.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import kfp
from kfp import compiler, dsl

from bench.server import Measured

ROUNDS = 5


@dsl.component(base_image="python:3.11")
def hello(name: str) -> str:
    return f"Hello, {name}!"


@dsl.pipeline(name="hello-world")
def hello_world(name: str = "world") -> str:
    return hello(name=name).set_caching_options(enable_caching=False).output


def flowmaker(measured: Measured) -> list[float]:
    """Seconds of each round, the first of which makes the environment."""
    client = kfp.Client(host=measured.url)
    with tempfile.TemporaryDirectory() as folder:
        package = str(Path(folder) / "hello.yaml")
        compiler.Compiler().compile(hello_world, package)
        return [_round(client, package) for _ in range(ROUNDS + 1)]


def _round(client: kfp.Client, package: str) -> float:
    begin = time.perf_counter()
    run = client.create_run_from_pipeline_package(package, enable_caching=False)
    while True:
        state = client.get_run(run.run_id).state
        if state in ("SUCCEEDED", "FAILED", "CANCELED"):
            break
        time.sleep(0.005)
    assert state == "SUCCEEDED", state
    return time.perf_counter() - begin


def peer() -> list[float]:
    """The same step by kfp.local, in a process of its own."""
    shown = subprocess.run(
        [sys.executable, "-m", "bench.hello_world", "local"],
        check=True, capture_output=True, text=True,
    )  # fmt: skip
    # kfp.local tells of what it does before that.
    return json.loads(shown.stdout.splitlines()[-1])


def local() -> None:
    from kfp import local as kfp_local

    with tempfile.TemporaryDirectory() as root:
        kfp_local.init(runner=kfp_local.SubprocessRunner(use_venv=False), pipeline_root=root)
        seconds: list[float] = []
        for _ in range(ROUNDS):
            begin = time.perf_counter()
            hello_world(name="world")
            seconds.append(time.perf_counter() - begin)
    print(json.dumps(seconds))


def report(measured: Measured) -> None:
    first, *rounds = flowmaker(measured)
    ours = statistics.median(rounds)
    theirs = statistics.median(peer())
    print(f"one-step run, create_run to SUCCEEDED   {1000 * ours:8.0f} ms (first {first:.1f} s)")
    print(f"  the same by kfp.local SubprocessRunner{1000 * theirs:8.0f} ms")
    print(f"  ratio                                 {theirs / ours:8.1f} x faster")


if __name__ == "__main__" and sys.argv[1:] == ["local"]:
    local()
