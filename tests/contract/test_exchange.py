"""The instances of a job agree, meeting after meeting, however fast they come to the next."""

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from flowmaker.sagemaker.algorithms import exchange as meetings
from flowmaker.sagemaker.algorithms.exchange import exchange
from flowmaker.sagemaker.algorithms.job import Job

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
