"""What the compiler writes seldom, or wrote before, through the real kfp.Client."""

from collections.abc import Callable
from typing import Any

import kfp
import pytest
from kfp import dsl, kubernetes
from kfp.dsl import Artifact, Dataset, Input, Output

from tests.fakes.kfp_batch import Batch, Submitted
from tests.fakes.kfp_runs import Ran
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def show(text: str, number: int = 0):
    import json

    print("RESULT " + json.dumps([text, number]))


@dsl.component(base_image="python:3.11")
def read(data: Input[Artifact]):
    import json
    from pathlib import Path

    print("RESULT " + json.dumps([Path(data.path).read_text(), type(data).__name__]))


@dsl.component(base_image="python:3.11")
def write(text: str, data: Output[Dataset]):
    from pathlib import Path

    Path(data.path).write_text(text)


@dsl.component(base_image="python:3.11")
def read_all(datasets: Input[list[Dataset]]):
    import json
    from pathlib import Path

    print("RESULT " + json.dumps([Path(each.path).read_text() for each in datasets]))


@dsl.component(
    base_image="python:3.11",
    task_config_passthroughs=[
        dsl.TaskConfigField.RESOURCES,
        dsl.TaskConfigField.KUBERNETES_NODE_SELECTOR,
        dsl.TaskConfigField.KUBERNETES_TOLERATIONS,
        dsl.TaskConfigField.KUBERNETES_VOLUMES,
        dsl.TaskConfigPassthrough(field=dsl.TaskConfigField.ENV, apply_to_task=True),
    ],
)
def told(folder: str, config: dsl.TaskConfig):
    import json
    import os
    from pathlib import Path

    has = [os.environ.get("COLOUR"), Path(folder).exists()]
    print("RESULT " + json.dumps([config.__dict__, has]))


def _deprecated(spec: dict[str, Any]) -> None:
    """What KFP 1.8 wrote for constants, for the pipeline's parameters, and for their types."""
    inputs = spec["root"]["dag"]["tasks"]["show"]["inputs"]["parameters"]
    inputs["text"] = {"runtimeValue": {"runtimeParameter": "text"}}
    inputs["number"] = {"runtimeValue": {"constantValue": {"intValue": "7"}}}
    spec["root"]["inputDefinitions"]["parameters"]["text"] = {"type": "STRING"}
    importer = spec["deploymentSpec"]["executors"]["exec-importer"]["importer"]
    uri = importer["artifactUri"].pop("constant")
    importer["artifactUri"]["constantValue"] = {"stringValue": uri}


@BATCH.add(_deprecated, text="given")
@dsl.pipeline(name="deprecated-words")
def deprecated(text: str):
    show(text=text, number=1)
    read(data=dsl.importer(artifact_uri="s3://rare/data.txt", artifact_class=Dataset).output)


def _own_schema(spec: dict[str, Any]) -> None:
    """A type by its OpenAPI schema, which has no title that kfp.dsl has a class for."""
    schema = {"instanceSchema": "title: my.Rows\ntype: object\n"}
    for name, side in (("comp-write", "outputDefinitions"), ("comp-read", "inputDefinitions")):
        spec["components"][name][side]["artifacts"]["data"]["artifactType"] = schema


@BATCH.add(_own_schema)
@dsl.pipeline(name="own-schema")
def own_schema():
    read(data=write(text="rows").outputs["data"])


@dsl.pipeline(name="many")
def many(texts: list) -> list[Dataset]:
    with dsl.ParallelFor(texts) as text:
        made = write(text=text)
    return dsl.Collected(made.outputs["data"])  # pyright: ignore[reportReturnType]


@BATCH.add()
@dsl.pipeline(name="lists-of-artifacts")
def lists():
    read_all(datasets=many(texts=["b", "a", "c"]).output)


@BATCH.add(cores="500m")
@dsl.pipeline(
    name="task-config",
    pipeline_config=dsl.PipelineConfig(workspace=dsl.WorkspaceConfig(size="1Gi")),
)
def configured(cores: str):
    task = told(folder=dsl.WORKSPACE_PATH_PLACEHOLDER).set_env_variable("COLOUR", "blue")
    task.set_cpu_request(cores).set_memory_limit("1G")
    kubernetes.add_node_selector(task, "disk", "ssd")
    kubernetes.add_toleration(task, key="gpu", operator="Exists")


@BATCH.add(cores="100m")
@dsl.pipeline(name="resources-by-parameter")
def by_parameter(cores: str):
    show(text="with").set_cpu_request(cores).set_memory_request("64Mi")


@pytest.fixture(scope="module")
def runs(server: House, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="rare")
    s3.put_object(Bucket="rare", Key="data.txt", Body=b"rare")
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_words_of_kfp_1_8_mean_the_same(runs: Submitted) -> None:
    run = runs(deprecated)
    assert run.error == ""
    assert run.result("show") == ["given", 7]
    assert run.result("read") == ["rare", "Dataset"]


def test_a_type_by_its_schema(runs: Submitted) -> None:
    run = runs(own_schema)
    assert run.error == ""
    assert run.result("read") == ["rows", "Artifact"]


def test_lists_of_artifacts_go_out_of_a_pipeline_and_into_a_task(runs: Submitted) -> None:
    run = runs(lists)
    assert run.error == ""
    assert run.result("read-all") == ["b", "a", "c"]


def test_a_task_is_told_its_configuration(runs: Submitted) -> None:
    run = runs(configured)
    assert run.error == ""
    config, has = run.result("told")
    assert config == {
        "affinity": None,
        "env": [{"name": "COLOUR", "value": "blue"}],
        "node_selector": {"disk": "ssd"},
        "resources": {"requests": {"cpu": "500m"}, "limits": {"memory": "1G"}},
        "tolerations": [{"key": "gpu", "operator": "Exists"}],
        "volumes": [
            {
                "name": "kfp-workspace",
                "persistentVolumeClaim": {"claimName": f"{run.id}-kfp-workspace"},
            }
        ],
        "volume_mounts": [{"name": "kfp-workspace", "mountPath": "/kfp-workspace"}],
    }
    assert has == ["blue", False]  # the workspace is only passed on


def test_resources_may_be_a_parameters(runs: Submitted) -> None:
    run = runs(by_parameter)
    assert run.error == ""
    assert "asks for 0.1 cores and 64 MiB" in run.log("show")


def test_a_key_of_ones_own_is_all_that_counts_in_the_cache(server: House) -> None:
    def keyed(key: str) -> Callable[..., Any]:
        @dsl.pipeline(name="keyed")
        def pipeline(text: str):
            show(text=text).set_caching_options(True, cache_key=key)

        return pipeline

    def results(key: str, text: str) -> list[Any]:
        client = kfp.Client(host=server.url)
        made = client.create_run_from_pipeline_func(keyed(key), {"text": text})
        client.wait_for_run_completion(made.run_id, 60, sleep_duration=0.05)
        run = Ran(client.get_run(made.run_id), server.data)
        assert run.run.state == "SUCCEEDED"
        return run.results("show")

    assert results("mine", "one") == [["one", 0]]
    assert results("mine", "two") == []
    assert results("other", "one") == [["one", 0]]
