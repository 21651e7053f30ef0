"""SageMaker Pipelines through the SDK v2, unchanged, and as its roles' permissions allow."""

import json
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.house import House, flowmaker
from tests.training import IMAGE
from tests.wire.test_sagemaker import Clients, until

SCRIPT = Path(__file__).with_name("sagemaker_pipeline_script.py")
FUNCTIONS = Path(__file__).with_name("sagemaker_step_script.py")

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def seen(server: House, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    _, seen = server.run_script(SCRIPT, tmp_path_factory.mktemp("sdk"))
    return seen


def test_a_pipeline_with_tuning_and_repacking(seen: dict[str, Any]) -> None:
    whole = seen["whole"]
    names = (
        "Tree",
        "Tune",
        "Check",
        "Best-CreateModel",
        "Keep-RepackModel-0",
        "Keep-RegisterModel",
    )
    assert whole["steps"] == dict.fromkeys(names, "Succeeded")
    assert whole["described"] == "second"
    assert whole["name"] == "deep"
    assert whole["parameters"] == {"Depth": "3"}
    assert whole["depth"] == "3"
    assert {"model.joblib", "code/train.py"} <= set(whole["packed"])


def test_selected_steps_run_alone(seen: dict[str, Any]) -> None:
    assert seen["whole"]["executions"] == 2
    # The SDK writes the time into the definition: each upsert is a version of its own.
    assert seen["whole"]["version"] == 2
    assert seen["whole"]["chosen"] == {"Best-CreateModel": False, "Tune": True}


def test_an_execution_is_stopped_and_its_pipeline_deleted(seen: dict[str, Any]) -> None:
    assert seen["stopped"] == {"status": "Stopped", "job stopped": True, "left": []}


def test_jobs_are_called_as_their_pipeline_asks(seen: dict[str, Any]) -> None:
    beginning, number, suffix = seen["prefixed"].rsplit("-", 2)
    assert (beginning, number, len(suffix)) == ("trees", "ID", 10)


def test_an_endpoint_serves_what_a_pipeline_has_trained(seen: dict[str, Any]) -> None:
    serves = seen["serves"]
    names = ("Train", "Make-CreateModel", "Configure", "Serve")
    assert serves["steps"] == dict.fromkeys(names, "Succeeded")
    first, second = serves["configs"]
    assert first != second
    assert first.startswith("serves-")
    assert 0 <= serves["score"] <= 1


def test_functions_are_steps(server: House, tmp_path: Path) -> None:
    listed = tmp_path / "requirements.txt"
    listed.write_text(f"sagemaker=={version('sagemaker')}\n")
    options = ("--requirements", str(listed), "--data", str(server.data))
    flowmaker("image", "add", "functions:1", *options)
    _, seen = server.run_script(FUNCTIONS, tmp_path)
    assert seen["steps"] == {"Double": "Succeeded", "Add": "Succeeded"}
    assert seen["results"] == [{"twice": 42}, 43]


def test_steps_may_what_the_execution_role_may(server: House) -> None:
    aws, bucket = Clients(server.environment), "pipelines-wire"
    aws.s3.create_bucket(Bucket=bucket)
    aws.s3.put_object(Bucket=bucket, Key="model.tar.gz", Body=b"a model")
    iam = server.client("iam")
    trust = {"Effect": "Allow", "Action": "sts:AssumeRole"}
    trust |= {"Principal": {"Service": "sagemaker.amazonaws.com"}}
    role = iam.create_role(RoleName="Steps", AssumeRolePolicyDocument=_policy(trust))["Role"]
    container = {"Image": IMAGE, "ModelDataUrl": f"s3://{bucket}/model.tar.gz"}
    # A step that names no role has the execution's.
    step = {"Name": "Make", "Type": "Model", "Arguments": {"PrimaryContainer": container}}
    definition = json.dumps({"Version": "2020-12-01", "Steps": [step]})
    made = {"PipelineName": "allowed", "PipelineDefinition": definition, "RoleArn": role["Arn"]}

    starter = _user(server, "sagemaker:CreatePipeline", "sagemaker:StartPipelineExecution")
    with pytest.raises(ClientError, match="iam:PassRole"):
        starter.create_pipeline(**made)
    aws.sagemaker.create_pipeline(**made)
    with pytest.raises(ClientError, match="iam:PassRole"):
        starter.start_pipeline_execution(PipelineName="allowed", RoleArn=role["Arn"])
    # Its role goes with a pipeline: who may start it need not be allowed to pass that.
    arn = starter.start_pipeline_execution(PipelineName="allowed")["PipelineExecutionArn"]

    assert _ended(aws, arn) == "Failed"
    reason = _step(aws, arn)["FailureReason"]
    assert "Failed to invoke sagemaker:CreateModel. Error Details: User: arn:aws:sts::" in reason
    assert "is not authorized to perform: sagemaker:CreateModel" in reason

    allowed = {
        "Effect": "Allow",
        "Action": [
            "sagemaker:CreateModel",
            "sagemaker:DescribeModel",
            "sagemaker:AddTags",
            "iam:PassRole",
        ],
        "Resource": "*",
    }
    iam.put_role_policy(RoleName="Steps", PolicyName="may", PolicyDocument=_policy(allowed))
    aws.sagemaker.retry_pipeline_execution(PipelineExecutionArn=arn)
    assert _ended(aws, arn) == "Succeeded", _step(aws, arn)
    aws.sagemaker.delete_pipeline(PipelineName="allowed")


def _policy(statement: dict[str, Any]) -> str:
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def _user(server: House, *actions: str) -> Any:
    """SageMaker as a user has it who may do no more."""
    iam = server.client("iam")
    iam.create_user(UserName="starter")
    statement = {"Effect": "Allow", "Action": list(actions), "Resource": "*"}
    iam.put_user_policy(UserName="starter", PolicyName="may", PolicyDocument=_policy(statement))
    key = iam.create_access_key(UserName="starter")["AccessKey"]
    return server.by(key).client("sagemaker")


def _ended(aws: Clients, arn: str) -> str:
    execution = until(
        lambda: aws.sagemaker.describe_pipeline_execution(PipelineExecutionArn=arn),
        lambda one: one["PipelineExecutionStatus"] != "Executing",
    )
    return execution["PipelineExecutionStatus"]


def _step(aws: Clients, arn: str) -> Any:
    found = aws.sagemaker.list_pipeline_execution_steps(PipelineExecutionArn=arn)
    return found["PipelineExecutionSteps"][0]
