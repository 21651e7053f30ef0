"""Pipelines are the first account's: what is another's they reach with its keys alone."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast

import kfp
import pytest
from kfp import dsl

from tests.house import House, flowmaker, house, sharing


@pytest.fixture(scope="module")
def own(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Iterator[House]:
    with house(sharing(tmp_path_factory.mktemp("accounts"), environments)) as running:
        yield running


@pytest.fixture(scope="module")
def other(own: House) -> Any:
    """S3 of another account, which has been quicker to take a name that is everybody's."""
    s3 = own.account("other").client("s3")
    for bucket in ("of-other", "mlpipeline"):
        s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket=bucket, Key="data", Body=b"THEIRS")
    own.client("s3").create_bucket(Bucket="of-first")
    return s3


@dsl.component(base_image="python:3.11")
def read(data: dsl.Input[dsl.Dataset]) -> None:
    import pathlib

    file = pathlib.Path(data.path)
    print("READ", file.read_text() if file.is_file() else "nothing")


@dsl.component(base_image="python:3.11")
def look(path: str) -> None:
    import pathlib

    try:
        print("SAW", pathlib.Path(path, "other").read_text())
    except OSError as error:
        print("SAW", type(error).__name__)


@dsl.pipeline(name="importing")
def importing(uri: str) -> None:
    data = dsl.importer(artifact_uri=uri, artifact_class=dsl.Dataset, reimport=True)
    read(data=data.output)


@dsl.pipeline(name="looking")
def looking(path: str) -> None:
    look(path=path)


def run(server: House, pipeline: Any, root: str, **arguments: str) -> Any:
    client = cast("Any", kfp.Client(host=server.url))
    made = client.create_run_from_pipeline_func(
        pipeline, arguments=arguments, pipeline_root=root, enable_caching=False
    )
    return client.wait_for_run_completion(made.run_id, 120, sleep_duration=0.2)


def printed(server: House, ended: Any) -> str:
    return flowmaker("logs", ended.run_id, "--data", str(server.data)).stdout


def test_an_importer_does_not_read_anothers_bucket(own: House, other: Any) -> None:
    own.client("s3").put_object(Bucket="of-first", Key="data", Body=b"OURS")
    ours = run(own, importing, "s3://of-first/root", uri="s3://of-first/data")
    assert "READ OURS" in printed(own, ours)
    theirs = run(own, importing, "s3://of-first/root", uri="s3://of-other/data")
    assert "READ nothing" in printed(own, theirs)


def test_artifacts_are_not_written_into_anothers_bucket(own: House, other: Any) -> None:
    for root in ("s3://of-other/root", ""):
        ended = run(own, looking, root, path="/")
        assert ended.state == "FAILED", root
    for bucket in ("of-other", "mlpipeline"):
        assert [one["Key"] for one in other.list_objects_v2(Bucket=bucket)["Contents"]] == ["data"]


def test_no_task_reads_the_keys_of_an_account(own: House, other: Any) -> None:
    folder = own.data / "accounts"
    assert (folder / "other").exists()
    ended = run(own, looking, "s3://of-first/root", path=str(folder))
    assert "SAW FileNotFoundError" in printed(own, ended)
