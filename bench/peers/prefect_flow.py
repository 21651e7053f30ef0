"""Prefect 3 with a server of its own: CHAIN tasks one after another, then WIDTH at once."""

import json
import os
import sys
import tempfile
import time

CHAIN, WIDTH = int(sys.argv[1]), int(sys.argv[2])
os.environ |= {
    "PREFECT_HOME": tempfile.mkdtemp(),
    "PREFECT_LOGGING_LEVEL": "ERROR",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}

from prefect import flow, task  # noqa: E402 - it reads the variables
from prefect.testing.utilities import prefect_test_harness  # noqa: E402


@task
def step(number: int) -> int:
    return number


@flow
def chain():
    number = 0
    for _ in range(CHAIN):
        number = step(number)


@flow
def fan_out():
    for future in step.map(range(WIDTH)):
        future.result()


def seconds(run) -> float:
    begin = time.perf_counter()
    run()
    return time.perf_counter() - begin


with prefect_test_harness(server_startup_timeout=120):
    chain()
    print(json.dumps([seconds(chain), seconds(fan_out)]))
