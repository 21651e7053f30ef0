"""Pipe mode: what a channel's FIFOs give, epoch by epoch."""

import gzip
import json
import struct
import threading
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.container import feeder, pipes
from tests.fakes.sagemaker import Bench, bench, channel, training_request


def planned(folder: Path, entries: list[list[dict[str, str]]], **changes: Any) -> dict[str, Any]:
    plain = {"seed": None, "shard": (0, 1), "gzip": False, "record_io": False}
    return {"name": "train", "folder": str(folder), "entries": entries} | plain | changes


def files(folder: Path, *contents: bytes) -> list[list[dict[str, str]]]:
    made: list[list[dict[str, str]]] = []
    for number, content in enumerate(contents):
        (folder / f"object-{number}").write_bytes(content)
        made.append([{"file": str(folder / f"object-{number}")}])
    return made


def epochs(plan: dict[str, Any], count: int) -> list[bytes]:
    """What a program reads that reads each epoch to its end."""
    folder = Path(plan["folder"])
    feeding = threading.Thread(target=feeder.feed, args=(plan, count), daemon=True)
    # Made here so that the reader need not wait for it.
    feeder.make(folder / "train_0")
    feeding.start()
    read = [(folder / f"train_{epoch}").read_bytes() for epoch in range(count)]
    feeding.join(timeout=10)
    assert not feeding.is_alive()
    return read


def test_each_epoch_has_all_the_objects_in_their_order(tmp_path: Path) -> None:
    plan = planned(tmp_path, files(tmp_path, b"a\n", b"b\n"))
    assert epochs(plan, 2) == [b"a\nb\n", b"a\nb\n"]
    assert [one.name for one in tmp_path.glob("train_*")] == ["train_2"], "the next one is there"


def test_objects_are_unpacked(tmp_path: Path) -> None:
    plan = planned(tmp_path, files(tmp_path, gzip.compress(b"a"), gzip.compress(b"b")), gzip=True)
    assert epochs(plan, 1) == [b"ab"]


def test_each_object_is_a_record(tmp_path: Path) -> None:
    plan = planned(tmp_path, files(tmp_path, b"hello", b"good"), record_io=True)
    first = struct.pack("<II", 0xCED7230A, 5) + b"hello\0\0\0"
    assert epochs(plan, 1) == [first + struct.pack("<II", 0xCED7230A, 4) + b"good"]


def test_a_reader_may_leave_early(tmp_path: Path) -> None:
    plan = planned(tmp_path, files(tmp_path, b"x" * (1 << 20)))
    feeder.make(tmp_path / "train_0")
    feeding = threading.Thread(target=feeder.feed, args=(plan, 2), daemon=True)
    feeding.start()
    with (tmp_path / "train_0").open("rb") as pipe:
        assert pipe.read(4) == b"xxxx"
    assert len((tmp_path / "train_1").read_bytes()) == 1 << 20
    feeding.join(timeout=10)


def test_epochs_are_shuffled_by_the_seed_and_shared_among_the_instances() -> None:
    entries = [[{"text": str(number)}] for number in range(20)]

    def order(seed: int, epoch: int, index: int, count: int) -> list[str]:
        plan = planned(Path(), entries, seed=seed, shard=(index, count))
        return [entry[0]["text"] for entry in feeder.of_epoch(plan, epoch)]

    assert order(7, 0, 0, 1) == order(7, 0, 0, 1)
    assert order(7, 0, 0, 1) != order(7, 1, 0, 1)
    assert order(7, 0, 0, 1) != order(8, 0, 0, 1)
    both = order(7, 3, 0, 2) + order(7, 3, 1, 2)
    assert sorted(map(int, both)) == list(range(20))


