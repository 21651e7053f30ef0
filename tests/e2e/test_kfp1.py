"""Programs written for KFP 1 run unchanged under `flowmaker exec --kfp1`."""

import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import boto3
import numpy as np
import pytest

from tests.fakes.published import PROGRAMS, component_yaml
from tests.house import FLOWMAKER, House, client_environment

ROLE = "arn:aws:iam::000000000000:role/FlowmakerAdmin"
BUCKET = "kfp1-sagemaker-data"
TUTORIAL = Path(__file__).with_name("kfp1_tutorial.py")


def run_kfp1(server: House, folder: Path, script: Path, *arguments: str) -> str:
    """What the script printed; it must succeed."""
    environment = client_environment(server.data)
    done = subprocess.run(
        [
            *(*FLOWMAKER, "exec", "--kfp1", "--data", str(server.data), "--"),
            *(sys.executable, "-W", "ignore", str(script), *arguments),
        ],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.fixture
def aws(server: House, monkeypatch: pytest.MonkeyPatch) -> Iterator[boto3.Session]:
    """A client of the server; a bucket, and the secret `aws-secret` with a user's key."""
    keys = {name.lower(): value for name, value in server.environment.items() if "AWS_" in name}
    session = boto3.Session(
        keys["aws_access_key_id"],
        keys["aws_secret_access_key"],
        keys.get("aws_session_token"),
        region_name="us-west-2",
    )
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    iam = session.client("iam")
    iam.create_user(UserName="kfp1")
    iam.attach_user_policy(
        UserName="kfp1", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    )
    key = iam.create_access_key(UserName="kfp1")["AccessKey"]
    server.run("kubectl", "delete", "secret", "aws-secret", "-n", "kubeflow", "--ignore-not-found")
    server.run(
        *("kubectl", "create", "secret", "generic", "aws-secret", "-n", "kubeflow"),
        f"--from-literal=AWS_ACCESS_KEY_ID={key['AccessKeyId']}",
        f"--from-literal=AWS_SECRET_ACCESS_KEY={key['SecretAccessKey']}",
    )
    session.client("s3").create_bucket(
        Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "us-west-2"}
    )
    yield session
    server.run("aws", "s3", "rb", f"s3://{BUCKET}", "--force")
    server.run("kubectl", "delete", "secret", "aws-secret", "-n", "kubeflow")
    iam.delete_access_key(UserName="kfp1", AccessKeyId=key["AccessKeyId"])
    iam.detach_user_policy(
        UserName="kfp1", PolicyArn="arn:aws:iam::aws:policy/AmazonSageMakerFullAccess"
    )
    iam.delete_user(UserName="kfp1")


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_kmeans_tutorial_as_it_was_published(
    server: House, aws: boto3.Session, tmp_path: Path
) -> None:
    """From a `.zip` package and `.apply(use_aws_secret(…))` to an endpoint that answers."""
    for script, program in PROGRAMS.items():
        folder = script.partition("/")[0]
        (tmp_path / f"{folder}.yaml").write_text(component_yaml(script, program))
    points = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat([[0], [20]], 30, axis=0)
    text = io.StringIO()
    np.savetxt(text, points, delimiter=",", fmt="%g")
    for folder in ("data", "input"):
        aws.client("s3").put_object(
            Bucket=BUCKET, Key=f"{folder}/valid.csv", Body=text.getvalue().encode()
        )

    printed = run_kfp1(server, tmp_path, TUTORIAL, str(tmp_path), BUCKET, ROLE)

    assert printed.splitlines()[-1] == "Succeeded"
    output = aws.client("s3").get_object(Bucket=BUCKET, Key="output/valid.csv.out")["Body"].read()
    rows = [json.loads(line) for line in output.splitlines()]
    predictions = [each for row in rows for each in row.get("predictions", [row])]
    clusters = [each["closest_cluster"] for each in predictions]
    assert len(clusters) == len(points)
    assert len(set(clusters[:30])) == len(set(clusters[30:])) == 1
    sagemaker = aws.client("sagemaker")
    endpoint = sagemaker.list_endpoints(SortBy="CreationTime", SortOrder="Descending")["Endpoints"][
        0
    ]
    reply = aws.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint["EndpointName"], ContentType="text/csv", Body="20,20,20"
    )
    (prediction,) = json.load(reply["Body"])["predictions"]
    assert prediction["closest_cluster"] == clusters[-1]
    sagemaker.delete_endpoint(EndpointName=endpoint["EndpointName"])


