"""CloudWatch's metrics of a training job, as boto3 and the aws command see them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import IMAGE, ROLE, training

BUCKET = "cloudwatch-wire"

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def job(server: House) -> dict[str, Any]:
    s3, sagemaker = server.client("s3"), server.client("sagemaker")
    s3.create_bucket(Bucket=BUCKET)
    rows = [f"{int(a * b > 20)},{a},{b}" for a in range(10) for b in range(10)]
    s3.put_object(Bucket=BUCKET, Key="train/data.csv", Body="\n".join(rows))
    settings = {"num_round": "10", "objective": "reg:squarederror", "nthread": "1"}
    request = training(BUCKET, HyperParameters=settings)
    sagemaker.create_training_job(TrainingJobName="measured", **request)
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="measured", WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    return sagemaker.describe_training_job(TrainingJobName="measured")


def statistics(server: House, job: dict[str, Any], **given: Any) -> dict[str, Any]:
    start: datetime = job["CreationTime"]
    request = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "train:rmse",
        "Dimensions": [{"Name": "TrainingJobName", "Value": "measured"}],
        "StartTime": start - timedelta(hours=1),
        "EndTime": start + timedelta(hours=1),
        "Period": 86400,
        "Statistics": ["SampleCount", "Minimum", "Maximum", "Average"],
    }
    return server.client("cloudwatch").get_metric_statistics(**(request | given))


def test_a_metric_has_a_value_for_each_round(server: House, job: dict[str, Any]) -> None:
    points = statistics(server, job)["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == 10
    final = {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]}
    assert min(point["Minimum"] for point in points) == pytest.approx(final["train:rmse"])
    for point in points:
        assert point["Minimum"] <= point["Average"] <= point["Maximum"]


@pytest.mark.parametrize(
    "given",
    [
        {"MetricName": "other"},
        {"Namespace": "AWS/EC2"},
        {"Dimensions": [{"Name": "TrainingJobName", "Value": "nobody"}]},
        {"Dimensions": []},
    ],
)
def test_what_nobody_measured_is_empty(
    server: House, job: dict[str, Any], given: dict[str, Any]
) -> None:
    assert statistics(server, job, **given)["Datapoints"] == []


@pytest.mark.parametrize(
    ("given", "words"),
    [({"Period": 7}, "Period must be"), ({"ExtendedStatistics": ["p90"]}, "not supported")],
)
def test_requests_that_cannot_be(
    server: House, job: dict[str, Any], given: dict[str, Any], words: str
) -> None:
    with pytest.raises(ClientError, match=words):
        statistics(server, job, **given)


def test_the_aws_command_shows_it(server: House, job: dict[str, Any]) -> None:
    start: datetime = job["CreationTime"]
    printed = server.run(
        *("aws", "cloudwatch", "get-metric-statistics"),
        *("--namespace", "/aws/sagemaker/TrainingJobs", "--metric-name", "train:rmse"),
        *("--dimensions", "Name=TrainingJobName,Value=measured"),
        *("--start-time", (start - timedelta(hours=1)).isoformat()),
        *("--end-time", (start + timedelta(hours=1)).isoformat()),
        *("--period", "86400", "--statistics", "SampleCount"),
    )
    points = json.loads(printed)["Datapoints"]
    assert sum(point["SampleCount"] for point in points) == 10


def test_metrics_are_listed_and_computed_with(server: House, job: dict[str, Any]) -> None:
    cloudwatch = server.client("cloudwatch")
    mine = [{"Name": "TrainingJobName", "Value": "measured"}]
    listed = cloudwatch.get_paginator("list_metrics").paginate(Dimensions=mine)
    names = {one["MetricName"] for page in listed for one in page["Metrics"]}
    assert names == {one["MetricName"] for one in job["FinalMetricDataList"]} >= {"train:rmse"}
    metric = {
        "Namespace": "/aws/sagemaker/TrainingJobs",
        "MetricName": "train:rmse",
        "Dimensions": mine,
    }
    start: datetime = job["CreationTime"]
    pages = cloudwatch.get_paginator("get_metric_data").paginate(
        MetricDataQueries=[
            {"Id": "most", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "Maximum"}},
            {"Id": "twice", "Expression": "most * 2", "Label": "twice ${MAX}"},
        ],
        StartTime=start - timedelta(hours=1),
        EndTime=start + timedelta(hours=1),
        ScanBy="TimestampAscending",
        LabelOptions={"Timezone": "+0100"},
    )
    most, twice = pages.build_full_result()["MetricDataResults"]
    assert twice["Values"] == [value * 2 for value in most["Values"]] != []
    assert twice["Label"] == f"twice {max(twice['Values']):g}"


def test_what_user_code_puts_is_kept(server: House) -> None:
    cloudwatch, now = server.client("cloudwatch"), datetime.now(UTC)
    datum = {"MetricName": "rows", "Values": [1, 2, 3], "Counts": [1, 1, 2], "Unit": "Count"}
    cloudwatch.put_metric_data(Namespace="Mine", MetricData=[datum])
    statistics = cloudwatch.get_metric_statistics(
        Namespace="Mine",
        MetricName="rows",
        StartTime=now - timedelta(minutes=5),
        EndTime=now + timedelta(minutes=5),
        Period=3600,
        Statistics=["Sum", "SampleCount"],
    )
    points = statistics["Datapoints"]
    assert sum(one["Sum"] for one in points) == 9
    assert sum(one["SampleCount"] for one in points) == 4
    with pytest.raises(ClientError, match="reserved for AWS"):
        cloudwatch.put_metric_data(Namespace="AWS/EC2", MetricData=[datum])


def test_what_an_instance_uses_is_measured(server: House) -> None:
    sagemaker, cloudwatch = server.client("sagemaker"), server.client("cloudwatch")
    burn = "import time; end = time.time() + 4; any(time.time() > end for _ in iter(int, 1))"
    sagemaker.create_processing_job(
        ProcessingJobName="burning",
        RoleArn=ROLE,
        AppSpecification={"ImageUri": IMAGE, "ContainerEntrypoint": ["python", "-c", burn]},
        ProcessingResources={
            "ClusterConfig": {
                "InstanceType": "ml.m5.large",
                "InstanceCount": 1,
                "VolumeSizeInGB": 1,
            }
        },
    )
    waiter = sagemaker.get_waiter("processing_job_completed_or_stopped")
    waiter.wait(ProcessingJobName="burning", WaiterConfig={"Delay": 1, "MaxAttempts": 90})
    namespace, now = "/aws/sagemaker/ProcessingJobs", datetime.now(UTC)
    listed = cloudwatch.list_metrics(Namespace=namespace)["Metrics"]
    host = [{"Name": "Host", "Value": "burning/algo-1"}]
    mine = {one["MetricName"] for one in listed if one["Dimensions"] == host}
    assert mine == {"CPUUtilization", "MemoryUtilization"}
    for name, least, most in (("CPUUtilization", 5, 110), ("MemoryUtilization", 0.01, 10)):
        points = cloudwatch.get_metric_statistics(
            Namespace=namespace,
            MetricName=name,
            Dimensions=host,
            StartTime=now - timedelta(minutes=5),
            EndTime=now + timedelta(minutes=5),
            Period=3600,
            Statistics=["Maximum"],
            Unit="Percent",
        )["Datapoints"]
        assert least < max(one["Maximum"] for one in points) < most