def test_the_attributes_of_an_augmented_manifest() -> None:
    line = json.dumps({"source-ref": "s3://b/k", "class": {"id": 1}, "text": "as is", "more": 2})
    assert pipes.attributes(line, ["class", "source-ref", "text"]) == [
        ("class", '{"id": 1}'),
        ("source-ref", "s3://b/k"),
        ("text", "as is"),
    ]


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[]", "no JSON object"),
        ("{", "no JSON object"),
        ('{"x": 1}', "has no attribute source-ref"),
        ('{"source-ref": 1}', "no S3 URI"),
    ],
)
def test_a_line_that_is_none(line: str, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        pipes.attributes(line, ["source-ref"])


@pytest.mark.parametrize(
    ("changes", "source", "message"),
    [
        ({"CompressionType": "Gzip"}, {}, "CompressionType Gzip can be used in Pipe input mode"),
        ({"RecordWrapperType": "RecordIO"}, {}, "RecordWrapperType RecordIO can be used in Pipe"),
        ({"ShuffleConfig": {"Seed": 1}}, {}, "ShuffleConfig has an effect in Pipe"),
        (
            {},
            {"S3DataType": "AugmentedManifestFile", "AttributeNames": ["a-ref"]},
            "S3DataType AugmentedManifestFile can be used in Pipe",
        ),
        (
            {"InputMode": "Pipe"},
            {"S3DataType": "AugmentedManifestFile"},
            "needs AttributeNames and the RecordWrapperType RecordIO",
        ),
    ],
)
async def test_what_needs_pipe_mode_says_so(
    tmp_path: Path, changes: dict[str, Any], source: dict[str, Any], message: str
) -> None:
    given = channel("train", "train/", **source) | changes
    async with bench(tmp_path, lambda _: 0) as at:
        with pytest.raises(AwsError, match=message) as refused:
            await at.ask("CreateTrainingJob", **training_request(InputDataConfig=[given]))
    assert refused.value.code == "ValidationException"


async def test_a_model_without_an_archive(tmp_path: Path) -> None:
    def play(spec: Any) -> int:
        model = next(one.source for one in spec.mounts if one.target == "/opt/ml") / "model"
        (model / "sub").mkdir()
        (model / "sub" / "weights").write_text("1")
        (model / "config").write_text("2")
        (model / "link").symlink_to("/etc/passwd")
        return 0

    async with bench(tmp_path, play) as at:
        await at.put("train/a.csv", b"1\n")
        output = {"S3OutputPath": "s3://data/out", "CompressionType": "NONE"}
        await at.ask("CreateTrainingJob", **training_request(OutputDataConfig=output))
        job = await _completed(at)
        place = "out/Job-1/output/model/"
        found = [one.key for one in await at.objects.walk("data", place)]
        content = await at.content(f"{place}sub/weights")
    assert job["ModelArtifacts"]["S3ModelArtifacts"] == f"s3://data/{place}"
    assert found == [f"{place}config", f"{place}sub/weights"], "a link could lead out"
    assert content == b"1"


async def test_a_job_that_has_ended_is_deleted_and_its_name_is_free(tmp_path: Path) -> None:
    ends: list[int | None] = [None, 0]
    async with bench(tmp_path, lambda _: ends.pop()) as at:
        await at.put("train/a.csv", b"1\n")
        pool = {"InstanceCount": 1, "InstanceType": "ml.m5.large", "VolumeSizeInGB": 1}
        kept = training_request(ResourceConfig=pool | {"KeepAlivePeriodInSeconds": 600})
        await at.ask("CreateTrainingJob", **kept)
        job = await _completed(at)
        assert job["WarmPoolStatus"]["Status"] == "Terminated"
        await at.ask("DeleteTrainingJob", TrainingJobName="Job-1")
        with pytest.raises(AwsError, match="not found"):
            await at.ask("DescribeTrainingJob", TrainingJobName="Job-1")

        await at.ask("CreateTrainingJob", **kept)
        job = await at.ask("DescribeTrainingJob", TrainingJobName="Job-1")
        assert job["WarmPoolStatus"] == {"Status": "InUse"}
        with pytest.raises(AwsError, match="cannot be deleted: it has not ended") as refused:
            await at.ask("DeleteTrainingJob", TrainingJobName="Job-1")
        assert refused.value.code == "ResourceInUse"


async def _completed(at: Bench) -> Any:
    job = await at.until(
        lambda: at.ask("DescribeTrainingJob", TrainingJobName="Job-1"),
        lambda one: one["TrainingJobStatus"] in {"Completed", "Failed"},
    )
    assert job["TrainingJobStatus"] == "Completed", job
    return job
