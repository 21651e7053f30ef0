"""Channels of the built-in algorithms: what is read as files and through pipes."""

import io
import threading
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from flowmaker.sagemaker.algorithms import observations, sparse
from flowmaker.sagemaker.algorithms.job import Channel, CustomerError
from flowmaker.sagemaker.algorithms.xgboost import data
from flowmaker.sagemaker.container import feeder
from tests.fakes.algorithm_data import csv, pbr

X = np.arange(12, dtype=np.float32).reshape(6, 2)
Y = np.array([0, 1, 0, 1, 1, 0], dtype=np.float32)

RECORDIO = "application/x-recordio-protobuf"


def parquet(features: np.ndarray, labels: np.ndarray) -> bytes:
    """As pandas writes a table whose rows have names."""
    frame = pd.DataFrame({"label": labels.astype(int), "a": features[:, 0], "b": features[:, 1]})
    frame.index = pd.Index([f"row {number}" for number in range(len(frame))])
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


def channel(folder: Path, content_type: str, files: Mapping[str, bytes]) -> Channel:
    """In File mode."""
    made = folder / "train"
    made.mkdir()
    for name, content in files.items():
        (made / name).write_bytes(content)
    return Channel(name="train", folder=made, content_type=content_type)


def piped(folder: Path, content_type: str, *files: bytes, epochs: int = 1) -> Channel:
    """The same in Pipe mode, with a feeder that ends after so many epochs."""
    for number, content in enumerate(files):
        (folder / f"object-{number}").write_bytes(content)
    plan = {
        "name": "train",
        "folder": str(folder),
        "entries": [[{"file": str(folder / f"object-{number}")}] for number in range(len(files))],
        "shard": (0, 1),
        "seed": None,
        "gzip": False,
        "record_io": False,
    }
    feeder.make(folder / "train_0")
    threading.Thread(target=feeder.feed, args=(plan, epochs), daemon=True).start()
    return Channel(name="train", folder=folder / "train", content_type=content_type, piped=True)


WRITERS = [("text/csv", csv), ("application/x-parquet", parquet), (RECORDIO, pbr)]


@pytest.mark.parametrize(("content_type", "write"), WRITERS)
def test_xgboost_reads_files_and_pipes_alike(
    tmp_path: Path, content_type: str, write: type
) -> None:
    parts = write(X[:4], Y[:4]), write(X[4:], Y[4:])
    files = {"a": parts[0], "b": parts[1], "_SUCCESS": b"", ".a.crc": b"crc"}
    for read in (channel(tmp_path, content_type, files), piped(tmp_path, content_type, *parts)):
        table = data.read(read)
        assert np.asarray(table.features).tolist() == X.tolist()
        assert table.label.tolist() == Y.tolist()


@pytest.mark.parametrize(("content_type", "write"), [("text/csv", csv), ("", pbr)])
def test_the_others_read_another_epoch_each_time(
    tmp_path: Path, content_type: str, write: type
) -> None:
    # There is nothing more to read in an epoch that has been read.
    read = piped(tmp_path, content_type, write(X[:4], Y[:4]), write(X[4:], Y[4:]), epochs=2)
    for _ in range(2):
        rows = observations.read(read, 2)
        assert rows.features.tolist() == X.tolist()
        assert rows.targets.tolist() == Y.tolist()


def test_sparse_rows_come_through_pipes_too(tmp_path: Path) -> None:
    rows, labels = sparse.read(piped(tmp_path, RECORDIO, pbr(X, Y)), 2)
    assert len(rows) == len(X)
    assert labels.tolist() == Y.tolist()


def test_libsvm_does_not_come_through_pipes(tmp_path: Path) -> None:
    read = Channel(name="train", folder=tmp_path / "train", content_type="", piped=True)
    with pytest.raises(CustomerError, match="Channel train: Pipe mode is not supported for libsvm"):
        data.read(read)


def test_what_columns_of_parquet_become(tmp_path: Path) -> None:
    """Files may have them in another order, and values may be missing; they are found by name."""

    def written(**columns: object) -> bytes:
        buffer = io.BytesIO()
        pd.DataFrame(columns).to_parquet(buffer)
        return buffer.getvalue()

    first, second = written(y=[1], a=[True], b=[2.5]), written(a=[False], b=[None], y=[0])
    table = data.read(channel(tmp_path, "parquet", {"1": first, "2": second}))
    assert table.label.tolist() == [1, 0]
    np.testing.assert_array_equal(np.asarray(table.features), [[1, 2.5], [0, np.nan]])