def test_functions_and_values_are_what_they_were(server: House, tmp_path: Path) -> None:
    """Untyped parameters, values that are strings, conditions, loops and `.output`."""
    script = tmp_path / "old.py"
    script.write_text("""
import kfp
from kfp import dsl
from kfp.components import InputPath, OutputPath, create_component_from_func, func_to_container_op

def add(a, b: int) -> int:
    return int(a) + b

def write(text, data_path: OutputPath()):
    with open(data_path, "w") as file:
        file.write("it is " + text)

def note(data_path: InputPath(), item):
    with open(data_path) as file:
        print("note:", file.read() + repr(item))

add_op = func_to_container_op(add)
write_op = create_component_from_func(write)
note_op = create_component_from_func(note)

@dsl.pipeline(name="Old one", description="As it was.")
def old(a="3", b=4):
    total = add_op(a, b)
    with dsl.Condition(total.output == "7"):
        written = write_op(total.output).after(total)
        with dsl.ParallelFor([1, 2]) as item:
            note_op(written.output, item)
    with dsl.Condition(total.output == "8"):
        note_op(write_op("never").output, "never")

client = kfp.Client()
made = client.create_run_from_pipeline_func(old, arguments={"b": 4})
print(made.wait_for_run_completion(60).run.status)
""")
    printed = run_kfp1(server, tmp_path, script)
    assert printed.splitlines()[-1] == "Succeeded"
    logs = [each.read_text() for each in server.data.glob("jobs/*/log")]
    notes = [line for log in logs for line in log.splitlines() if line.startswith("note:")]
    assert sorted(notes) == ["note: it is 7'1'", "note: it is 7'2'"]


def test_functions_get_open_files_and_inputs_of_any_name(server: House, tmp_path: Path) -> None:
    """`InputTextFile` and its like; `in_path` is the input `in`, which is a word of Python."""
    script = tmp_path / "files.py"
    script.write_text("""
import kfp
from kfp import dsl
from kfp.components import InputBinaryFile, InputPath, InputTextFile, func_to_container_op
from kfp.components import OutputBinaryFile, OutputTextFile

@func_to_container_op
def split(source_file: InputTextFile(str), odd_file: OutputTextFile(), even_file: OutputTextFile):
    for number, line in enumerate(source_file):
        (even_file if number % 2 else odd_file).write(line)

@func_to_container_op
def pack(source_file: InputBinaryFile("Lines"), packed_file: OutputBinaryFile("Packed")):
    packed_file.write(source_file.read().replace(b"\\n", b","))

@func_to_container_op
def tell(in_path: InputPath()):
    with open(in_path) as file:
        print("halves:", file.read())

@dsl.pipeline(name="files")
def files():
    halves = split("a\\nb\\nc\\n")
    tell(pack(halves.outputs["odd"]).output)
    tell(in_=pack(halves.outputs["even"]).output)

client = kfp.Client()
made = client.create_run_from_pipeline_func(files, arguments={})
print(made.wait_for_run_completion(60).run.status)
""")
    printed = run_kfp1(server, tmp_path, script)
    assert printed.splitlines()[-1] == "Succeeded"
    logs = [each.read_text() for each in server.data.glob("jobs/*/log")]
    told = [line for log in logs for line in log.splitlines() if line.startswith("halves:")]
    assert sorted(told) == ["halves: a,c,", "halves: b,"]


def test_what_cannot_be_had_is_refused_by_name(server: House, tmp_path: Path) -> None:
    script = tmp_path / "refused.py"
    script.write_text("""
from kfp import dsl
for name in ("VolumeOp", "ResourceOp", "Sidecar"):
    try:
        getattr(dsl, name)()
    except NotImplementedError as error:
        print(error)
""")
    lines = run_kfp1(server, tmp_path, script).splitlines()
    assert [line.split(" of KFP 1")[0] for line in lines] == [
        "dsl.VolumeOp",
        "dsl.ResourceOp",
        "dsl.Sidecar",
    ]


