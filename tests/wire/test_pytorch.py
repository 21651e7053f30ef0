"""PyTorch's images: torch.distributed over gloo on two instances, and serving of TorchScript."""

import json
from typing import Any

import pytest

from tests.house import House
from tests.training import ROLE
from tests.wire.test_sagemaker import Clients, until
from tests.wire.test_script_mode import archive, asked, output, served

BUCKET = "pytorch"
HOST = "763104351884.dkr.ecr.us-east-1.amazonaws.com"
TRAINING = f"{HOST}/pytorch-training:2.6-cpu-py312"
INFERENCE = f"{HOST}/pytorch-inference:2.6-cpu-py312"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]

#: As PyTorch's own examples: each rank has other data, all end with the same model.
SCRIPT = """
import json, os
import torch
import torch.distributed as dist
from torch.nn.parallel import DistributedDataParallel

hosts, host = json.loads(os.environ["SM_HOSTS"]), os.environ["SM_CURRENT_HOST"]
if "RANK" not in os.environ:  # not by torchrun
    os.environ |= {"RANK": str(hosts.index(host)), "WORLD_SIZE": str(len(hosts))}
dist.init_process_group("gloo")
rank = dist.get_rank()
if os.environ.get("SM_HP_LOSE") == "true" and rank == 1:
    os._exit(7)
total = torch.tensor([float(rank + 1)])
dist.all_reduce(total)
torch.manual_seed(0)
model = DistributedDataParallel(torch.nn.Linear(2, 1))
optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
x = torch.rand(64, 2, generator=torch.Generator().manual_seed(rank))
y = x.sum(dim=1, keepdim=True)
for _ in range(300):
    optimizer.zero_grad()
    loss = torch.nn.functional.mse_loss(model(x), y)
    loss.backward()
    optimizer.step()
print(f"rank {rank} of {dist.get_world_size()} sum {total.item()} loss={loss.item():.6f}")
if rank == 0:
    torch.jit.script(model.module).save(os.path.join(os.environ["SM_MODEL_DIR"], "model.pt"))
dist.destroy_process_group()
"""


@pytest.fixture(scope="module")
def aws(server: House) -> Clients:
    clients = Clients(server.environment)
    clients.s3.create_bucket(Bucket=BUCKET)
    return clients


def trained(aws: Clients, name: str, **hyperparameters: Any) -> Any:
    """A job of two instances when it has ended; skips where PyTorch cannot be installed."""
    key = f"{name}/source.tar.gz"
    aws.s3.put_object(Bucket=BUCKET, Key=key, Body=archive({"train.py": SCRIPT}))
    settings = {
        "sagemaker_submit_directory": f"s3://{BUCKET}/{key}",
        "sagemaker_program": "train.py",
        **hyperparameters,
    }
    aws.sagemaker.create_training_job(
        TrainingJobName=name,
        AlgorithmSpecification={"TrainingImage": TRAINING, "TrainingInputMode": "File"},
        RoleArn=ROLE,
        OutputDataConfig={"S3OutputPath": f"s3://{BUCKET}/out"},
        ResourceConfig={"InstanceType": "ml.m5.large", "InstanceCount": 2, "VolumeSizeInGB": 1},
        StoppingCondition={"MaxRuntimeInSeconds": 600},
        HyperParameters={name: json.dumps(value) for name, value in settings.items()},
    )
    job = until(
        lambda: aws.sagemaker.describe_training_job(TrainingJobName=name),
        lambda one: one["TrainingJobStatus"] in {"Completed", "Failed"},
        400,
    )
    if "cannot install torch" in job.get("FailureReason", ""):
        pytest.skip(f"PyTorch for CPUs cannot be installed here: {job['FailureReason'][:300]}")
    return job


def printed(aws: Clients, name: str) -> str:
    group = "/aws/sagemaker/TrainingJobs"
    events = aws.logs.filter_log_events(logGroupName=group, logStreamNamePrefix=f"{name}/")
    return "\n".join(f"{one['logStreamName']}: {one['message']}" for one in events["events"])


def check_completed(aws: Clients, job: Any) -> None:
    """Fail with all that the instances said: which of them was the first to fail is in there."""
    if job["TrainingJobStatus"] != "Completed":
        said = printed(aws, job["TrainingJobName"])
        pytest.fail(f"{job['FailureReason']}\n\n{said}", pytrace=False)


@pytest.fixture(scope="module")
def together(aws: Clients) -> Any:
    return trained(aws, "together")


def test_two_instances_train_one_model(aws: Clients, together: Any) -> None:
    check_completed(aws, together)
    said = printed(aws, "together")
    assert "rank 0 of 2 sum 3.0" in said
    assert "rank 1 of 2 sum 3.0" in said
    assert output(aws, "together", "model.tar.gz", "model.pt", BUCKET)


def test_torchrun_is_the_launcher_where_the_sdk_asks_for_it(aws: Clients, together: Any) -> None:
    job = trained(aws, "torchrun", sagemaker_torch_distributed_enabled=True)
    check_completed(aws, job)
    assert "rank 1 of 2 sum 3.0" in printed(aws, "torchrun")


def test_a_lost_instance_fails_the_job(aws: Clients, together: Any) -> None:
    job = trained(aws, "lost", lose=True)
    assert job["TrainingJobStatus"] == "Failed"
    assert "ExecuteUserScriptError" in job["FailureReason"]


def test_torchscript_is_served_without_a_script(aws: Clients, together: Any) -> None:
    place = together["ModelArtifacts"]["S3ModelArtifacts"]
    container = {"Image": INFERENCE, "ModelDataUrl": place}
    with served(aws, "torchscript", container) as name:
        body = json.dumps([[0.5, 0.25], [0.0, 0.0]]).encode()
        answer = asked(aws, name, body, ContentType="application/json")
        (first,), (second,) = json.loads(answer["Body"].read())
        assert first == pytest.approx(0.75, abs=0.1)
        assert second == pytest.approx(0.0, abs=0.1)
