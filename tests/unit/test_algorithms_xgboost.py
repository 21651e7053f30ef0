"""Built-in XGBoost, as the programs that run: trained, served and asked."""

import io
import json
import os
import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import xgboost as xgb
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from flowmaker.sagemaker.algorithms import recordio
from flowmaker.sagemaker.algorithms.xgboost.__main__ import main
from flowmaker.sagemaker.algorithms.xgboost.metrics import regex
from flowmaker.sagemaker.algorithms.xgboost.progress import Progress
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

X, Y = load_digits(return_X_y=True)
X_TRAIN, X_TEST, Y_TRAIN, Y_TEST = train_test_split(X, Y, random_state=0)

SOFTMAX = {
    "objective": "multi:softmax",
    "num_class": 10,
    "num_round": 20,
    "nthread": 1,
    "max_depth": 4,
}


def csv(*columns: np.ndarray) -> bytes:
    buffer = io.StringIO()
    np.savetxt(buffer, np.column_stack(columns), delimiter=",", fmt="%g")
    return buffer.getvalue().encode()


def parquet(**columns: object) -> bytes:
    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def libsvm(x: np.ndarray, y: np.ndarray) -> bytes:
    lines = (
        f"{label:g} " + " ".join(f"{i}:{v:g}" for i, v in enumerate(row) if v)
        for row, label in zip(x, y, strict=True)
    )
    return "".join(f"{line}\n" for line in lines).encode()


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    """Digits, in two files of which one is in a subfolder."""
    half = len(X_TRAIN) // 2
    files = {
        "part-0.csv": csv(Y_TRAIN[:half], X_TRAIN[:half]),
        "more/part-1.csv": csv(Y_TRAIN[half:], X_TRAIN[half:]),
        "_SUCCESS": b"not data",
    }
    folder = training_folder(
        tmp_path_factory.mktemp("ml"),
        "xgboost",
        {**SOFTMAX, "eval_metric": "merror,accuracy"},
        {"train": ("text/csv", files), "validation": ("text/csv", {"v": csv(Y_TEST, X_TEST)})},
    )
    code, log = folder.train()
    assert code == 0, log
    return folder, log


