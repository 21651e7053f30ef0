"""dsl.PipelineConfig through the real kfp.Client: workspace, deadline, and what stays of a run."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import kfp
import pytest
from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input
from kfp_server_api import ApiException

from tests.fakes.kfp_runs import Ran, ran
from tests.house import House

CONFIG = dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi"))


def eventually(holds: Callable[[], bool], seconds: float = 120) -> bool:
    until = time.monotonic() + seconds
    while not holds() and time.monotonic() < until:
        time.sleep(0.02)
    return holds()


def claims(server: House) -> str:
    return server.run("kubectl", "get", "pvc", "-A", "-o", "name")


def written(server: House, name: str) -> list[Path]:
    return [*server.data.glob(f"volumes/*/{name}")]


@dsl.component(base_image="python:3.11")
def write(folder: str, name: str):
    from pathlib import Path

    Path(folder, name).write_text(f"this is {name}")


@dsl.component(base_image="python:3.11")
def read(folder: str):
    import json
    import os
    from pathlib import Path

    found = {each.name: each.read_text() for each in Path(folder).glob("*.txt")}
    print("RESULT " + json.dumps([folder, found, os.path.ismount("/kfp-workspace")]))


@dsl.component(base_image="python:3.11")
def no_part_in_it():
    from pathlib import Path

    print("RESULT " + str(Path("/", "kfp" + "-workspace").exists()).lower())


@dsl.component(base_image="python:3.11")
def fail_once(folder: str):
    from pathlib import Path

    mark = Path(folder, "tried.txt")
    if not mark.exists():
        mark.write_text("once")
        raise RuntimeError("the first time")
    print("RESULT " + '"again"')


@dsl.container_component
def shell(folder: str):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c"],
        args=['printf "RESULT \\"%s\\"\\n" "$(cat ' + dsl.WORKSPACE_PATH_PLACEHOLDER + '/a.txt)"'],
    )


@dsl.container_component
def sleeps():
    return dsl.ContainerSpec(image="python:3.11", command=["sleep", "600"])


@dsl.component(base_image="python:3.11")
def nothing():
    pass


def test_tasks_share_the_workspace_which_goes_with_success(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="workspace", pipeline_config=CONFIG)
    def pipeline(place: str = dsl.WORKSPACE_PATH_PLACEHOLDER):
        first = write(folder=dsl.WORKSPACE_PATH_PLACEHOLDER, name="a.txt")
        second = write(folder=f"{dsl.WORKSPACE_PATH_PLACEHOLDER}/", name="b.txt")
        with dsl.ParallelFor([1]):
            read(folder=place).after(first, second)
        shell(folder=dsl.WORKSPACE_PATH_PLACEHOLDER).after(first)
        no_part_in_it().after(first)

    run = ran(server, pipeline, tmp_path)
    assert run.error == ""
    found = {"a.txt": "this is a.txt", "b.txt": "this is b.txt"}
    assert run.result("read") == ["/kfp-workspace", found, True]
    assert run.result("shell") == "this is a.txt"
    assert run.result("no-part-in-it") is False
    assert eventually(lambda: run.id not in claims(server))
    assert eventually(lambda: written(server, "a.txt") == [])


def test_a_failed_run_keeps_its_workspace_for_a_retry(server: House, tmp_path: Path) -> None:
    patch = {"accessModes": ["ReadWriteOnce"], "storageClassName": "fast"}
    workspace = dsl.WorkspaceConfig(
        size="2Gi", kubernetes=dsl.KubernetesWorkspaceConfig(pvcSpecPatch=patch)
    )

    @dsl.pipeline(name="retried", pipeline_config=dsl.PipelineConfig(workspace=workspace))
    def pipeline():
        fail_once(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)

    run = ran(server, pipeline, tmp_path)
    assert run.run.state == "FAILED"
    shown = server.run("kubectl", "get", "pvc", "-n", "kubeflow", f"{run.id}-kfp-workspace")
    assert shown.splitlines()[1].split()[1:5] == ["Bound", "2Gi", "ReadWriteOnce", "fast"]
    client = kfp.Client(host=server.url)
    client.runs.run_service_retry_run(run.id)
    assert client.wait_for_run_completion(run.id, 60, sleep_duration=0.05).state == "SUCCEEDED"
    assert run.result("fail-once") == "again"
    assert eventually(lambda: run.id not in claims(server))


def test_a_deleted_run_takes_its_workspace_along(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="deleted", pipeline_config=CONFIG)
    def pipeline():
        fail_once(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)

    run = ran(server, pipeline, tmp_path)
    assert run.id in claims(server)
    assert len(written(server, "tried.txt")) == 1
    kfp.Client(host=server.url).delete_run(run.id)
    assert eventually(lambda: run.id not in claims(server))
    assert eventually(lambda: written(server, "tried.txt") == [])


@dsl.component(base_image="python:3.11")
def show(data: Input[Artifact]):
    import json
    from pathlib import Path

    path = Path(data.path)
    text = "" if path.is_dir() else path.read_text()
    path.with_name("written").write_text("x")
    listed = sorted(each.name for each in path.glob("*"))
    print("RESULT " + json.dumps([data.uri, str(path), text, listed]))


@dsl.container_component
def cat(data: Input[Dataset]):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c", 'printf "RESULT [\\"$0\\", \\"%s\\"]\\n" "$(cat "$0")"'],
        args=[data.path],
    )


def test_an_importer_downloads_to_the_workspace(server: House, tmp_path: Path) -> None:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="for-workspaces")
    for key in ("one.txt", "folder/a", "folder/b"):
        s3.put_object(Bucket="for-workspaces", Key=key, Body=f"this is {key}".encode())
    here = tmp_path / "here.txt"
    here.write_text("of this machine")

    @dsl.pipeline(name="downloads", pipeline_config=CONFIG)
    def pipeline(local: str):
        def imported(uri: Any) -> Any:
            made = dsl.importer(
                artifact_uri=uri, artifact_class=Dataset, download_to_workspace=True
            )
            return made.output

        one = imported("s3://for-workspaces/one.txt")
        show(data=one).set_display_name("one")
        cat(data=one).set_display_name("cat")
        show(data=imported("s3://for-workspaces/folder")).set_display_name("folder")
        show(data=imported(local)).set_display_name("local")

    run = ran(server, pipeline, tmp_path, arguments={"local": str(here)})
    assert run.error == ""
    inside = "/kfp-workspace/.artifacts/s3/for-workspaces"
    uri = "s3://for-workspaces"
    assert run.result("one") == [f"{uri}/one.txt", f"{inside}/one.txt", "this is one.txt", []]
    assert run.result("cat") == [f"{inside}/one.txt", "this is one.txt"]
    assert run.result("folder") == [f"{uri}/folder", f"{inside}/folder", "", ["a", "b"]]
    copied = f"/kfp-workspace/.artifacts{here}"
    assert run.result("local") == [str(here), copied, "of this machine", []]


def test_an_importer_fails_over_what_is_not_there(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="not-there", pipeline_config=CONFIG)
    def pipeline():
        made = dsl.importer(
            artifact_uri="s3://nowhere/none", artifact_class=Dataset, download_to_workspace=True
        )
        show(data=made.output).set_display_name("reader")

    run = ran(server, pipeline, tmp_path)
    assert run.run.state == "FAILED"
    assert "Artifact s3://nowhere/none is not there, so it cannot be downloaded" in run.error
    assert "reader" not in run.states()


@pytest.mark.parametrize(
    ("patch", "said"),
    [({"volumeName": "mine"}, "'volumeName'"), ({"accessModes": "all"}, "accessModes is a list")],
)
def test_a_claim_that_cannot_be_is_refused(
    server: House, tmp_path: Path, patch: dict[str, Any], said: str
) -> None:
    kubernetes = dsl.KubernetesWorkspaceConfig(pvcSpecPatch=patch)
    config = dsl.PipelineConfig(dsl.WorkspaceConfig(size="1Gi", kubernetes=kubernetes))

    @dsl.pipeline(name="impossible", pipeline_config=config)
    def pipeline():
        nothing()

    with pytest.raises(ApiException) as caught:
        ran(server, pipeline, tmp_path)
    assert said in str(caught.value.body)


def test_a_run_is_active_no_longer_than_its_deadline(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="overdue", pipeline_config=dsl.PipelineConfig(active_deadline_seconds=1))
    def pipeline():
        slow = sleeps()
        with dsl.ExitHandler(nothing().set_display_name("exit")):
            nothing().set_display_name("later").after(slow)

    run = ran(server, pipeline, tmp_path)
    assert run.run.state == "FAILED"
    assert run.error.startswith("Deadline exceeded: the run was active for longer than")
    assert "1 seconds (active_deadline_seconds)" in run.error
    states = run.states()
    assert states["sleeps"] == "FAILED"
    assert "later" not in states


def test_a_run_that_is_in_time_succeeds(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="in-time", pipeline_config=dsl.PipelineConfig(active_deadline_seconds=600))
    def pipeline():
        nothing()

    assert ran(server, pipeline, tmp_path).run.state == "SUCCEEDED"


def test_what_is_left_of_a_run_lives_as_long_as_it_says(server: House, tmp_path: Path) -> None:
    config = dsl.PipelineConfig(
        workspace=CONFIG.workspace, ttl_seconds_after_success=3600, ttl_seconds_after_finished=1
    )

    @dsl.pipeline(name="short-lived", pipeline_config=config)
    def fails():
        fail_once(folder=dsl.WORKSPACE_PATH_PLACEHOLDER)

    @dsl.pipeline(name="long-lived", pipeline_config=config)
    def succeeds():
        nothing()

    failed = ran(server, fails, tmp_path)
    kept = ran(server, succeeds, tmp_path)

    def folders(run: Ran) -> list[Path]:
        return [path for each in run.tasks for path in run.data.glob(f"jobs/{each.task_id}-*")]

    assert eventually(lambda: folders(failed) == [])
    assert eventually(lambda: failed.id not in claims(server))
    client = kfp.Client(host=server.url)
    shown = client.get_run(failed.id)
    assert shown.state == "FAILED"
    assert "the first time" in shown.error.message
    assert len(folders(kept)) == 1
