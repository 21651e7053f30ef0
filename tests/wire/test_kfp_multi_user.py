"""KFP with several users: what kfp.Client gets in its own namespace, in another's, and in none."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import kfp
import pytest
from kfp import dsl, kubernetes
from kfp_server_api import ApiException

from tests.house import FLOWMAKER, House, flowmaker, sharing, start, stop

WORDS = {"alice": "alpha", "bob": "beta"}


@dsl.component(base_image="python:3.11")
def tell(seen: dsl.OutputPath(str)):  # type: ignore[valid-type]
    import os

    with open(seen, "w") as file:
        file.write(f"{os.environ['WORD']} in {os.environ['NAMESPACE']}")


@dsl.pipeline(name="word")
def word():
    told = tell()
    told.set_caching_options(False)
    kubernetes.use_secret_as_env(told, secret_name="words", secret_key_to_env={"word": "WORD"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    """A server of two users, who have a namespace and a secret each."""
    data = sharing(tmp_path_factory.mktemp("several") / "data", environments)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HOME", str(tmp_path_factory.mktemp("home")))
        try:
            made = start(data, "--multi-user")
            for user, secret in WORDS.items():
                made.run("kubectl", "create", "namespace", user)
                made.run("kubectl", "annotate", "namespace", user, f"owner={user}")
                words = f"--from-literal=word={secret}"
                made.run("kubectl", "create", "secret", "generic", "words", words, "-n", user)
            yield made
        finally:
            stop(data)


def client_of(server: House, user: str) -> kfp.Client:
    """As Kubeflow's gateway passes the requests of a user on, working in their namespace."""
    client = kfp.Client(host=server.url, namespace=user)
    for service in (client.runs, client.experiments, client.pipelines, client.recurring_runs):
        service.api_client.set_default_header("kubeflow-userid", user)
    uploads = client._upload_api.api_client
    uploads.set_default_header("kubeflow-userid", user)
    client.set_user_namespace(user)
    return client


@pytest.fixture(scope="module")
def alice(server: House) -> kfp.Client:
    return client_of(server, "alice")


@pytest.fixture(scope="module")
def bob(server: House) -> kfp.Client:
    return client_of(server, "bob")


def refused(error: pytest.ExceptionInfo[ApiException], status: int, code: int) -> str:
    assert error.value.status == status, error.value.body
    said = json.loads(error.value.body)
    assert said["code"] == code
    return said["message"]


def test_health_says_that_there_are_several_users(alice: kfp.Client) -> None:
    assert alice.get_kfp_healthz().multi_user is True
    assert alice.get_user_namespace() == "alice"


def test_a_run_sees_the_secrets_of_its_namespace(
    alice: kfp.Client, bob: kfp.Client, server: House
) -> None:
    for client, secret in ((alice, "alpha"), (bob, "beta")):
        namespace = client.get_user_namespace()
        made = client.create_run_from_pipeline_func(word, arguments={})
        done = client.wait_for_run_completion(made.run_id, timeout=120, sleep_duration=0.2)
        assert done.state == "SUCCEEDED", done.error
        tasks = httpx.get(
            f"{server.url}/apis/v2beta1/runs/{made.run_id}",
            headers={"kubeflow-userid": namespace},
        ).json()["run_details"]["task_details"]
        (told,) = [task for task in tasks if task["display_name"] == "tell"]
        assert told["output_parameters"] == {"seen": f"{secret} in {namespace}"}
        experiment = client.get_experiment(experiment_name="Default")
        assert experiment.namespace == namespace
        assert experiment.experiment_id == done.experiment_id


