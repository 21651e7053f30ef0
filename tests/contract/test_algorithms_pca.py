"""Built-in PCA, as the programs that run: trained, served and asked."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.decomposition import PCA

from flowmaker.sagemaker.algorithms.pca import components
from tests.fakes.algorithm_data import csv, digits, pbr
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

X = digits()[0]
COUNT = 8
THEIRS = PCA(COUNT, svd_solver="full").fit(X)
SETTINGS = {"feature_dim": 64, "num_components": COUNT, "mini_batch_size": 500}


def trained_on(base: Path, **settings: object) -> TrainingFolder:
    channels = {"train": ("", {"matrix_0.pbr": pbr(X)})}
    folder = training_folder(base, "pca", {**SETTINGS, **settings}, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with trained_on(tmp_path_factory.mktemp("ml")).serving() as server:
        yield server


def projected(served: Served, rows: np.ndarray) -> np.ndarray:
    reply = served.invoke(csv(rows), "text/csv")
    assert reply.status == 200, reply.body
    found = json.loads(reply.body)["projections"]
    return np.array([one["projection"] for one in found])


def test_projections_are_scikit_learn_s_with_the_largest_component_last(served: Served) -> None:
    theirs = THEIRS.transform(X[:50])[:, ::-1]
    np.testing.assert_allclose(np.abs(projected(served, X[:50])), np.abs(theirs), atol=1e-4)


def test_all_forms_of_question_and_answer_agree(served: Served) -> None:
    expected = projected(served, X[:2])
    instances = {"instances": [{"features": row} for row in X[:2].tolist()]}
    reply = served.invoke(json.dumps(instances), "application/json", "application/jsonlines")
    rows = [json.loads(line)["projection"] for line in reply.body.splitlines()]
    np.testing.assert_allclose(rows, expected, atol=1e-4)
    reply = served.invoke(pbr(X[:2]), "application/x-recordio-protobuf", "text/csv")
    lines = [line.split(",") for line in reply.body.decode().splitlines()]
    np.testing.assert_allclose(np.array(lines, dtype=float), expected, atol=1e-4)


@pytest.mark.parametrize(
    "settings", [{"algorithm_mode": "randomized"}, {"algorithm_mode": "stable"}]
)
def test_every_mode_explains_as_much_of_the_variance(
    tmp_path: Path, settings: dict[str, object]
) -> None:
    with np.load(trained_on(tmp_path, **settings).model / "pca-model.npz") as arrays:
        explained = arrays["s"][::-1] ** 2
        np.testing.assert_allclose(arrays["mean"], X.mean(axis=0), atol=1e-6)
        np.testing.assert_allclose(arrays["v"].T @ arrays["v"], np.eye(COUNT), atol=1e-8)
    np.testing.assert_allclose(explained, THEIRS.singular_values_**2, rtol=0.01)


def test_without_the_mean_they_are_the_singular_vectors(tmp_path: Path) -> None:
    with np.load(trained_on(tmp_path, subtract_mean="false").model / "pca-model.npz") as arrays:
        np.testing.assert_allclose(
            arrays["s"][::-1], np.linalg.svd(X, compute_uv=False)[:COUNT], rtol=1e-5
        )
        assert not arrays["mean"].any()


def test_two_instances_find_what_one_does(tmp_path: Path) -> None:
    hosts = ("algo-1", "algo-2")
    folders = [
        training_folder(
            tmp_path / host,
            "pca",
            SETTINGS,
            {"train": ("", {"a.pbr": pbr(X[number::2])})},
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for number, host in enumerate(hosts)
    ]
    train_together(folders)
    with np.load(folders[0].model / "pca-model.npz") as arrays:
        np.testing.assert_allclose(arrays["s"][::-1], THEIRS.singular_values_, rtol=1e-5)
    assert not folders[1].model.exists()


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_components": 65}, "num_components (65) must not be more than feature_dim (64)"),
        ({"feature_dim": 63, "num_components": 2}, "records have 64 features"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    channels = {"train": ("", {"a": pbr(X[:5])})}
    folder = training_folder(tmp_path, "pca", {**SETTINGS, **settings}, channels)
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure


def test_sums_of_parts_are_the_sum() -> None:
    whole = components.sums(X)
    np.testing.assert_allclose(components.sums(X[:7]) + components.sums(X[7:]), whole)
    np.testing.assert_allclose(components.mean_of(whole), X.mean(axis=0))
