"""Built-in k-means, as the programs that run: trained, served and asked."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sagemaker.amazon.common import (
    RecordDeserializer,
    RecordSerializer,
    write_numpy_to_dense_tensor,
)
from sklearn.cluster import KMeans
from sklearn.datasets import load_digits

from flowmaker.sagemaker.algorithms.kmeans import clustering
from flowmaker.sagemaker.algorithms.kmeans.__main__ import main
from flowmaker.sagemaker.algorithms.kmeans.schema import DEFINITIONS
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

X = (load_digits().data / 16).astype(np.float32)
BEST = KMeans(n_clusters=10, n_init=10, random_state=0).fit(X).inertia_ / len(X)
SETTINGS = {"k": 10, "feature_dim": 64, "mini_batch_size": 500, "force_dense": "True"}


def pbr(points: np.ndarray) -> bytes:
    """As the SageMaker SDK writes a record set."""
    buffer = io.BytesIO()
    write_numpy_to_dense_tensor(buffer, points, np.zeros(len(points), dtype=np.float32))
    return buffer.getvalue()


def csv(points: np.ndarray) -> bytes:
    buffer = io.StringIO()
    np.savetxt(buffer, points, delimiter=",", fmt="%g")
    return buffer.getvalue().encode()


def metric(log: str, name: str) -> float:
    regex = dict(DEFINITIONS)[name]
    return float(re.findall(regex, log)[-1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    folder = training_folder(
        tmp_path_factory.mktemp("ml"),
        "kmeans",
        {**SETTINGS, "epochs": 2, "eval_metrics": '["msd","ssd"]'},
        {
            "train": ("", {"matrix_0.pbr": pbr(X[:1000]), "matrix_1.pbr": pbr(X[1000:])}),
            "test": ("text/csv;label_size=0", {"test.csv": csv(X[:100])}),
        },
    )
    code, log = folder.train()
    assert code == 0, log
    return folder, log


@pytest.fixture(scope="module")
def served(trained: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with trained[0].serving() as server:
        yield server


def test_the_clusters_are_nearly_as_tight_as_scikit_learn_s(
    trained: tuple[TrainingFolder, str],
) -> None:
    folder, log = trained
    centers = np.load(folder.model / "kmeans-model.npz")["centers"]
    assert centers.shape == (10, 64)
    msd = np.mean(np.min(((X[:, None] - centers) ** 2).sum(axis=2), axis=1))
    assert msd <= 1.05 * BEST
    assert metric(log, "train:msd") == pytest.approx(msd, rel=1e-4)
    assert metric(log, "test:ssd") == pytest.approx(100 * metric(log, "test:msd"))
    assert metric(log, "train:progress") == 100
    assert metric(log, "train:throughput") > 0


def test_the_closest_cluster_is_the_closest(
    served: Served, trained: tuple[TrainingFolder, str]
) -> None:
    centers = np.load(trained[0].model / "kmeans-model.npz")["centers"]
    away = np.linalg.norm(X[:20, None] - centers, axis=2)
    reply = served.invoke(csv(X[:20]), "text/csv")
    assert reply.content_type == "application/json"
    rows = json.loads(reply.body)["predictions"]
    assert [row["closest_cluster"] for row in rows] == away.argmin(axis=1).tolist()
    assert [row["distance_to_cluster"] for row in rows] == pytest.approx(
        away.min(axis=1).tolist(), abs=1e-4
    )


def test_all_forms_of_question_and_answer_agree(served: Served) -> None:
    points = X[:2]
    expected = json.loads(served.invoke(csv(points), "text/csv").body)["predictions"]
    features = points.tolist()
    forms = {
        "application/json": json.dumps({"instances": [{"features": row} for row in features]}),
        "application/json;deep": json.dumps(
            {"instances": [{"data": {"features": {"values": row}}} for row in features]}
        ),
        "application/jsonlines": "\n".join(json.dumps({"features": row}) for row in features),
        "application/x-recordio-protobuf": pbr(points),
    }
    for content_type, body in forms.items():
        answered = json.loads(served.invoke(body, content_type).body)["predictions"]
        for one, other in zip(answered, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-4)
    lines = served.invoke(csv(points), "text/csv", "application/jsonlines").body.splitlines()
    assert [json.loads(line) for line in lines] == expected
    rows = served.invoke(csv(points), "text/csv", "text/csv").body.decode().splitlines()
    assert [float(row.split(",")[1]) for row in rows] == [
        row["distance_to_cluster"] for row in expected
    ]


def test_the_sdk_s_predictor_understands(served: Served) -> None:
    recordio = "application/x-recordio-protobuf"
    body = RecordSerializer().serialize(X[:3])
    reply = served.invoke(body.read(), recordio, recordio)
    records = RecordDeserializer().deserialize(io.BytesIO(reply.body), reply.content_type)
    expected = json.loads(served.invoke(csv(X[:3]), "text/csv").body)["predictions"]
    for record, row in zip(records, expected, strict=True):
        for name, value in row.items():
            assert record.label[name].float32_tensor.values[0] == pytest.approx(value, abs=1e-4)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        ("1,2", "text/csv", 400, "The data has 2 features, the model has 64"),
        ("[1]", "application/json", 400, "it must be"),
        ('{"instances": [{"features": "x"}]}', "application/json", 400, "an instance must be"),
        ("<a/>", "text/xml", 415, "Content-type text/xml is not supported"),
    ],
)
def test_refusals(served: Served, body: str, content_type: str, status: int, words: str) -> None:
    reply = served.invoke(body, content_type)
    assert reply.status == status
    assert words in reply.body.decode()


@pytest.mark.parametrize(
    ("settings", "content_type", "data", "words"),
    [
        ({"k": 2}, "", b"", "Missing required hyperparameter: feature_dim"),
        ({"k": 2, "feature_dim": 3}, "", b"", "No data in the train channel"),
        ({"k": 2, "feature_dim": 3}, "", b"1,2,3", "no RecordIO frame at byte 0"),
        ({"k": 2, "feature_dim": 3}, "text/csv", b"1,2,3\n", "text/csv;label_size=0"),
        ({"k": 2, "feature_dim": 3}, "text/csv", b"0,1,2,3\n", "k is 2, and there are 1"),
        ({"k": 2, "feature_dim": 3}, "text/csv", b"0,1,2,\n", "a value is missing"),
        ({"k": 2, "feature_dim": 3}, "image/png", b"1", "content type image/png is not supported"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path,
    *,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    settings: dict[str, object],
    content_type: str,
    data: bytes,
    words: str,
) -> None:
    folder = training_folder(tmp_path, "kmeans", settings, {"train": (content_type, {"a": data})})
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(folder.base))
    assert main(["train"]) == 2
    assert words in folder.failure
    assert "Traceback" not in capfd.readouterr().err


def test_two_instances_make_one_model(tmp_path: Path) -> None:
    hosts = ("algo-1", "algo-2")
    folders = [
        training_folder(
            tmp_path / host,
            "kmeans",
            {**SETTINGS, "init_method": "kmeans++"},
            {"train": ("", {"a": pbr(X[i::2])})},
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for i, host in enumerate(hosts)
    ]
    logs = train_together(folders)
    centers = np.load(folders[0].model / "kmeans-model.npz")["centers"]
    _, squares = clustering.nearest(X, centers)
    assert squares.mean() <= 1.1 * BEST
    assert metric(logs[0], "train:msd") == pytest.approx(squares.mean(), rel=1e-4)
    assert not folders[1].model.exists(), "only the first saves"


def test_older_points_count_less_with_a_half_life() -> None:
    start = np.zeros((1, 1), dtype=np.float32)
    early, late = (np.full((10, 1), value, dtype=np.float32) for value in (0, 1))
    even, fading = clustering.Stream(start), clustering.Stream(start, half_life=10)
    for stream in (even, fading):
        stream.take(early)
        stream.take(late)
    assert even.centers[0, 0] == pytest.approx(1 / 2)
    assert fading.centers[0, 0] == pytest.approx(2 / 3)
