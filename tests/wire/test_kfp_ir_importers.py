"""dsl.importer through the real kfp.Client: every place that an artifact can be in."""

# Components import what they need and open files, as users' do.
# ruff: noqa: PTH112, PTH208

import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from kfp import dsl
from kfp.dsl import Artifact, Dataset, Input, Model
from kfp_server_api import ApiException

from tests.fakes.kfp_runs import ran
from tests.house import House


@dsl.component(base_image="python:3.11")
def show(data: Input[Artifact], read: bool = True):
    import json
    import os

    text = ""
    if read and os.path.isdir(data.path):
        text = " ".join(sorted(os.listdir(data.path)))
    elif read:
        with open(data.path) as file:
            text = file.read()
    said = {"uri": data.uri, "text": text, "metadata": data.metadata, "kind": type(data).__name__}
    print("RESULT " + json.dumps({**said, "name": data.name}))


@dsl.container_component
def cat(data: Input[Dataset]):
    return dsl.ContainerSpec(
        image="python:3.11",
        command=["sh", "-c", 'printf "RESULT \\"%s\\"\\n" "$(cat "$0")"'],
        args=[data.path],
    )


@pytest.fixture(scope="module")
def bucket(server: House) -> str:
    s3 = server.client("s3")
    s3.create_bucket(Bucket="imported")
    for key in ("one.txt", "folder/a", "folder/b"):
        s3.put_object(Bucket="imported", Key=key, Body=f"this is {key}".encode())
    return "imported"


