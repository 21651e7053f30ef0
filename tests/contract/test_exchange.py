"""The instances of a job agree, meeting after meeting, however fast they come to the next."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowmaker.sagemaker.algorithms import exchange as meetings
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import Job
from flowmaker.sagemaker.container.training import addresses

HOSTS = ("algo-1", "algo-2", "algo-3")
MEETINGS = 200


def test_who_comes_early_waits_for_the_next_meeting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRAINING_JOB_NAME", tmp_path.name)
    monkeypatch.setattr(meetings, "address", lambda _host: "127.0.0.1")

    def take_part(host: str) -> list[bytes]:
        job = Job(base=tmp_path, host=host, hosts=HOSTS, hyperparameters={}, channels={})
        return [
            exchange(job, str(n), host.encode(), lambda everyone: b" ".join(everyone.values()))
            for n in range(MEETINGS)
        ]

    with ThreadPoolExecutor(len(HOSTS)) as instances:
        agreed = list(instances.map(take_part, HOSTS))
    assert agreed == [[b"algo-1 algo-2 algo-3"] * MEETINGS] * len(HOSTS)


def test_jobs_of_the_same_name_have_ports_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two servers on one machine: PyTorch would find the port taken."""
    monkeypatch.setenv("TRAINING_JOB_NAME", "together")
    first = [addresses(2, owner)["algo-1"] for owner in ("one", "one", "another")]
    ports: list[int] = []
    for where in first:
        monkeypatch.setattr(meetings, "address", lambda _host, where=where: where)
        ports.append(meetings.port("algo-1"))
    assert ports[0] == ports[1] != ports[2]
