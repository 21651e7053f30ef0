"""What a task costs: beside kfp.local, beside the floor, beside other engines, and in large runs.

Run as a module with `local` it is a peer: kfp.local runs the same pipelines in a process.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import kfp
import uv

from bench import shapes
from bench.server import Measured
from flowmaker.cli.status import memory

CHAIN, WIDTH = 10, 50
ROUNDS = 5
#: Of kfp.local, which takes most of a minute.
TURNS = 3
SMALL, LARGE, LONG = 100, 10_000, 1_000
OUTER, INNER = 100, 100
#: Seconds for a peer with its installation; who takes longer is told as such.
PATIENCE = 900
TICKS = os.sysconf("SC_CLK_TCK")
FINAL = ("SUCCEEDED", "FAILED", "CANCELED")

#: What is installed for each peer, and its script, which prints [chain, fan-out] in seconds.
PEERS = {
    "Prefect 3, with its server": (["prefect>=3,<4"], "prefect_flow.py"),
    "Metaflow": (["metaflow"], "metaflow_flow.py"),
    "Dagster, multiprocess": (["dagster"], "dagster_job.py"),
}


@dataclass(frozen=True)
class Seconds:
    """Of a chain and of a fan-out, whole."""

    chain: float
    fan_out: float

    def row(self, name: str, ours: "Seconds | None" = None) -> str:
        per_task = 1000 * self.chain / CHAIN, 1000 * self.fan_out / WIDTH
        text = f"{name:40}{per_task[0]:9.1f} ms{per_task[1]:9.1f} ms"
        if ours is not None:
            text += f"{self.chain / ours.chain:9.2f} x{self.fan_out / ours.fan_out:8.2f} x"
        return text


@dataclass(frozen=True)
class Took:
    """Seconds of a run."""

    #: From the call of create_run, in which the client first reads the package.
    whole: float
    #: From when the server has it.
    served: float


class Runs:
    """Runs pipelines on a server, and watches it meanwhile."""

    def __init__(self, measured: Measured, folder: Path) -> None:
        self._measured = measured
        self.folder = folder
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            self.client = kfp.Client(host=measured.url)
        #: The server's memory in MB during the last run, at equal distances.
        self.curve: list[float] = []

    def seconds(self, pipeline: Callable[..., Any], *, pause: float = 0.05) -> float:
        """From the call of create_run to the end of the run that is on record."""
        return self.took(pipeline, pause=pause).whole

    def took(self, pipeline: Callable[..., Any], *, pause: float = 0.05) -> Took:
        """Clocks are the same; who asked more often would slow down what it measures."""
        package = shapes.compile_into(self.folder, pipeline)
        self.curve = []
        begin = time.time()
        made = self.client.create_run_from_pipeline_package(str(package))
        while (run := self._run(made.run_id))["state"] not in FINAL:
            if pause > 0.1:
                self.curve.append(memory(self._measured.pid))
            time.sleep(pause)
        assert run["state"] == "SUCCEEDED", run
        created, end = (
            datetime.fromisoformat(run[each]).timestamp() for each in ("created_at", "finished_at")
        )
        return Took(whole=end - begin, served=end - created)

    def _run(self, run_id: str) -> dict[str, Any]:
        """By the list, which is not longer for a run of many tasks."""
        query = "runs?page_size=1&sort_by=created_at%20desc"
        with urllib.request.urlopen(f"{self._measured.url}/apis/v2beta1/{query}") as answer:
            (run,) = json.load(answer)["runs"]
        assert run["run_id"] == run_id
        return run


def local() -> None:
    """The peer that is nearest: the same packages, the same functions, a process each."""
    from kfp import local as kfp_local

    def seconds(pipeline: Callable[..., Any]) -> float:
        begin = time.perf_counter()
        pipeline()
        return time.perf_counter() - begin

    with tempfile.TemporaryDirectory() as root:
        kfp_local.init(runner=kfp_local.SubprocessRunner(use_venv=False), pipeline_root=root)
        shown = [seconds(shapes.chain(CHAIN)), seconds(shapes.fan_out(WIDTH))]
    print(json.dumps(shown))


def _printed(command: list[str]) -> Seconds:
    """What a program prints in its last line. Raises subprocess.SubprocessError."""
    shown = subprocess.run(command, check=True, capture_output=True, text=True, timeout=PATIENCE)
    return Seconds(*json.loads(shown.stdout.splitlines()[-1]))


def _module(*arguments: str) -> Seconds:
    return _printed([sys.executable, "-m", *arguments])


def _peer(requirements: list[str], script: str) -> Seconds:
    """In an environment of its own, made for this and thrown away."""
    packages = [option for each in requirements for option in ("--with", each)]
    program = Path(__file__).parent / "peers" / script
    options = ["--isolated", "--no-project", "--compile-bytecode", "--python", sys.executable]
    command = [uv.find_uv_bin(), "run", *options, *packages, "python", str(program)]
    return _printed([*command, str(CHAIN), str(WIDTH)])


def _median(rounds: list[Seconds]) -> Seconds:
    return Seconds(
        statistics.median(each.chain for each in rounds),
        statistics.median(each.fan_out for each in rounds),
    )


def report(measured: Measured) -> None:
    with tempfile.TemporaryDirectory() as folder:
        runs = Runs(measured, Path(folder))
        runs.seconds(shapes.chain(2))  # makes the environment
        _report_idle(measured)
        _report_floor(runs)
        _report_peers(_report_local(runs))
        _report_large(runs)


def _report_idle(measured: Measured) -> None:
    seconds = 10.0
    before = _processor_seconds(measured.pid)
    time.sleep(seconds)
    used = (_processor_seconds(measured.pid) - before) / seconds
    print(f"idle server after a run: {memory(measured.pid):.0f} MB, {100 * used:.1f} % of a core")


def _processor_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _report_floor(runs: Runs) -> None:
    """Ours and the floor in turns, so that both meet the same noise."""
    ours: list[Seconds] = []
    served: list[Seconds] = []
    floors: list[Seconds] = []
    spread: list[Seconds] = []
    source = runs.folder / "step.py"
    source.write_text(shapes.source_of_step())
    for _ in range(ROUNDS):
        floor = ("bench.floor", str(source), str(CHAIN), str(WIDTH))
        floors.append(_module(*floor))
        spread.append(_module(*floor, "spread"))
        whole, from_there = _both(runs)
        ours.append(whole)
        served.append(from_there)
    print(f"{'per task, no-ops':40}{f'chain of {CHAIN}':>12}{f'  fan-out of {WIDTH}':>12}")
    print(_median(floors).row("floor: fork of a warm process, SQLite"))
    _over("Flowmaker, over the floor", _median(ours), _median(floors))
    _over("  without the client's reading", _median(served), _median(floors))
    print(_median(spread).row("that floor, its folders lying apart"))
    _over("Flowmaker, over that", _median(ours), _median(spread))
    _over("  without the client's reading", _median(served), _median(spread))


def _report_local(runs: Runs) -> Seconds:
    """Ours and kfp.local in turns; ours are what the other peers are compared with, too."""
    ours: list[Seconds] = []
    served: list[Seconds] = []
    peers: list[Seconds] = []
    for _ in range(TURNS):
        peers.append(_module("bench.pipelines", "local"))
        whole, from_there = _both(runs)
        ours.append(whole)
        served.append(from_there)
    peer = _median(peers)
    print(peer.row("kfp.local SubprocessRunner, over Flowmaker", _median(ours)))
    print(peer.row("  without the client's reading", _median(served)))
    return _median(ours)


def _both(runs: Runs) -> tuple[Seconds, Seconds]:
    """The chain and the fan-out, from the call of create_run and from when the server has them."""
    chain, fan_out = runs.took(shapes.chain(CHAIN)), runs.took(shapes.fan_out(WIDTH))
    return Seconds(chain.whole, fan_out.whole), Seconds(chain.served, fan_out.served)


def _over(name: str, ours: Seconds, floor: Seconds) -> None:
    ratios = ours.chain / floor.chain, ours.fan_out / floor.fan_out
    print(f"{ours.row(name)}{ratios[0]:9.2f} x{ratios[1]:8.2f} x")


def _report_peers(ours: Seconds) -> None:
    for name, (requirements, script) in PEERS.items():
        try:
            print(_peer(requirements, script).row(f"{name}, over Flowmaker", ours))
        except subprocess.CalledProcessError as error:
            said = error.stderr.strip().rpartition("\n")[2]
            print(f"{name}: could not be measured here: {said[:100]}")
        except (OSError, subprocess.SubprocessError, ValueError) as error:
            print(f"{name}: could not be measured here: {str(error)[:100]}")


def _report_large(runs: Runs) -> None:
    loop = statistics.median(runs.seconds(shapes.loop(SMALL)) for _ in range(3)) / SMALL
    chain = statistics.median(runs.seconds(shapes.chain(SMALL)) for _ in range(3)) / SMALL
    for name, pipeline, count, small in (
        (f"loop of {LARGE}", shapes.loop(LARGE), LARGE, loop),
        (f"{OUTER} loops of {INNER}", shapes.nested(OUTER, INNER), OUTER * INNER, loop),
        (f"chain of {LONG}", shapes.chain(LONG), LONG, chain),
    ):
        large = runs.seconds(pipeline, pause=0.5) / count
        print(
            f"per task, {name:30}{1000 * large:9.1f} ms, of {SMALL} {1000 * small:6.1f} ms"
            f"{large / small:9.2f} x; memory of the server {_tenths(runs.curve)} MB"
        )


def _tenths(curve: list[float]) -> str:
    """What was measured at each tenth of the way."""
    steps = [curve[min(len(curve) - 1, len(curve) * tenth // 10)] for tenth in range(11)]
    return " ".join(f"{each:.0f}" for each in steps)


if __name__ == "__main__" and sys.argv[1:] == ["local"]:
    local()
