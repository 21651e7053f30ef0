"""Built-in random cut forest, as the programs that run: trained, served and asked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sklearn.ensemble import IsolationForest
from sklearn.metrics import roc_auc_score

from flowmaker.sagemaker.algorithms.random_cut_forest import forest
from flowmaker.sagemaker.algorithms.random_cut_forest.schema import DEFINITIONS
from tests.fakes.algorithm_data import csv, pbr
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

RNG = np.random.default_rng(0)
#: Two clouds; what lies elsewhere is an anomaly.
USUAL = np.concatenate([RNG.normal(0, 1, (900, 3)), RNG.normal(8, 1, (900, 3))])
STRANGE = RNG.uniform(-6, 14, (60, 3))
TEST = np.concatenate([USUAL[::10], STRANGE])
ANOMALY = np.concatenate([np.zeros(len(USUAL[::10])), np.ones(len(STRANGE))])
#: A few that are far off, and one that is called strange but is not.
CHANNEL = np.concatenate([USUAL[::10], [[30.0, 30, 30], [-20, 4, 4], [4, 40, 4]]])
CALLED = np.concatenate([[1.0], np.zeros(len(USUAL[::10]) - 1), np.ones(3)])
SETTINGS = {"feature_dim": 3, "num_trees": 50, "num_samples_per_tree": 256}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    channels = {
        "train": ("text/csv;label_size=0", {"train.csv": csv(USUAL)}),
        "test": ("text/csv;label_size=1", {"test.csv": csv(CHANNEL, CALLED)}),
    }
    folder = training_folder(tmp_path_factory.mktemp("ml"), "random_cut_forest", SETTINGS, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder, log


@pytest.fixture(scope="module")
def served(trained: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with trained[0].serving() as server:
        yield server


def scores(served: Served, rows: np.ndarray) -> np.ndarray:
    reply = served.invoke(csv(rows), "text/csv")
    assert reply.status == 200, reply.body
    return np.array([one["score"] for one in json.loads(reply.body)["scores"]])


def test_anomalies_are_told_as_well_as_by_an_isolation_forest(served: Served) -> None:
    theirs = -IsolationForest(random_state=0).fit(USUAL).score_samples(TEST)
    ours = roc_auc_score(ANOMALY, scores(served, TEST))
    assert ours >= roc_auc_score(ANOMALY, theirs) - 0.01
    assert scores(served, np.array([[100.0, 100.0, 100.0]]))[0] > 3


def test_the_test_channel_is_measured(trained: tuple[TrainingFolder, str]) -> None:
    found = {name: re.findall(regex, trained[1]) for name, regex in DEFINITIONS}
    measured = {name: float(values[-1]) for name, values in found.items()}
    assert measured["test:recall"] == 3 / 4
    assert measured["test:precision"] == 1
    assert measured["test:f1"] == pytest.approx(2 * 0.75 / 1.75)
    assert measured["test:accuracy"] == pytest.approx(1 - 1 / len(CHANNEL))


def test_all_forms_of_question_and_answer_agree(served: Served) -> None:
    expected = scores(served, TEST[:2])
    instances = {"instances": [{"features": row} for row in TEST[:2].tolist()]}
    reply = served.invoke(json.dumps(instances), "application/json")
    assert reply.content_type == "application/json"
    rows = [one["score"] for one in json.loads(reply.body)["scores"]]
    np.testing.assert_allclose(rows, expected, rtol=1e-5)
    reply = served.invoke(pbr(TEST[:2]), "application/x-recordio-protobuf", "text/csv")
    np.testing.assert_allclose([float(line) for line in reply.body.splitlines()], expected)


def test_a_tree_of_two_points_scores_as_the_formula_says() -> None:
    """One cut, at depth 0; both leaves, at depth 1, hold one point."""
    grown = forest.grow([np.array([[0.0], [1.0]], dtype=np.float32)], np.random.default_rng(0))
    size = np.log2(3)
    # Seen before: (1 - 1/4) / (1 + log2(2)). Outside by 1: cut off at the root half of the times;
    # otherwise, with a whole box of its own, at the leaf.
    seen, outside = (0.75 / 2) * size, (0.5 / 1 + 0.5 / 2) * size
    found = grown.scores(np.array([[0.0], [1.0], [2.0], [-1.0]], dtype=np.float32))
    np.testing.assert_allclose(found, [seen, seen, outside, outside])


def test_equal_points_make_one_leaf() -> None:
    grown = forest.grow([np.ones((9, 2), dtype=np.float32)], np.random.default_rng(0))
    assert grown.mass.tolist() == [9]
    assert grown.scores(np.zeros((1, 2), dtype=np.float32)) == pytest.approx(np.log2(10))


def test_samples_are_drawn_of_all_instances_rows_alike(tmp_path: Path) -> None:
    hosts = ("algo-1", "algo-2")
    parts = (USUAL[USUAL[:, 0] < 4], USUAL[USUAL[:, 0] >= 4][:300])
    folders = [
        training_folder(
            tmp_path / host,
            "random_cut_forest",
            SETTINGS,
            {"train": ("text/csv;label_size=0", {"a.csv": csv(part)})},
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for host, part in zip(hosts, parts, strict=True)
    ]
    train_together(folders)
    with np.load(folders[0].model / "rcf-model.npz") as arrays:
        leaves = arrays["low"][arrays["left"] < 0]
    share = float(np.mean(np.less(leaves[:, 0], 4)))
    assert share == pytest.approx(len(parts[0]) / (len(parts[0]) + 300), abs=0.02)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"num_trees": 10}, "Hyperparameter num_trees: 10 is not in [50, 1000]"),
        ({"feature_dim": 2}, "feature_dim is 2"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    channels = {"train": ("text/csv;label_size=0", {"a": csv(USUAL[:5])})}
    folder = training_folder(tmp_path, "random_cut_forest", {**SETTINGS, **settings}, channels)
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure
