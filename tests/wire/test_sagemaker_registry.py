"""Model packages, experiments and Search, as boto3 and the SDK's own classes use them."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House
from tests.training import IMAGE, ROLE, training

BUCKET = "registry-wire"
DATA = f"s3://{BUCKET}/model.tar.gz"
CONTAINERS = {
    "Containers": [{"Image": IMAGE, "ModelDataUrl": DATA, "Environment": {"A": "1"}}],
    "SupportedContentTypes": ["text/csv"],
    "SupportedResponseMIMETypes": ["text/csv"],
}


@pytest.fixture(scope="module")
def sagemaker(server: House) -> Any:
    s3 = server.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="model.tar.gz", Body=b"a model")
    return server.client("sagemaker")


@pytest.fixture(scope="module")
def versions(sagemaker: Any) -> list[str]:
    """The ARNs of three versions of one group: approved, rejected, and not looked at."""
    sagemaker.create_model_package_group(
        ModelPackageGroupName="digits", Tags=[{"Key": "team", "Value": "vision"}]
    )
    arns = [
        sagemaker.create_model_package(
            ModelPackageGroupName="digits",
            InferenceSpecification=CONTAINERS,
            **({"ModelApprovalStatus": status} if status else {}),
        )["ModelPackageArn"]
        for status in ("Approved", "Rejected", "")
    ]
    assert [arn.rpartition("/")[2] for arn in arns] == ["1", "2", "3"]
    return arns


def words(refused: pytest.ExceptionInfo[ClientError]) -> str:
    return refused.value.response["Error"]["Message"]


def test_versions_of_a_group_are_described(sagemaker: Any, versions: list[str]) -> None:
    one = sagemaker.describe_model_package(ModelPackageName=versions[2])
    assert one["ModelPackageGroupName"] == "digits"
    assert one["ModelPackageVersion"] == 3
    assert one["ModelApprovalStatus"] == "PendingManualApproval"
    assert one["ModelPackageStatus"] == "Completed"
    assert one["InferenceSpecification"]["Containers"][0]["ModelDataUrl"] == DATA
    group = sagemaker.describe_model_package_group(ModelPackageGroupName="digits")
    assert group["ModelPackageGroupStatus"] == "Completed"
    assert group["CreatedBy"]["IamIdentity"]["Arn"].startswith("arn:aws:")


def test_lists_of_packages_are_narrowed(sagemaker: Any, versions: list[str]) -> None:
    def listed(**wanted: Any) -> list[str]:
        pages = sagemaker.get_paginator("list_model_packages").paginate(
            SortOrder="Ascending", PaginationConfig={"PageSize": 1}, **wanted
        )
        arns = [one["ModelPackageArn"] for page in pages for one in page["ModelPackageSummaryList"]]
        # Other tests make packages of their own on this server.
        ours = [arn for arn in arns if "/digits/" in arn or arn.endswith("/alone")]
        return [arn.rpartition("/")[2] for arn in ours]

    assert listed(ModelPackageGroupName="digits") == ["1", "2", "3"]
    assert listed(ModelPackageGroupName="digits", ModelApprovalStatus="Rejected") == ["2"]
    sagemaker.create_model_package(ModelPackageName="alone", InferenceSpecification=CONTAINERS)
    assert listed() == ["alone"], "without a group only those that are no versions"
    assert listed(ModelPackageType="Versioned") == ["1", "2", "3"]
    assert set(listed(ModelPackageType="Both")) == {"1", "2", "3", "alone"}
    sagemaker.delete_model_package(ModelPackageName="alone")
    groups = sagemaker.list_model_package_groups(NameContains="igit")
    assert [one["ModelPackageGroupName"] for one in groups["ModelPackageGroupSummaryList"]] == [
        "digits"
    ]


def test_an_approval_and_properties_are_changed(sagemaker: Any, versions: list[str]) -> None:
    sagemaker.update_model_package(
        ModelPackageArn=versions[2],
        ModelApprovalStatus="Approved",
        ApprovalDescription="seen",
        CustomerMetadataProperties={"a": "1", "b": "2"},
    )
    sagemaker.update_model_package(
        ModelPackageArn=versions[2], CustomerMetadataPropertiesToRemove=["a"]
    )
    one = sagemaker.describe_model_package(ModelPackageName=versions[2])
    assert (one["ModelApprovalStatus"], one["ApprovalDescription"]) == ("Approved", "seen")
    assert one["CustomerMetadataProperties"] == {"b": "2"}
    assert one["LastModifiedTime"] > one["CreationTime"]


def test_a_model_is_made_of_a_package(sagemaker: Any, versions: list[str]) -> None:
    container = {"ModelPackageName": versions[0], "Environment": {"B": "2"}}
    sagemaker.create_model(ModelName="of-it", ExecutionRoleArn=ROLE, Containers=[container])
    found = sagemaker.describe_model(ModelName="of-it")["Containers"][0]
    assert found["ModelPackageName"] == versions[0]
    assert (found["Image"], found["ModelDataUrl"]) == (IMAGE, DATA)
    assert found["Environment"] == {"A": "1", "B": "2"}
    sagemaker.delete_model(ModelName="of-it")
    with pytest.raises(ClientError) as refused:
        sagemaker.create_model(
            ModelName="of-it",
            ExecutionRoleArn=ROLE,
            PrimaryContainer={"ModelPackageName": versions[1]},
        )
    assert "is Rejected: it cannot be deployed" in words(refused)


def test_numbers_are_not_used_twice(sagemaker: Any) -> None:
    sagemaker.create_model_package_group(ModelPackageGroupName="counted")

    def made() -> str:
        return sagemaker.create_model_package(ModelPackageGroupName="counted")["ModelPackageArn"]

    first = made()
    with pytest.raises(ClientError) as refused:
        sagemaker.delete_model_package_group(ModelPackageGroupName="counted")
    assert refused.value.response["Error"]["Code"] == "ConflictException"
    sagemaker.delete_model_package(ModelPackageName=first)
    second = made()
    assert second.endswith("/2")
    sagemaker.delete_model_package(ModelPackageName=second)
    sagemaker.delete_model_package_group(ModelPackageGroupName="counted")


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ({}, "Give either ModelPackageName, or ModelPackageGroupName"),
        ({"ModelPackageGroupName": "nobody"}, "model-package-group/nobody does not exist"),
        (
            {
                "ModelPackageName": "x",
                "InferenceSpecification": {
                    "Containers": [{"Image": IMAGE, "ModelDataUrl": f"s3://{BUCKET}/no.tar.gz"}]
                },
            },
            f"Could not find model data at s3://{BUCKET}/no.tar.gz",
        ),
        (
            {
                "ModelPackageName": "x",
                "ValidationSpecification": {
                    "ValidationRole": ROLE,
                    "ValidationProfiles": [],
                },
            },
            "ValidationSpecification",
        ),
    ],
)
def test_packages_that_cannot_be(sagemaker: Any, given: dict[str, Any], expected: str) -> None:
    with pytest.raises(ClientError) as refused:
        sagemaker.create_model_package(**given)
    assert expected in words(refused)


def test_search_finds_packages_and_groups(sagemaker: Any, versions: list[str]) -> None:
    def searched(resource: str, *filters: tuple[str, str, str]) -> list[dict[str, Any]]:
        expression = {
            "Filters": [
                {"Name": name, "Operator": operator, "Value": value}
                for name, operator, value in filters
            ]
        }
        found = sagemaker.search(
            Resource=resource, SearchExpression=expression, SortBy="CreationTime"
        )
        return [one[resource] for one in found["Results"]]

    equals = ("ModelPackageGroupName", "Equals", "digits")
    assert len(searched("ModelPackageGroup", equals)) == 1
    assert searched("ModelPackageGroup", ("ModelPackageGroupName", "Equals", "none")) == []
    tagged = searched("ModelPackageGroup", ("Tags.team", "Equals", "vision"))
    assert [one["ModelPackageGroupName"] for one in tagged] == ["digits"]
    later = searched("ModelPackage", equals, ("ModelPackageVersion", "GreaterThan", "1"))
    assert [one["ModelPackageVersion"] for one in later] == [3, 2]


@pytest.fixture(scope="module")
def experiment(sagemaker: Any) -> Iterator[str]:
    sagemaker.create_experiment(ExperimentName="ex", Description="of the test")
    sagemaker.create_trial(TrialName="tr", ExperimentName="ex")
    sagemaker.create_trial_component(
        TrialComponentName="co",
        Parameters={"rate": {"NumberValue": 0.1}, "kind": {"StringValue": "a"}},
        Status={"PrimaryStatus": "InProgress"},
    )
    sagemaker.associate_trial_component(TrialName="tr", TrialComponentName="co")
    yield "ex"
    with pytest.raises(ClientError, match="has trials"):
        sagemaker.delete_experiment(ExperimentName="ex")
    with pytest.raises(ClientError, match="has trial components"):
        sagemaker.delete_trial(TrialName="tr")
    with pytest.raises(ClientError, match="belongs to trials"):
        sagemaker.delete_trial_component(TrialComponentName="co")
    sagemaker.disassociate_trial_component(TrialName="tr", TrialComponentName="co")
    sagemaker.delete_trial_component(TrialComponentName="co")


def test_a_component_has_what_was_put_of_it(sagemaker: Any, server: House, experiment: str) -> None:
    sagemaker.update_trial_component(
        TrialComponentName="co",
        Parameters={"depth": {"NumberValue": 3}},
        ParametersToRemove=["kind"],
        Status={"PrimaryStatus": "Completed", "Message": "done"},
    )
    metrics = server.client("sagemaker-metrics")
    data = [
        {"MetricName": "loss", "Step": step, "Value": value, "Timestamp": time.time()}
        for step, value in enumerate((0.5, 0.25, 0.75))
    ]
    assert metrics.batch_put_metrics(TrialComponentName="co", MetricData=data)["Errors"] == []
    one = sagemaker.describe_trial_component(TrialComponentName="co")
    assert one["Parameters"] == {"rate": {"NumberValue": 0.1}, "depth": {"NumberValue": 3}}
    assert one["Status"] == {"PrimaryStatus": "Completed", "Message": "done"}
    (loss,) = one["Metrics"]
    told = (loss["Min"], loss["Max"], loss["Last"], loss["Avg"], loss["Count"])
    assert told == (0.25, 0.75, 0.75, 0.5, 3)
    query = {
        "MetricName": "loss",
        "ResourceArn": one["TrialComponentArn"],
        "MetricStat": "Last",
        "Period": "IterationNumber",
        "XAxisType": "IterationNumber",
    }
    (result,) = metrics.batch_get_metrics(MetricQueries=[query])["MetricQueryResults"]
    assert (result["XAxisValues"], result["MetricValues"]) == ([0, 1, 2], [0.5, 0.25, 0.75])


def test_experiments_trials_and_components_are_listed_and_searched(
    sagemaker: Any, experiment: str
) -> None:
    named = [one["ExperimentName"] for one in sagemaker.list_experiments()["ExperimentSummaries"]]
    assert experiment in named
    for wanted in ({"ExperimentName": "ex"}, {"TrialComponentName": "co"}):
        trials = sagemaker.list_trials(**wanted)["TrialSummaries"]
        assert [one["TrialName"] for one in trials] == ["tr"]
    for wanted in ({"ExperimentName": "ex"}, {"TrialName": "tr"}):
        components = sagemaker.list_trial_components(**wanted)["TrialComponentSummaries"]
        assert [one["TrialComponentName"] for one in components] == ["co"]
    found = sagemaker.search(
        Resource="ExperimentTrialComponent",
        SearchExpression={
            "Filters": [
                {"Name": "TrialComponentName", "Operator": "Equals", "Value": "co"},
                {"Name": "Parents.TrialName", "Operator": "Equals", "Value": "tr"},
            ]
        },
    )["Results"]
    assert found[0]["TrialComponent"]["Parents"] == [{"TrialName": "tr", "ExperimentName": "ex"}]
    assert found[0]["TrialComponent"]["Parameters"]["rate"] == {"NumberValue": 0.1}


def test_what_is_not_there_and_what_is_there_twice(sagemaker: Any, experiment: str) -> None:
    with pytest.raises(ClientError) as refused:
        sagemaker.create_experiment(ExperimentName=experiment)
    assert refused.value.response["Error"]["Code"] == "ValidationException"
    assert "already exists" in words(refused), "the SDK looks for it"
    for act in (
        lambda: sagemaker.describe_experiment(ExperimentName="no"),
        lambda: sagemaker.create_trial(TrialName="t", ExperimentName="no"),
        lambda: sagemaker.describe_trial_component(TrialComponentName="no"),
    ):
        with pytest.raises(ClientError) as missing:
            act()
        assert missing.value.response["Error"]["Code"] == "ResourceNotFound"


def test_a_jobs_component_is_what_the_job_is(
    sagemaker: Any, server: House, experiment: str
) -> None:
    s3 = server.client("s3")
    s3.put_object(Bucket=BUCKET, Key="train/a.csv", Body=b"0,1\n1,2\n")

    settings = {"num_round": "1", "objective": "reg:squarederror"}

    def created(name: str, trial: str) -> None:
        sagemaker.create_training_job(
            **training(BUCKET, HyperParameters=settings, TrainingJobName=name),
            ExperimentConfig={"ExperimentName": experiment, "TrialName": trial},
        )

    with pytest.raises(ClientError, match="Trial 'nobody' does not exist"):
        created("never-made", "nobody")
    sagemaker.create_trial(TrialName="of-jobs", ExperimentName=experiment)
    created("in-a-trial", "of-jobs")
    (summary,) = sagemaker.list_trial_components(TrialName="of-jobs")["TrialComponentSummaries"]
    assert summary["TrialComponentName"] == "in-a-trial-aws-training-job"
    waiter = sagemaker.get_waiter("training_job_completed_or_stopped")
    waiter.wait(TrainingJobName="in-a-trial", WaiterConfig={"Delay": 1, "MaxAttempts": 60})
    one = sagemaker.describe_trial_component(TrialComponentName=summary["TrialComponentName"])
    assert one["Status"]["PrimaryStatus"] == "Completed"
    assert one["Source"]["SourceType"] == "SageMakerTrainingJob"
    assert one["Parameters"]["num_round"] == {"NumberValue": 1.0}
    assert one["Parameters"]["SageMaker.InstanceType"] == {"StringValue": "ml.m5.large"}
    assert one["InputArtifacts"]["train"]["Value"] == f"s3://{BUCKET}/train"
    assert one["EndTime"] >= one["StartTime"]
    found = sagemaker.search(
        Resource="TrainingJob",
        SearchExpression={
            "Filters": [
                {"Name": "TrainingJobName", "Operator": "Contains", "Value": "in-a"},
                {"Name": "HyperParameters.num_round", "Operator": "Equals", "Value": "1"},
            ],
            "NestedFilters": [
                {
                    "NestedPropertyName": "InputDataConfig",
                    "Filters": [
                        {
                            "Name": "InputDataConfig.DataSource.S3DataSource.S3Uri",
                            "Operator": "Contains",
                            "Value": f"{BUCKET}/train",
                        }
                    ],
                }
            ],
        },
    )["Results"]
    assert [each["TrainingJob"]["TrainingJobName"] for each in found] == ["in-a-trial"]
