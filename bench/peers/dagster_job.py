"""Dagster with its multiprocess executor: CHAIN ops one after another, then WIDTH at once."""

import json
import os
import sys
import tempfile
import time

from dagster import DagsterInstance, execute_job, job, multiprocess_executor, op, reconstructable

if len(sys.argv) == 3:  # its processes import this file anew, with arguments of their own
    os.environ["CHAIN"], os.environ["WIDTH"] = sys.argv[1:]
CHAIN, WIDTH = int(os.environ["CHAIN"]), int(os.environ["WIDTH"])


@op
def first() -> int:
    return 0


@op
def step(number: int) -> int:
    return number


@job(executor_def=multiprocess_executor)
def chain():
    number = first()
    for index in range(CHAIN - 1):
        number = step.alias(f"step{index}")(number)


@job(executor_def=multiprocess_executor)
def fan_out():
    for index in range(WIDTH):
        first.alias(f"step{index}")()


def seconds(what, instance) -> float:
    begin = time.perf_counter()
    result = execute_job(reconstructable(what), instance=instance)
    assert result.success
    return time.perf_counter() - begin


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        os.environ["DAGSTER_HOME"] = folder
        with DagsterInstance.get() as instance:
            json.dump([seconds(chain, instance), seconds(fan_out, instance)], sys.stdout)
