"""Built-in k-nearest neighbors, as the programs that run: trained, served and asked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.neighbors import KNeighborsClassifier, KNeighborsRegressor, NearestNeighbors

from flowmaker.sagemaker.algorithms.knn.neighbors import Index, Reduction, vote
from flowmaker.sagemaker.algorithms.knn.schema import DEFINITIONS
from tests.fakes.algorithm_data import csv, diabetes, digits, pbr
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

X, Y, X_TEST, Y_TEST = digits()
SETTINGS = {"feature_dim": 64, "k": 5, "predictor_type": "classifier", "sample_size": 5000}


def trained_on(
    base: Path, settings: dict[str, object], data: tuple[np.ndarray, ...] = (X, Y, X_TEST, Y_TEST)
) -> tuple[TrainingFolder, str]:
    train, labels, test, test_labels = data
    channels = {
        "train": ("", {"matrix_0.pbr": pbr(train, labels)}),
        "test": ("text/csv", {"test.csv": csv(test, test_labels)}),
    }
    folder = training_folder(base, "knn", {**SETTINGS, **settings}, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder, log


def metric(log: str, name: str) -> float:
    return float(re.findall(dict(DEFINITIONS)[name], log)[-1])


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    return trained_on(tmp_path_factory.mktemp("ml"), {})


@pytest.fixture(scope="module")
def served(trained: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with trained[0].serving() as server:
        yield server


def test_the_accuracy_is_scikit_learn_s(trained: tuple[TrainingFolder, str]) -> None:
    theirs = KNeighborsClassifier(5).fit(X, Y).score(X_TEST, Y_TEST)
    assert metric(trained[1], "test:accuracy") == pytest.approx(theirs, abs=0.005)


def test_a_regressor_gives_the_mean_of_the_neighbors(tmp_path: Path) -> None:
    data = diabetes()
    _, log = trained_on(tmp_path, {"feature_dim": 10, "predictor_type": "regressor"}, data)
    theirs = KNeighborsRegressor(5).fit(data[0], data[1]).predict(data[2])
    expected = np.mean((theirs - data[3]) ** 2)
    assert metric(log, "test:mse") == pytest.approx(expected, rel=1e-3)


def test_verbose_answers_tell_the_neighbors(served: Served) -> None:
    reply = served.invoke(csv(X_TEST[:3]), "text/csv", "application/json; verbose=true")
    rows = json.loads(reply.body)["predictions"]
    away, near = NearestNeighbors(n_neighbors=5).fit(X).kneighbors(X_TEST[:3])
    for row, theirs, neighbors in zip(rows, away, near, strict=True):
        np.testing.assert_allclose(row["distances"], theirs**2, atol=1e-4)
        assert row["labels"] == Y[neighbors].tolist()
        assert row["predicted_label"] in row["labels"]
    plain = json.loads(served.invoke(csv(X_TEST[:3]), "text/csv").body)["predictions"]
    assert plain == [{"predicted_label": row["predicted_label"]} for row in rows]


@pytest.mark.parametrize("kind", ["sign", "fjlt"])
def test_a_reduction_of_dimensions_keeps_distances(tmp_path: Path, kind: str) -> None:
    reduced = {"dimension_reduction_type": kind, "dimension_reduction_target": 40}
    folder, log = trained_on(tmp_path, {**reduced, "index_type": "faiss.IVFPQ"})
    assert metric(log, "test:accuracy") > 0.93
    assert "index_type faiss.IVFPQ: neighbors are searched for exactly here" in log
    points = np.random.default_rng(1).standard_normal((50, 200)).astype(np.float32)
    before = np.linalg.norm(points[0] - points[1:], axis=1)
    smaller = Reduction.draw(kind, 200, 150)(points)
    after = np.linalg.norm(smaller[0] - smaller[1:], axis=1)
    np.testing.assert_allclose(after, before, rtol=0.3)
    with folder.serving() as served:
        reply = served.invoke(csv(X_TEST[:20]), "text/csv")
        found = [one["predicted_label"] for one in json.loads(reply.body)["predictions"]]
    assert np.mean(np.equal(found, Y_TEST[:20])) > 0.8


@pytest.mark.parametrize("metric_name", ["L2", "COSINE", "INNER_PRODUCT"])
def test_every_metric_finds_its_nearest(metric_name: str) -> None:
    points, query = X[:200].astype(np.float32), X_TEST[:1].astype(np.float32)
    index = Index(points=points, labels=Y[:200].astype(float), k=3, metric=metric_name)
    rows, values = index.search(query)
    away = {
        "L2": ((points - query) ** 2).sum(axis=1),
        "INNER_PRODUCT": -(points @ query[0]),
        "COSINE": -(points @ query[0]) / np.linalg.norm(points, axis=1) / np.linalg.norm(query),
    }[metric_name]
    assert rows[0].tolist() == np.argsort(away)[:3].tolist()
    expected = np.sort(away)[:3] * (1 if metric_name == "L2" else -1)
    np.testing.assert_allclose(values[0], expected, rtol=1e-4)


def test_of_equally_frequent_labels_the_nearest_wins() -> None:
    assert vote(np.array([[2.0, 1.0, 1.0, 2.0], [3.0, 1.0, 2.0, 4.0]])).tolist() == [2.0, 3.0]


def test_the_sample_is_as_large_as_asked_and_of_all_instances(tmp_path: Path) -> None:
    hosts = ("algo-1", "algo-2")
    halves = (slice(0, 900), slice(900, None))
    folders = [
        training_folder(
            tmp_path / host,
            "knn",
            {**SETTINGS, "sample_size": 600},
            {"train": ("", {"a.pbr": pbr(X[half], Y[half])})},
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for host, half in zip(hosts, halves, strict=True)
    ]
    train_together(folders)
    with np.load(folders[0].model / "knn-model.npz") as arrays:
        kept = {row.tobytes() for row in arrays["points"]}
    first = {row.tobytes() for row in X[halves[0]].astype(np.float32)}
    assert 595 <= len(kept) <= 600
    assert len(kept & first) == pytest.approx(600 * 900 / len(X), abs=3)


@pytest.mark.parametrize(
    ("settings", "data", "words"),
    [
        ({"k": 10}, pbr(X[:5], Y[:5]), "k is 10, and the sample has 5 rows"),
        ({}, pbr(X[:9]), "The data has no labels"),
        (
            {"dimension_reduction_type": "sign", "dimension_reduction_target": 64},
            b"",
            "dimension_reduction_target that is less than feature_dim (64)",
        ),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], data: bytes, words: str
) -> None:
    folder = training_folder(
        tmp_path, "knn", {**SETTINGS, **settings}, {"train": ("", {"a": data})}
    )
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure
