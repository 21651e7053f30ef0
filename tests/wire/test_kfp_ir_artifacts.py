"""Artifacts through the real kfp.Client: their types, metadata and places, from task to task."""

# Components import what they need and open files, as users' do.
# ruff: noqa: PLR0917, PTH103, PTH110, PTH118

from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import (
    HTML,
    Artifact,
    ClassificationMetrics,
    Dataset,
    Input,
    Markdown,
    Metrics,
    Model,
    Output,
    SlicedClassificationMetrics,
)

from tests.fakes.kfp_batch import Batch, Submitted
from tests.house import House

BATCH = Batch()


@dsl.component(base_image="python:3.11")
def write_all(
    artifact: Output[Artifact],
    dataset: Output[Dataset],
    model: Output[Model],
    metrics: Output[Metrics],
    classified: Output[ClassificationMetrics],
    sliced: Output[SlicedClassificationMetrics],
    html: Output[HTML],
    markdown: Output[Markdown],
):
    for each in (artifact, dataset, model, html, markdown):
        with open(each.path, "w") as file:
            file.write(each.name)
    model.framework = "sklearn"
    dataset.metadata = {"rows": 7, "ratio": 0.5, "ok": True, "names": ["a", "b"], "deep": {"k": 1}}
    metrics.log_metric("accuracy", 0.75)
    metrics.log_metric("epochs", 3)
    classified.log_confusion_matrix(["cat", "dog"], [[3, 1], [0, 4]])
    classified.log_roc_curve([0.0, 1.0], [0.0, 1.0], [1.0, 0.0])


@dsl.component(base_image="python:3.11")
def read_all(
    artifact: Input[Artifact],
    dataset: Input[Dataset],
    model: Input[Model],
    metrics: Input[Metrics],
    classified: Input[ClassificationMetrics],
    html: Input[HTML],
    markdown: Input[Markdown],
):
    import json

    said = {}
    for each in (artifact, dataset, model, html, markdown):
        with open(each.path) as file:
            said[each.name] = [type(each).__name__, file.read()]
    matrix = classified.metadata["confusionMatrix"]
    said["metadata"] = [dataset.metadata, model.framework, metrics.metadata]
    said["matrix"] = [row["row"] for row in matrix["rows"]]
    print("RESULT " + json.dumps(said))


@dsl.component(base_image="python:3.11")
def read_as_artifact(data: Input[Artifact]):
    import json

    with open(data.path) as file:
        print("RESULT " + json.dumps([type(data).__name__, data.uri, file.read(), data.metadata]))


TYPES = ("artifact", "dataset", "model", "metrics", "classified", "html", "markdown")


@BATCH.add()
@dsl.pipeline(name="types-of-artifacts")
def types():
    made = write_all()
    read_all(**{name: made.outputs[name] for name in TYPES})
    read_as_artifact(data=made.outputs["dataset"]).set_display_name("any type")


@dsl.component(base_image="python:3.11")
def diverge(metrics: Output[Metrics]):
    metrics.log_metric("loss", float("nan"))
    metrics.metadata["ends"] = [float("-inf"), {"high": float("inf")}]


@dsl.component(base_image="python:3.11")
def read_metadata(metrics: Input[Metrics]):
    import json

    print("RESULT " + json.dumps(metrics.metadata))


@BATCH.add()
@dsl.pipeline(name="no-numbers-of-json")
def no_numbers():
    read_metadata(metrics=diverge().output)


@dsl.component(base_image="python:3.11")
def write_elsewhere(
    moved: Output[Dataset], folder: Output[Model], empty: Output[Dataset], aside: Output[Dataset]
):
    import os
    import tempfile

    path = os.path.join(tempfile.mkdtemp(), "file")
    with open(path, "w") as file:
        file.write("moved here")
    moved.set_path(path)
    os.makedirs(os.path.join(folder.path, "deep", "empty"))
    for name in ("a", "deep/b"):
        with open(os.path.join(folder.path, name), "w") as file:
            file.write(name)
    aside.uri = aside.uri + "-renamed"
    with open(aside.path, "w") as file:
        file.write("under another URI")


@dsl.component(base_image="python:3.11")
def read_elsewhere(
    moved: Input[Dataset], folder: Input[Model], aside: Input[Dataset], empty: Input[Dataset]
):
    import json
    import os

    texts = []
    for path in (moved.path, os.path.join(folder.path, "deep", "b"), aside.path):
        with open(path) as file:
            texts.append(file.read())
    said = [*texts, os.path.exists(empty.path), aside.uri.endswith("-renamed")]
    print("RESULT " + json.dumps(said))


@BATCH.add()
@dsl.pipeline(name="places-of-artifacts")
def places():
    made = write_elsewhere()
    read_elsewhere(**{name: made.outputs[name] for name in ("moved", "folder", "aside", "empty")})


@dsl.component(base_image="python:3.11")
def return_artifacts() -> Dataset:
    from kfp import dsl

    uri = dsl.get_uri(suffix="mine")
    data = dsl.Dataset(uri=uri, metadata={"made": "by hand"})
    with open(data.path, "w") as file:
        file.write(uri)
    return data


@dsl.component(base_image="python:3.11")
def read_returned(data: Input[Dataset]):
    import json

    with open(data.path) as file:
        print("RESULT " + json.dumps([data.uri, file.read(), data.metadata]))