def test_lists_hold_what_is_in_the_namespace(alice: kfp.Client, bob: kfp.Client) -> None:
    for client in (alice, bob):
        made = client.create_experiment("trials")
        assert made.namespace == client.get_user_namespace()
        listed = client.list_experiments(namespace=made.namespace).experiments
        assert {each.namespace for each in listed} == {made.namespace}
        run = client.run_pipeline(made.experiment_id, "one", _package(word))
        runs = client.list_runs(namespace=made.namespace).runs
        assert run.run_id in [each.run_id for each in runs]
        within = client.list_runs(experiment_id=made.experiment_id).runs
        assert [each.run_id for each in within] == [run.run_id]
    own = {each.run_id for each in alice.list_runs(namespace="alice").runs}
    others = {each.run_id for each in bob.list_runs(namespace="bob").runs}
    assert own
    assert others
    assert not own & others


def test_what_is_anothers_is_refused(alice: kfp.Client, bob: kfp.Client, server: House) -> None:
    experiment = alice.create_experiment("private")
    run = alice.run_pipeline(experiment.experiment_id, "one", _package(word))
    pipeline = alice.upload_pipeline(_package(word), "private", namespace="alice")
    version = alice.list_pipeline_versions(pipeline.pipeline_id).pipeline_versions[0]
    recurring = alice.create_recurring_run(
        experiment.experiment_id, "nightly", cron_expression="0 0 3 * * *",
        pipeline_package_path=_package(word), enabled=False,
    )  # fmt: skip
    assert recurring.namespace == "alice"
    own = bob.create_experiment("own")
    calls = {
        "get_experiment": lambda: bob.get_experiment(experiment.experiment_id),
        "archive_experiment": lambda: bob.archive_experiment(experiment.experiment_id),
        "delete_experiment": lambda: bob.delete_experiment(experiment.experiment_id),
        "create_experiment": lambda: bob.create_experiment("mine", namespace="alice"),
        "get_run": lambda: bob.get_run(run.run_id),
        "terminate_run": lambda: bob.terminate_run(run.run_id),
        "archive_run": lambda: bob.archive_run(run.run_id),
        "delete_run": lambda: bob.delete_run(run.run_id),
        "list_runs": lambda: bob.list_runs(namespace="alice"),
        "list_runs of an experiment": lambda: bob.list_runs(experiment_id=experiment.experiment_id),
        "run_pipeline": lambda: bob.run_pipeline(experiment.experiment_id, "x", _package(word)),
        "run of a pipeline": lambda: bob.run_pipeline(
            own.experiment_id, "x", pipeline_id=pipeline.pipeline_id,
            version_id=version.pipeline_version_id,
        ),
        "get_pipeline": lambda: bob.get_pipeline(pipeline.pipeline_id),
        "delete_pipeline": lambda: bob.delete_pipeline(pipeline.pipeline_id),
        "list_pipelines": lambda: bob.list_pipelines(namespace="alice"),
        "upload_pipeline": lambda: bob.upload_pipeline(_package(word), "x", namespace="alice"),
        "upload_version": lambda: bob.upload_pipeline_version(
            _package(word), "two", pipeline_id=pipeline.pipeline_id
        ),
        "list_versions": lambda: bob.list_pipeline_versions(pipeline.pipeline_id),
        "get_recurring_run": lambda: bob.get_recurring_run(recurring.recurring_run_id),
        "enable_recurring_run": lambda: bob.enable_recurring_run(recurring.recurring_run_id),
        "list_recurring_runs": lambda: bob.list_recurring_runs(namespace="alice"),
    }  # fmt: skip
    for name, call in calls.items():
        with pytest.raises(ApiException) as error:
            call()
        assert error.value.status == 403, (name, error.value.body)
        assert "User 'bob' is not authorized with reason: " in error.value.body, name
    log = f"{server.url}/apis/v1alpha1/runs/{run.run_id}/nodes/tell/log"
    assert httpx.get(log, headers={"kubeflow-userid": "bob"}).status_code == 403
    assert httpx.get(log).status_code == 401
    debug = f"{server.url}/flowmaker/v1/runs/{run.run_id}/nodes/tell:debug"
    assert httpx.post(debug, headers={"kubeflow-userid": "bob"}).status_code == 403
    assert alice.get_run(run.run_id).run_id == run.run_id


