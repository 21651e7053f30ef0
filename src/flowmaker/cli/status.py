"""`flowmaker status`: is it there, and what does it do?"""

import argparse
import shutil
from collections.abc import Iterator, Mapping
from typing import Any

from flowmaker.cli import job_logs, running
from flowmaker.cli.aws_api import AwsApi
from flowmaker.cli.kfp_api import KfpApi
from flowmaker.clock import SystemClock
from flowmaker.server.data_folder import DataFolder

#: Of a duration, and of jobs and endpoints, how many are told.
_UNITS, _LISTED = 2, 20


def configure(command: argparse.ArgumentParser) -> None:
    del command


def run(arguments: argparse.Namespace) -> int:
    server = running.find(arguments.data)
    print(f"Flowmaker is ready at {server.url}")
    print(f"  process {server.pid}, {memory(server.pid):.0f} MB of memory")
    free = shutil.disk_usage(arguments.data).free / 1e9
    print(f"  data in {arguments.data}, {free:.1f} GB free")
    begun = DataFolder(arguments.data).server.stat().st_mtime
    print(f"  up for {duration(SystemClock().now().timestamp() - begun)}")
    kfp = KfpApi(server)
    print(f"  {kfp.runs_going()} runs going")
    for line in (*_sagemaker(AwsApi(server)), *room(kfp.room())):
        print(f"  {line}")
    return 0


def duration(seconds: float) -> str:
    """Seconds as a person says them: the two largest units."""
    rest = max(0, int(seconds))
    parts: list[str] = []
    for name, size in (("d", 86400), ("h", 3600), ("min", 60), ("s", 1)):
        number, rest = divmod(rest, size)
        if number or (parts and len(parts) < _UNITS):
            parts.append(f"{number} {name}")
    return " ".join(parts[:_UNITS]) or "0 s"


def _sagemaker(aws: AwsApi) -> Iterator[str]:
    """What goes on in SageMaker: jobs that run, and endpoints."""
    known = job_logs.known(aws)
    jobs = [each for each in known if each.kind != "endpoint" and each.state not in job_logs.ENDED]
    endpoints = [each for each in known if each.kind == "endpoint"]
    yield f"{len(jobs)} SageMaker jobs going, {len(endpoints)} endpoints"
    for each in (*jobs, *endpoints)[:_LISTED]:
        yield f"  {each}"


def room(given: Mapping[str, Any]) -> Iterator[str]:
    """What of the machine is asked for, and what waits for it."""
    for key, name in (("tasks", "pipelines' tasks"), ("jobs", "SageMaker jobs")):
        yield f"{name} hold {given[key]['said']}, {given[key]['waiting_count']} wait"
        for each in given[key]["waiting"]:
            yield f"  {each['what']} {each['why']}"


def memory(pid: int) -> float:
    """The proportional set size of a process, in MB; the resident one where that is not told."""
    for file, field in (("smaps_rollup", "Pss:"), ("status", "VmRSS:")):
        try:
            with open(f"/proc/{pid}/{file}") as lines:  # noqa: PTH123 - not a file on a disk
                for line in lines:
                    if line.startswith(field):
                        return int(line.split()[1]) / 1024
        except (FileNotFoundError, PermissionError, ProcessLookupError):
            continue
    return 0.0