@pytest.fixture(scope="module")
def web() -> Iterator[str]:
    asked: list[str] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            asked.append(self.path)
            self.send_response(200 if self.path == "/data.txt" else 404)
            self.end_headers()
            self.wfile.write(b"from the web")

        def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as site:
        thread = threading.Thread(target=site.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{site.server_port}"
        site.shutdown()
        thread.join()


def test_a_file_and_a_folder_of_s3_with_metadata_by_placeholders(
    server: House, bucket: str, tmp_path: Path
) -> None:
    @dsl.pipeline(name="from-s3")
    def pipeline(uri: str, key: str = "colour", number: int = 3):
        file = dsl.importer(
            artifact_uri=uri,
            artifact_class=Dataset,
            reimport=True,
            metadata={key: [f"very-{key}", "plain"], "n": 2, "number": number},
        )
        show(data=file.output).set_display_name("file")
        folder = dsl.importer(artifact_uri=f"s3://{bucket}/folder", artifact_class=Model)
        show(data=folder.output).set_display_name("folder")
        minio = dsl.importer(artifact_uri=f"minio://{bucket}/one.txt", artifact_class=Dataset)
        show(data=minio.output).set_display_name("minio")
        cat(data=file.output)

    run = ran(server, pipeline, tmp_path, arguments={"uri": f"s3://{bucket}/one.txt"})
    assert run.error == ""
    assert run.result("file") == {
        "uri": "s3://imported/one.txt",
        "text": "this is one.txt",
        "metadata": {"colour": ["very-colour", "plain"], "n": 2, "number": "3"},
        "kind": "Dataset",
        "name": "artifact",
    }
    assert run.result("folder")["text"] == "a b"
    assert run.result("folder")["kind"] == "Model"
    assert run.result("minio")["text"] == "this is one.txt"
    assert run.result("cat") == "this is one.txt"
    assert run.states()["importer"] == "SUCCEEDED"


def test_paths_of_this_machine(server: House, tmp_path: Path) -> None:
    (tmp_path / "a file.txt").write_text("of this machine")

    @dsl.pipeline(name="from-here")
    def pipeline(path: str, uri: str):
        show(data=dsl.importer(artifact_uri=path, artifact_class=Dataset).output)
        show(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output)
        cat(data=dsl.importer(artifact_uri=path, artifact_class=Dataset).output)

    path = tmp_path / "a file.txt"
    run = ran(server, pipeline, tmp_path, arguments={"path": str(path), "uri": path.as_uri()})
    assert run.error == ""
    assert [run.result(name)["text"] for name in ("show", "show-2")] == ["of this machine"] * 2
    assert run.result("show-2")["uri"] == str(path)
    assert run.result("cat") == "of this machine"


def test_the_web_is_read_when_a_task_needs_the_bytes(
    server: House, web: str, tmp_path: Path
) -> None:
    @dsl.pipeline(name="from-the-web")
    def pipeline(uri: str, absent: str):
        there = dsl.importer(artifact_uri=uri, artifact_class=Dataset)
        show(data=there.output)
        cat(data=there.output)
        gone = dsl.importer(artifact_uri=absent, artifact_class=Dataset)
        show(data=gone.output, read=False)

    arguments = {"uri": f"{web}/data.txt", "absent": f"{web}/absent"}
    run = ran(server, pipeline, tmp_path, arguments=arguments)
    assert run.error == ""
    assert run.result("show")["text"] == run.result("cat") == "from the web"
    assert run.result("show")["uri"] == f"{web}/data.txt"
    assert run.result("show-2")["uri"] == f"{web}/absent"


@pytest.mark.parametrize(
    ("uri", "said"),
    [
        ("gs://bucket/key", "Artifact gs://bucket/key is in a store that Flowmaker does not read"),
        (
            "s3://imported/absent",
            "Input artifact 'data' is s3://imported/absent, and there is nothing",
        ),
        ("data/here.csv", "neither a URI nor an absolute path"),
        ("oci://registry/model:1", "Flowmaker pulls no images"),
        ("", "The importer has no artifact_uri"),
    ],
)
def test_what_is_not_there_fails_the_task_that_reads_it(
    server: House, bucket: str, tmp_path: Path, uri: str, said: str
) -> None:
    @dsl.pipeline(name="from-nowhere")
    def pipeline(uri: str):
        artifact = dsl.importer(artifact_uri=uri, artifact_class=Dataset).output
        show(data=artifact, read=False).set_display_name("glance")
        show(data=artifact)

    run = ran(server, pipeline, tmp_path, arguments={"uri": uri})
    assert run.run.state == "FAILED"
    assert said in run.error
    if uri.startswith(("gs:", "s3:")):
        assert run.states()["importer"] == "SUCCEEDED"
        assert run.result("glance")["uri"] == uri


def test_a_command_that_reads_another_store_fails_before_it_starts(
    server: House, tmp_path: Path
) -> None:
    @dsl.pipeline(name="from-google")
    def pipeline():
        cat(data=dsl.importer(artifact_uri="gs://bucket/key", artifact_class=Dataset).output)

    run = ran(server, pipeline, tmp_path)
    assert "gs://bucket/key is in a store that Flowmaker does not read" in run.error


def test_an_image_as_an_artifact_is_refused_at_once(server: House, tmp_path: Path) -> None:
    @dsl.pipeline(name="from-a-registry")
    def pipeline():
        show(data=dsl.importer(artifact_uri="oci://registry/model", artifact_class=Model).output)

    with pytest.raises(ApiException) as caught:
        ran(server, pipeline, tmp_path)
    assert "Task 'importer'" in caught.value.body
    assert "pulls no images" in caught.value.body


def test_an_importer_in_a_branch(server: House, bucket: str, tmp_path: Path) -> None:
    """The real backend refuses conditions on importers."""

    @dsl.pipeline(name="branches")
    def pipeline(which: str = "one"):
        for name in ("one", "two"):
            with dsl.If(which == name):
                uri = f"s3://{bucket}/{name}.txt"
                show(data=dsl.importer(artifact_uri=uri, artifact_class=Dataset).output)

    run = ran(server, pipeline, tmp_path)
    assert run.error == ""
    assert run.result("show")["text"] == "this is one.txt"
    assert run.results("show-2") == []
    assert run.states()["condition-2"] == "SKIPPED"
