"""Several instances train one model: XGBoost's own collective, with its tracker on the first.

Instances without data leave before the training; the first of the rest makes the model.
"""

import json
from collections.abc import Callable, Mapping
from typing import cast

from xgboost import collective
from xgboost.tracker import RabitTracker

from flowmaker.sagemaker.algorithms.exchange import address, exchange
from flowmaker.sagemaker.algorithms.job import CustomerError, Job, say

_SECONDS = 300


def together(job: Job, *, rows: int, columns: int, boost: Callable[[int, bool], bytes]) -> bytes:
    """Trains with all instances that have data; every instance gets the model.

    Args:
        job: This instance's job.
        rows: How many rows this instance has.
        columns: How many features its rows have.
        boost: Trains with so many columns, logging or not; the same model everywhere.
    """
    trackers: list[RabitTracker] = []

    def agree(everyone: Mapping[str, bytes]) -> bytes:
        told = {host: json.loads(text) for host, text in everyone.items()}
        members = [host for host in job.hosts if told[host]["rows"]]
        plan: dict[str, object] = {
            "members": members,
            "columns": max(each["columns"] for each in told.values()),
        }
        if members:
            tracker = RabitTracker(n_workers=len(members), host_ip=address(job.host), sortby="task")
            tracker.start()
            trackers.append(tracker)
            plan["tracker"] = tracker.worker_args()
        return json.dumps(plan).encode()

    mine = json.dumps({"rows": rows, "columns": columns}).encode()
    plan = json.loads(exchange(job, "data", mine, agree))
    members = cast("list[str]", plan["members"])
    if not members:
        raise CustomerError("No data in the train channel on any instance")
    model = b""
    if job.host in members:
        rank = members.index(job.host)
        arguments = {**plan["tracker"], "dmlc_task_id": str(rank), "dmlc_timeout": _SECONDS}
        with collective.CommunicatorContext(**arguments):
            model = boost(plan["columns"], rank == 0)
    else:
        say(f"Host {job.host} does not have data. It takes no part in the training.")
    for tracker in trackers:
        tracker.wait_for(timeout=_SECONDS)
    return exchange(
        job,
        "model",
        model if job.host == members[0] else b"",
        lambda everyone: everyone[members[0]],
    )