def test_container_ops_and_what_is_said_of_them(server: House, tmp_path: Path) -> None:
    """`dsl.ContainerOp` with file_outputs, variables, retries, exit handlers, transformers."""
    script = tmp_path / "ops.py"
    script.write_text("""
import kfp
from kfp import dsl
from kubernetes.client import V1EnvVar

def echo(text, name="echo"):
    return dsl.ContainerOp(
        name=name,
        image="python:3.11",
        command=["sh", "-c"],
        arguments=["echo op: %s $GREETING; printf '%s' > /tmp/out.txt" % (text, text)],
        file_outputs={"said": "/tmp/out.txt"},
    )

def transform(task):
    task.add_env_variable(V1EnvVar("GREETING", "hello"))

@dsl.pipeline(name="ops")
def ops(word="one"):
    with dsl.ExitHandler(echo("the end", "leave")):
        first = echo(word).set_memory_limit("100M").set_retry(2)
        first.execution_options.caching_strategy.max_cache_staleness = "P0D"
        echo("after %s" % first.outputs["said"], "second").after(first)
    dsl.get_pipeline_conf().add_op_transformer(transform)

client = kfp.Client()
kfp.compiler.Compiler().compile(ops, "ops.tar.gz")
pipeline = client.upload_pipeline("ops.tar.gz", pipeline_name="ops of KFP 1")
experiment = client.create_experiment("ops of KFP 1")
run = client.run_pipeline(experiment.id, "ops", pipeline_id=pipeline.id, params={"word": 7})
print(client.wait_for_run_completion(run.id, 60).run.status)
""")
    printed = run_kfp1(server, tmp_path, script)
    assert printed.splitlines()[-1] == "Succeeded"
    logs = [each.read_text() for each in server.data.glob("jobs/*/log")]
    said = [line for log in logs for line in log.splitlines() if line.startswith("op:")]
    assert sorted(said) == ["op: 7 hello", "op: after 7 hello", "op: the end hello"]


def test_an_untyped_component_with_file_outputs(server: House, tmp_path: Path) -> None:
    """As the early SageMaker components were: no types, and outputs in files below /tmp."""
    (tmp_path / "train.yaml").write_text("""
name: train
inputs:
- {name: Job Prefix}
- {name: channels, description: a list}
- {name: spot, default: 'False'}
- {name: never, optional: true}
outputs:
- {name: job name}
- {name: model_url}
implementation:
  container:
    image: python:3.11
    command: [python3, -c]
    args:
    - |
      import json, sys
      prefix, channels, spot, rest = sys.argv[1], json.loads(sys.argv[2]), sys.argv[3], sys.argv[4:]
      assert (channels, spot, rest) == (["a", 1], "False", []), sys.argv
      open("/tmp/job_name.txt", "w").write(prefix + "-1")
      open("/tmp/model_url.txt", "w").write("s3://bucket/" + prefix)
    - {inputValue: Job Prefix}
    - {inputValue: channels}
    - {inputValue: spot}
    - if:
        cond: {isPresent: never}
        then: [--never, {inputValue: never}]
    fileOutputs:
      job name: /tmp/job_name.txt
      model_url: /tmp/model_url.txt
""")
    (tmp_path / "tell.yaml").write_text("""
name: tell
inputs: [{name: a}, {name: b}]
implementation:
  container:
    image: python:3.11
    command: [python3, -c, "import sys; print('told:', *sys.argv[1:])"]
    args: [{inputValue: a}, {inputValue: b}]
""")
    script = tmp_path / "early.py"
    script.write_text("""
import kfp
from kfp import components, dsl

train_op = components.load_component_from_file("train.yaml")
tell_op = components.load_component_from_file("tell.yaml")

@dsl.pipeline(name="Early")
def early(prefix="job", channels=["a", 1]):
    trained = train_op(prefix, channels)
    tell_op(trained.outputs["job name"], trained.outputs["model_url"])

client = kfp.Client()
made = client.create_run_from_pipeline_func(early, arguments={"prefix": "mine"})
print(made.wait_for_run_completion(60).run.status)
""")
    printed = run_kfp1(server, tmp_path, script)
    assert printed.splitlines()[-1] == "Succeeded"
    logs = [each.read_text() for each in server.data.glob("jobs/*/log")]
    told = [line for log in logs for line in log.splitlines() if line.startswith("told:")]
    assert told == ["told: mine-1 s3://bucket/mine"]