@BATCH.add()
@dsl.pipeline(name="returned-artifacts")
def returned():
    read_returned(data=return_artifacts().output)


@dsl.component(base_image="python:3.11")
def maybe(data: Input[Dataset] = None, files: Input[list[Dataset]] = None):  # type: ignore[assignment]
    import json

    print("RESULT " + json.dumps([data is None, files is None]))


@BATCH.add()
@dsl.pipeline(name="optional-artifacts")
def optional(data: Input[Dataset] = None):  # type: ignore[assignment]
    maybe().set_display_name("none")
    maybe(data=data).set_display_name("of the root")
    maybe(data=write_all().outputs["dataset"]).set_display_name("one")


@BATCH.add()
@dsl.pipeline(name="own-root", pipeline_root="minio://own-root/by/default/")
def own_root():
    read_as_artifact(data=write_all().outputs["artifact"])


@BATCH.with_options({"pipeline_root": "s3://own-root/given"})
@dsl.pipeline(name="given-root", pipeline_root="s3://own-root/never")
def given_root():
    read_as_artifact(data=write_all().outputs["artifact"])


@dsl.container_component
def google(model: Output[Artifact]):
    return dsl.ContainerSpec(
        image="python:3.11", command=["sh", "-c", 'echo -n of google >"$0"'], args=[model.path]
    )


def _of_google(spec: dict[str, Any]) -> None:
    component = spec["components"]["comp-google"]["outputDefinitions"]["artifacts"]["model"]
    component["artifactType"] = {"schemaTitle": "google.VertexModel", "schemaVersion": "0.0.1"}
    component["metadata"] = {"resourceName": "projects/1", "n": 1}


@BATCH.add(_of_google)
@dsl.pipeline(name="google-types")
def google_types():
    read_as_artifact(data=google().output)


@pytest.fixture(scope="module")
def s3(server: House) -> Any:
    client = server.client("s3")
    client.create_bucket(Bucket="own-root")
    return client


@pytest.fixture(scope="module")
def ran(server: House, s3: Any, tmp_path_factory: pytest.TempPathFactory) -> Submitted:
    del s3  # the bucket is there
    return BATCH.submitted(server, tmp_path_factory.mktemp("packages"))


def test_artifacts_of_every_type_with_their_metadata(ran: Submitted) -> None:
    run = ran(types)
    assert run.error == ""
    metadata = {"rows": 7, "ratio": 0.5, "ok": True, "names": ["a", "b"], "deep": {"k": 1}}
    kinds = {"html": "HTML"}
    assert run.result("read-all") == {
        **{
            name: [kinds.get(name, name.title()), name]
            for name in ("artifact", "dataset", "model", "html", "markdown")
        },
        "metadata": [metadata, "sklearn", {"accuracy": 0.75, "epochs": 3}],
        "matrix": [[3, 1], [0, 4]],
    }
    kind, uri, text, _ = run.result("any type")
    assert (kind, text) == ("Dataset", "dataset")
    assert uri.endswith("/dataset")


def test_numbers_that_json_lacks_are_words_in_metadata(ran: Submitted) -> None:
    run = ran(no_numbers)
    assert run.error == ""
    words = {"loss": "NaN", "ends": ["-Infinity", {"high": "Infinity"}]}
    assert run.result("read-metadata") == words
    (written,) = [task for task in run.tasks if task.display_name == "diverge"]
    assert written.state == "SUCCEEDED"


def test_paths_that_are_set_folders_and_uris_that_change(ran: Submitted) -> None:
    run = ran(places)
    assert run.error == ""
    assert run.result("read-elsewhere") == [
        "moved here",
        "deep/b",
        "under another URI",
        False,
        True,
    ]


def test_an_artifact_that_is_returned_with_a_uri_of_its_own(ran: Submitted) -> None:
    run = ran(returned)
    assert run.error == ""
    uri, text, metadata = run.result("read-returned")
    assert uri == text
    assert uri.startswith(f"s3://mlpipeline/v2/artifacts/returned-artifacts/{run.id}/")
    assert uri.endswith("/mine")
    assert metadata == {"made": "by hand"}


def test_artifacts_that_are_optional(ran: Submitted) -> None:
    run = ran(optional)
    assert run.error == ""
    assert run.result("none") == run.result("of the root") == [True, True]
    assert run.result("one") == [False, True]


@pytest.mark.parametrize(("pipeline", "folder"), [(own_root, "by/default"), (given_root, "given")])
def test_the_pipeline_root_says_where_artifacts_are(
    ran: Submitted, s3: Any, pipeline: Any, folder: str
) -> None:
    run = ran(pipeline)
    assert run.error == ""
    _, uri, text, _ = run.result("read-as-artifact")
    assert text == "artifact"
    assert uri.startswith(f"s3://own-root/{folder}/{pipeline.name}/{run.id}/write-all/")
    stored = s3.get_object(Bucket="own-root", Key=uri.removeprefix("s3://own-root/"))
    assert stored["Body"].read() == b"artifact"


def test_types_of_others_and_declared_metadata(ran: Submitted) -> None:
    run = ran(google_types)
    assert run.error == ""
    kind, _, text, metadata = run.result("read-as-artifact")
    assert (kind, text) == ("Artifact", "of google")
    assert metadata == {"resourceName": "projects/1", "n": 1}