def test_a_pipeline_without_a_namespace_is_shared(
    alice: kfp.Client, bob: kfp.Client, server: House
) -> None:
    alice.set_user_namespace("")
    shared = alice.upload_pipeline(_package(word), "shared")
    alice.set_user_namespace("alice")
    private = alice.upload_pipeline(_package(word), "shared", namespace="alice")
    assert (shared.namespace, private.namespace) == (None, "alice")
    assert bob.get_pipeline(shared.pipeline_id).display_name == "shared"
    version = bob.list_pipeline_versions(shared.pipeline_id).pipeline_versions[0]
    own = bob.create_experiment("of the shared")
    run = bob.run_pipeline(
        own.experiment_id, "one", pipeline_id=shared.pipeline_id,
        version_id=version.pipeline_version_id,
    )  # fmt: skip
    assert run.pipeline_version_reference.pipeline_id == shared.pipeline_id

    def by_name(namespace: str) -> Any:
        return httpx.get(
            f"{server.url}/apis/v2beta1/pipelines/names/shared",
            params={"namespace": namespace},
            headers={"kubeflow-userid": "alice"},
        ).json()["pipeline_id"]

    assert by_name("") == shared.pipeline_id
    assert by_name("alice") == private.pipeline_id


def test_nobody_and_nowhere_are_refused_in_the_words_of_kfp(
    alice: kfp.Client, server: House
) -> None:
    nobody = kfp.Client(host=server.url, namespace="alice")
    with pytest.raises(ApiException) as error:
        nobody.list_experiments(namespace="alice")
    assert "there is no user identity header" in refused(error, 401, 16)
    with pytest.raises(ApiException) as error:
        alice.experiments.experiment_service_list_experiments()
    assert refused(error, 400, 3) == (
        "An experiment cannot have an empty namespace in multi-user mode"
    )
    with pytest.raises(ApiException) as error:
        alice.runs.run_service_list_runs()
    assert refused(error, 400, 3) == "A run cannot have an empty namespace in multi-user mode"
    with pytest.raises(ApiException) as error:
        alice.recurring_runs.recurring_run_service_list_recurring_runs()
    assert refused(error, 400, 3) == (
        "a recurring run cannot have an empty namespace in multi-user mode"
    )
    with pytest.raises(ApiException) as error:
        alice.runs.run_service_create_run({"display_name": "x", "pipeline_spec": {}})
    assert refused(error, 400, 3) == "Experiment id can not be empty in multi-user mode"


def test_authorization_is_asked_and_answered(server: House) -> None:
    def ask(user: str, **given: str) -> httpx.Response:
        return httpx.get(
            f"{server.url}/apis/v2beta1/auth", params=given, headers={"kubeflow-userid": user}
        )

    viewing = {"resources": "VIEWERS", "verb": "GET"}
    assert ask("alice", namespace="alice", **viewing).json() == {}
    assert ask("bob", namespace="alice", **viewing).status_code == 403
    assert ask("alice", namespace="nowhere", **viewing).status_code == 403
    nowhere = ask("alice", **viewing)
    assert nowhere.status_code == 400
    assert nowhere.json()["message"] == "namespace is empty. Please specify a valid namespace"


def test_the_commands_of_the_servers_owner_see_all(alice: kfp.Client, server: House) -> None:
    made = alice.create_run_from_pipeline_func(word, arguments={})
    alice.wait_for_run_completion(made.run_id, timeout=120, sleep_duration=0.2)
    assert "runs going" in flowmaker("status", "--data", str(server.data)).stdout
    said = subprocess.run(
        [*FLOWMAKER, "logs", made.run_id[:8], "--data", str(server.data)],
        capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert said.returncode == 0, said.stderr


def _package(pipeline: Any) -> str:
    """The file of a compiled pipeline."""
    path = Path.home() / f"{pipeline.name}.yaml"
    kfp.compiler.Compiler().compile(pipeline, str(path))
    return str(path)