@pytest.fixture(scope="module")
def served(trained: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with trained[0].serving() as server:
        yield server


def test_digits_are_learnt(served: Served) -> None:
    reply = served.invoke(csv(X_TEST), "text/csv")
    assert (reply.status, reply.content_type) == (200, "text/csv")
    lines = reply.body.decode().splitlines()
    assert re.fullmatch(r"\d\.0", lines[0])
    assert np.mean(np.array(lines, dtype=float) == Y_TEST) >= 0.9


def test_the_log_has_the_lines_that_sagemaker_reads_metrics_from(
    trained: tuple[TrainingFolder, str],
) -> None:
    log = trained[1]
    lines = re.findall(
        r"^\[19\]\ttrain-merror:[\d.]+\ttrain-accuracy:[\d.]+\tvalidation-merror:.*$",
        log,
        re.MULTILINE,
    )
    assert len(lines) == 1
    for line in (lines[0], lines[0].replace("\t", "#011")):
        merror = re.match(regex("validation", "merror"), line)
        accuracy = re.match(regex("validation", "accuracy"), line)
        assert merror
        assert accuracy
        assert float(merror[1]) + float(accuracy[1]) == pytest.approx(1, abs=1e-4)
    assert f"Train matrix has {len(X_TRAIN)} rows and 64 columns" in log


def test_forms_of_the_answer(served: Served) -> None:
    body = csv(X_TEST[:2])
    as_csv = [float(line) for line in served.invoke(body, "text/csv").body.split()]
    assert len(as_csv) == 2
    as_json = served.invoke(body, "text/csv", "application/json")
    assert json.loads(as_json.body) == {"predictions": [{"score": x} for x in as_csv]}
    lines = served.invoke(body, "text/csv", "application/jsonlines").body.splitlines()
    assert [json.loads(line) for line in lines] == [{"score": x} for x in as_csv]
    records = list(
        recordio.read(served.invoke(body, "text/csv", "application/x-recordio-protobuf").body)
    )
    assert [record.label["score"].values.tolist() for record in records] == [[x] for x in as_csv]


@pytest.mark.parametrize(
    "content_type", ["text/libsvm", "text/x-libsvm", "application/x-recordio-protobuf"]
)
def test_forms_of_the_question(served: Served, content_type: str) -> None:
    expected = served.invoke(csv(X_TEST[:5]), "text/csv").body
    if "libsvm" in content_type:
        # Zeros are written too: in libsvm, what is absent is missing.
        rows = [" ".join(f"{i}:{v:g}" for i, v in enumerate(row)) for row in X_TEST[:5]]
        body = ("1 " + "\n".join(rows)).encode()
    else:
        body = b"".join(recordio.write({"values": row.astype(np.float32)}) for row in X_TEST[:5])
    assert served.invoke(body, content_type).body == expected


@pytest.mark.parametrize(
    ("body", "content_type", "accept", "status", "words"),
    [
        ("1,2,3", "text/csv", "", 400, "inference data 3 is not consistent with feature size of"),
        ("99:1", "text/libsvm", "", 400, "inference data 100 is larger than feature size of"),
        ("1,x", "text/csv", "", 415, "row 1: could not convert string to float: 'x'"),
        ("{}", "application/json", "", 415, "Content-type application/json not supported"),
        ("nonsense", "application/x-recordio-protobuf", "", 415, "no RecordIO frame at byte 0"),
        ("1", "text/csv", "image/png", 406, "Accept type image/png is not supported"),
    ],
)
def test_refusals(
    served: Served, body: str, content_type: str, accept: str, status: int, words: str
) -> None:
    reply = served.invoke(body, content_type, accept)
    assert reply.status == status
    assert words in reply.body.decode()


def test_the_rest_of_the_hosting_contract(served: Served) -> None:
    assert served.call("GET", "/ping").status == 200
    assert served.invoke(b"", "text/csv").status == 204
    parameters = json.loads(served.call("GET", "/execution-parameters").body)
    assert parameters["BatchStrategy"] == "MULTI_RECORD"
    assert served.call("GET", "/nowhere").status == 404


def test_probabilities_and_batches(tmp_path: Path) -> None:
    folder = training_folder(
        tmp_path / "ml",
        "xgboost",
        {**SOFTMAX, "objective": "multi:softprob", "num_round": 2, "silent": 1},
        {"train": ("", {"a": libsvm(X_TRAIN, Y_TRAIN)})},
    )
    code, log = folder.train()
    assert code == 0, log
    body = csv(X_TEST[:2])
    with folder.serving() as served:
        rows = [line.split(",") for line in served.invoke(body, "text/csv").body.decode().split()]
    with folder.serving(SAGEMAKER_BATCH="true") as served:
        lines = served.invoke(body, "text/csv").body.decode().splitlines()
    assert [json.loads(line) for line in lines] == [[float(x) for x in row] for row in rows]
    assert [sum(map(float, row)) for row in rows] == pytest.approx([1, 1], abs=1e-5)


def test_early_stopping_and_weights(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(300, 3)), rng.integers(0, 2, size=300)
    folder = training_folder(
        tmp_path / "ml",
        "xgboost",
        {
            "objective": "binary:logistic",
            "num_round": 500,
            "early_stopping_rounds": 3,
            "eval_metric": "auc",
            "csv_weights": 1,
        },
        {
            "train": ("text/csv", {"a": csv(y, np.ones(300), x)}),
            "validation": ("text/csv", {"a": csv(y[:90], np.ones(90), rng.normal(size=(90, 3)))}),
        },
    )
    code, log = folder.train()
    assert code == 0, log
    assert "columns" in log
    assert "[0]\ttrain-auc" in log
    assert "[499]" not in log, "noise is not learnt for 500 rounds"
    with folder.serving() as served:
        assert served.invoke(csv(x[:1]), "text/csv").status == 200


@pytest.mark.parametrize(
    ("hyperparameters", "content_type", "data", "words"),
    [
        ({}, "text/csv", b"1,2\n", "Missing required hyperparameter: num_round"),
        ({"num_round": 0}, "text/csv", b"1,2\n", "num_round: 0 is not in [1, +inf)"),
        ({"num_round": 1}, "text/csv", b"", "No data in the train channel"),
        ({"num_round": 1}, "text/csv", b"y,a\n1,2\n", "is it a header?"),
        ({"num_round": 1}, "text/csv", b"1,2\n1,2,3\n", "row 2 has 3 values, row 1 has 2"),
        ({"num_round": 1}, "", b"1,2\n", "Set the channel's ContentType"),
        ({"num_round": 1}, "application/x-parquet", b"PAR1", "it is no Parquet file"),
        ({"num_round": 1}, "parquet", parquet(y=["a"], x=[1]), "the column y is of the type str"),
        ({"num_round": 1}, "parquet", parquet(y=[1], x=[[1]]), "the column x is of the type list"),
        ({"num_round": 1}, "parquet", parquet(y=[1, 2]), "1 columns: the label comes first"),
        ({"num_round": 1}, "image/png", b"1", "image/png is not an accepted ContentType"),
        (
            {"num_round": 1, "objective": "binary:logistic"},
            "text/csv",
            b"7,2\n8,1\n",
            "label must be in [0,1] for binary:logistic, found 7 to 8",
        ),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    hyperparameters: dict[str, object],
    content_type: str,
    data: bytes,
    words: str,
) -> None:
    folder = training_folder(
        tmp_path / "ml", "xgboost", hyperparameters, {"train": (content_type, {"a": data})}
    )
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(folder.base))
    assert main(["train"]) == 2
    assert words in folder.failure
    assert "Traceback" not in capfd.readouterr().err


def test_sigterm_keeps_the_model_so_far(tmp_path: Path) -> None:
    folder = training_folder(
        tmp_path / "ml",
        "xgboost",
        {**SOFTMAX, "num_round": 100_000, "save_model_on_termination": "true"},
        {"train": ("text/csv", {"a": csv(Y_TRAIN, X_TRAIN)})},
    )
    with _started(folder) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if line.startswith("[3]"):
                process.send_signal(signal.SIGTERM)
                break
        process.stdout.read()
        assert process.wait(timeout=30) == 0
    with folder.serving() as served:
        assert served.invoke(csv(X_TEST[:1]), "text/csv").status == 200


def test_of_fast_rounds_one_checkpoint_stays_until_it_is_uploaded(tmp_path: Path) -> None:
    def rounds() -> list[int]:
        return sorted(int(path.suffix[1:]) for path in tmp_path.glob("xgboost-checkpoint.*"))

    model = xgb.train({}, xgb.DMatrix(np.eye(2), label=[0, 1]), num_boost_round=1)
    after = Progress(logs=False, checkpoints=tmp_path)
    for number in range(12):
        after.after_iteration(model, number, {})
    assert rounds() == [0, 7, 8, 9, 10, 11]
    os.utime(tmp_path / "xgboost-checkpoint.0", (0, 0))
    for number in (12, 13):
        after.after_iteration(model, number, {})
    assert rounds() == [8, 9, 10, 11, 12, 13]


def test_a_checkpoint_is_resumed(tmp_path: Path) -> None:
    folder = training_folder(
        tmp_path / "ml",
        "xgboost",
        {**SOFTMAX, "num_round": 3},
        {"train": ("text/csv", {"a": csv(Y_TRAIN, X_TRAIN)})},
    )
    kept = tmp_path / "checkpoints"
    config = folder.base / "input" / "config"
    (config / "checkpointconfig.json").write_text(json.dumps({"LocalPath": str(kept)}))
    assert folder.train()[0] == 0
    assert sorted(path.name for path in kept.iterdir()) == [
        f"xgboost-checkpoint.{n}" for n in range(3)
    ]
    (config / "hyperparameters.json").write_text(
        json.dumps({name: str(v) for name, v in {**SOFTMAX, "num_round": 5}.items()})
    )
    code, log = folder.train()
    assert code == 0
    assert "Resuming from iteration 3" in log
    assert re.findall(r"^\[(\d+)\]", log, re.MULTILINE) == ["3", "4"]


@pytest.mark.parametrize("count", [2, 4])
def test_instances_train_one_model(tmp_path: Path, count: int) -> None:
    """Each has its part of the data; one more has none and leaves."""
    hosts = tuple(f"algo-{number + 1}" for number in range(count + 1))
    shards = [csv(Y_TRAIN[i::count], X_TRAIN[i::count]) for i in range(count)] + [b""]
    folders = [
        training_folder(
            tmp_path / host,
            "xgboost",
            SOFTMAX,
            {"train": ("text/csv", {"a": shard} if shard else {".none": b""})},
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for host, shard in zip(hosts, shards, strict=True)
    ]
    logs = train_together(folders)
    assert "[19]" in logs[0]
    assert "[19]" not in logs[1], "the first reports for all"
    assert "does not have data" in logs[-1]
    with folders[0].serving() as served:
        lines = served.invoke(csv(X_TEST), "text/csv").body.decode().split()
    assert np.mean(np.array(lines, dtype=float) == Y_TEST) >= 0.9


@contextmanager
def _started(folder: TrainingFolder) -> Iterator[subprocess.Popen[str]]:
    process = folder.start("train")
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
