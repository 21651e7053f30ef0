"""SageMaker's SDK v2: functions with `@step` as a pipeline, in an image that has the SDK.

A script of its own, for `flowmaker exec`; it prints one JSON object of what it saw, last.
"""

import json
import logging
import time
from typing import Any

import sagemaker
from sagemaker.workflow.function_step import step
from sagemaker.workflow.parameters import ParameterInteger
from sagemaker.workflow.pipeline import Pipeline

logging.disable()

ROLE = sagemaker.get_execution_role()
COMMON: dict[str, Any] = {
    "instance_type": "ml.m5.large",
    "image_uri": "functions:1",
    "role": ROLE,
}


@step(name="Double", **COMMON)
def double(number: int) -> dict[str, int]:
    return {"twice": 2 * number}


@step(name="Add", **COMMON)
def add(found: dict[str, int], more: int) -> int:
    return found["twice"] + more


def main() -> None:
    session = sagemaker.Session()
    number = ParameterInteger("Number", default_value=20)
    steps: list[Any] = [add(double(number), 1)]
    pipeline = Pipeline("functions", [number], steps=steps, sagemaker_session=session)
    pipeline.upsert(ROLE)
    execution = pipeline.start(parameters={"Number": 21})
    while execution.describe()["PipelineExecutionStatus"] == "Executing":
        time.sleep(0.2)
    seen = {
        "results": [execution.result(name) for name in ("Double", "Add")],
        "steps": {one["StepName"]: one["StepStatus"] for one in execution.list_steps()},
    }
    print()
    print(json.dumps(seen))


main()
