"""Which jobs `flowmaker interrupt` takes instances from."""

from typing import Any

import pytest

from flowmaker.aws.errors import validation
from flowmaker.cli import interrupt
from flowmaker.errors import FailedPrecondition, FlowmakerError, NotFound


class FakeAws:
    """Knows one job, or none."""

    def __init__(self, job: dict[str, Any] | None) -> None:
        self.job = job

    def call(self, service: str, operation: str, **members: Any) -> dict[str, Any]:
        assert (service, operation) == ("sagemaker", "DescribeTrainingJob")
        if self.job is None:
            raise validation("Requested resource not found.")
        return self.job


@pytest.mark.parametrize(
    ("job", "error", "message"),
    [
        (None, NotFound, "no training job is named mine: Requested resource not found"),
        (
            {"EnableManagedSpotTraining": False, "SecondaryStatus": "Training"},
            FailedPrecondition,
            "mine was not created with EnableManagedSpotTraining",
        ),
        (
            {"EnableManagedSpotTraining": True, "SecondaryStatus": "Uploading"},
            FailedPrecondition,
            "mine is Uploading: only a job that trains",
        ),
    ],
)
def test_what_is_not_interrupted(
    job: dict[str, Any] | None, error: type[FlowmakerError], message: str
) -> None:
    aws: Any = FakeAws(job)
    with pytest.raises(error, match=message):
        interrupt.check(aws, "mine")


def test_a_spot_job_that_trains_is_interrupted() -> None:
    aws: Any = FakeAws({"EnableManagedSpotTraining": True, "SecondaryStatus": "Training"})
    interrupt.check(aws, "mine")
