"""The `flowmaker` command as a person types it."""

import json
import os
import signal
import socket
import stat
import time
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from flowmaker.server.serve import PATIENCE
from tests.house import House, flowmaker, house, start, stop


def test_up_prints_what_to_copy_and_down_stops_it(tmp_path: Path) -> None:
    shown = flowmaker("up", "--detach", "--port", "0", "--data", str(tmp_path)).stdout
    assert f'eval "$(flowmaker env --data {tmp_path})"' in shown
    assert flowmaker("status", "--data", str(tmp_path)).stdout.startswith("Flowmaker is ready at")

    assert "has stopped" in flowmaker("down", "--data", str(tmp_path)).stdout

    after = flowmaker("status", "--data", str(tmp_path), check=False)
    assert after.returncode == 1
    assert after.stderr.startswith(f"flowmaker: no server runs on {tmp_path}")


def test_a_folder_has_one_server(server: House) -> None:
    second = flowmaker("up", "--port", "0", "--data", str(server.data), check=False)
    assert second.returncode == 1
    assert f"{server.data} is served already, at {server.url}" in second.stderr


def test_a_taken_port_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        refused = flowmaker("up", "--detach", "--port", port, "--data", str(tmp_path), check=False)
    assert refused.returncode == 1
    assert f"cannot listen on 127.0.0.1 port {port}: Address already in use" in refused.stderr


def test_other_machines_are_not_let_in_without_a_token(tmp_path: Path) -> None:
    refused = flowmaker("up", "--host", "0.0.0.0", "--data", str(tmp_path), check=False)
    assert refused.returncode == 1
    assert "Set FLOWMAKER_TOKEN" in refused.stderr


@pytest.mark.parametrize("signalled", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_gracefully(tmp_path: Path, signalled: signal.Signals) -> None:
    running = start(tmp_path)
    os.kill(running.pid, signalled)
    deadline = time.monotonic() + 20
    while (tmp_path / "server.json").exists():
        assert time.monotonic() < deadline
    stop(tmp_path)
    assert "Traceback" not in (tmp_path / "server.log").read_text()


def test_what_goes_on_ends_with_the_server(tmp_path: Path) -> None:
    with house(tmp_path) as running:
        path = "/api/v1/namespaces/kubeflow/{}?watch=true"
        with ExitStack() as stack:
            watched = [
                stack.enter_context(
                    httpx.stream("GET", running.url + path.format(kind), timeout=30)
                )
                for kind in ("pods", "secrets")
            ]
            assert all(each.status_code == 200 for each in watched)
            begun = time.monotonic()
            flowmaker("down", "--data", str(tmp_path))
            assert time.monotonic() - begun < PATIENCE
            for each in watched:
                with pytest.raises(httpx.RemoteProtocolError):
                    each.read()


def test_secrets_are_their_owners_only(server: House) -> None:
    for name in ("credentials", "kubeconfig", "worker.key", "browser.key"):
        mode = stat.S_IMODE((server.data / name).stat().st_mode)
        assert mode == 0o600, f"{name} has {mode:o}"
    assert stat.S_IMODE(server.data.stat().st_mode) == 0o700


def test_credentials_stay_the_same_over_a_restart(tmp_path: Path) -> None:
    with house(tmp_path) as first:
        before = dict(first.environment)
    with house(tmp_path) as second:
        keys = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")
        assert [second.environment[k] for k in keys] == [before[k] for k in keys]


def test_env_is_understood_by_a_shell(server: House) -> None:
    shown = flowmaker("env", "--data", str(server.data)).stdout
    echoed = server.run("sh", "-c", f'{shown}\necho "$KF_PIPELINES_ENDPOINT $AWS_REGION"')
    assert echoed == f"{server.url} us-east-1\n"


def executed(server: House, program: str) -> list[str]:
    """The lines that a Python program prints under `flowmaker exec`."""
    command = ("flowmaker", "exec", "--data", str(server.data), "--")
    return server.run(*command, "python", "-c", program).splitlines()


def test_exec_catches_what_sdks_hard_code(server: House) -> None:
    """SageMaker's SDK asks https://sts.<region>.amazonaws.com, whatever the environment says."""
    program = (
        "import sagemaker; session = sagemaker.Session();"
        "print(session.default_bucket()); print(sagemaker.get_execution_role(session))"
    )
    shown = executed(server, program)
    assert shown[-2:] == [
        "sagemaker-us-east-1-000000000000",
        "arn:aws:iam::000000000000:role/FlowmakerAdmin",
    ]


def test_exec_reaches_s3_control_whose_hosts_begin_with_the_account(server: House) -> None:
    server.client("s3").create_bucket(Bucket="tagged-by-arn")
    program = (
        "import boto3; "
        "control = boto3.client('s3control'); "
        "bucket = dict(AccountId='000000000000', ResourceArn='arn:aws:s3:::tagged-by-arn'); "
        "control.tag_resource(**bucket, Tags=[dict(Key='a', Value='b')]); "
        "print(control.list_tags_for_resource(**bucket)['Tags'])"
    )
    shown = executed(server, program)
    assert shown[-1] == "[{'Key': 'a', 'Value': 'b'}]"


def test_an_image_that_was_added_is_in_ecr(server: House, tmp_path: Path) -> None:
    """By the host of ECR, too, which `flowmaker exec` leads to the server."""
    (tmp_path / "train").write_text("x")
    uri = "000000000000.dkr.ecr.us-east-1.amazonaws.com/added:1"
    flowmaker("image", "add", uri, "--source", str(tmp_path), "--data", str(server.data))
    program = (
        "import boto3; "
        "ecr = boto3.client('ecr', endpoint_url='https://api.ecr.us-east-1.amazonaws.com'); "
        "(image,) = ecr.describe_images(repositoryName='added')['imageDetails']; "
        "print(image['imageTags'])"
    )
    shown = executed(server, program)
    assert shown[-1] == "['1']"
    shown = server.run("aws", "ecr", "list-images", "--repository-name", "added")
    assert json.loads(shown)["imageIds"][0]["imageTag"] == "1"


def test_exec_returns_the_commands_exit_code(server: House) -> None:
    done = flowmaker("exec", "--data", str(server.data), "--", "sh", "-c", "exit 7", check=False)
    assert done.returncode == 7


@pytest.mark.parametrize(
    ("headers", "words"),
    [
        ({"Host": "evil.example"}, "is not this server"),
        ({"Origin": "https://evil.example"}, "may not ask this server"),
    ],
)
def test_web_pages_cannot_reach_it(server: House, headers: dict[str, str], words: str) -> None:
    for path in ("/apis/v2beta1/healthz", "/api/v1/namespaces", "/"):
        answer = httpx.get(server.url + path, headers=headers)
        assert answer.status_code == 403
        assert words in answer.json()["message"]


def test_a_page_for_people(server: House) -> None:
    answer = httpx.get(server.url)
    assert answer.status_code == 200
    assert "flowmaker env" in answer.text
    assert "default-src 'none'" in answer.headers["content-security-policy"]


def test_other_machines_browsers_sign_in_with_the_link(
    data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOWMAKER_TOKEN", "sixteen-characters")
    with house(data, "--host", "0.0.0.0") as server, httpx.Client(base_url=server.url) as browser:
        assert browser.get("/").status_code == 401
        assert browser.get("/ui/sign-in?key=guessed").status_code == 403
        link = flowmaker("open", "--print", "--data", str(data)).stdout.strip()
        assert browser.get(link).status_code == 303
        assert browser.get("/").status_code == 200
        assert browser.get("/apis/v2beta1/runs").status_code == 200
