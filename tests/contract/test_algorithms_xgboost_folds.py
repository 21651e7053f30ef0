"""Built-in XGBoost with the models of a cross-validation, and with parts of its predictions."""

import json
import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import xgboost as xgb
from sklearn.model_selection import StratifiedKFold, cross_val_score
from xgboost import XGBClassifier

from flowmaker.sagemaker.algorithms.xgboost import folds
from flowmaker.sagemaker.algorithms.xgboost.metrics import regex
from flowmaker.sagemaker.algorithms.xgboost.selected import Selection
from tests.fakes.algorithm_data import cancer, csv
from tests.fakes.training_folder import TrainingFolder, training_folder

X, Y, X_TEST, Y_TEST = cancer()
SETTINGS = {
    "objective": "binary:logistic",
    "num_round": 10,
    "eval_metric": "error,accuracy",
    "_kfold": 4,
    "nthread": 1,
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    half = len(X) // 2
    channels = {
        "train": ("text/csv", {"a.csv": csv(X[:half], Y[:half])}),
        "validation": ("text/csv", {"b.csv": csv(X[half:], Y[half:])}),
    }
    settings = {**SETTINGS, "_num_cv_round": 2}
    folder = training_folder(tmp_path_factory.mktemp("ml"), "xgboost", settings, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder, log


def test_every_fold_of_every_round_leaves_a_model(trained: tuple[TrainingFolder, str]) -> None:
    folder, log = trained
    assert sorted(path.name for path in folder.model.iterdir()) == [
        f"xgboost-model-{number}" for number in range(8)
    ]
    assert f"Run 2-round of 4-fold cross validation with {len(X)} rows" in log


def test_the_metric_is_the_mean_of_the_folds_as_scikit_learn_has_it(
    trained: tuple[TrainingFolder, str],
) -> None:
    accuracy, lines = regex("validation", "accuracy"), trained[1].splitlines()
    means = [after for line, after in pairwise(lines) if " metrics of " in line]
    first, second, overall = (float(re.findall(accuracy, line)[0]) for line in means)
    assert overall == pytest.approx((first + second) / 2, abs=1e-5)
    assert overall == float(re.findall(accuracy, trained[1])[-1]), "the job's final metric"
    theirs = cross_val_score(
        XGBClassifier(n_estimators=10), X, Y, cv=StratifiedKFold(4, shuffle=True, random_state=0)
    )
    assert overall == pytest.approx(theirs.mean(), abs=0.02)


def test_the_models_answer_with_their_mean(trained: tuple[TrainingFolder, str]) -> None:
    folder = trained[0]
    expected = np.mean(
        [
            xgb.Booster(model_file=bytearray(path.read_bytes())).inplace_predict(X_TEST)
            for path in folder.model.iterdir()
        ],
        axis=0,
    )
    with folder.serving() as served:
        reply = served.invoke(csv(X_TEST), "text/csv")
    scores = np.array(reply.body.split(), dtype=float)
    np.testing.assert_allclose(scores, expected, atol=1e-5)
    assert np.mean((scores > 0.5) == Y_TEST) > 0.94


@pytest.fixture(scope="module")
def selected(trained: tuple[TrainingFolder, str]) -> Iterator[dict[str, str]]:
    wanted = "predicted_label, labels,probability,probabilities,raw_score,predicted_score"
    with trained[0].serving(SAGEMAKER_INFERENCE_OUTPUT=wanted) as served:
        yield {
            accept: served.invoke(csv(X_TEST[:4]), "text/csv", accept).body.decode("latin-1")
            for accept in ("application/json", "text/csv", "application/jsonlines")
        }


def test_parts_of_a_prediction_can_be_selected(selected: dict[str, str]) -> None:
    rows = json.loads(selected["application/json"])["predictions"]
    assert [row["predicted_label"] for row in rows] == Y_TEST[:4].tolist()
    for row in rows:
        assert row["labels"] == [0, 1]
        assert row["probabilities"] == pytest.approx([1 - row["probability"], row["probability"]])
        assert row["raw_score"] == row["probability"]
        assert np.isnan(row["predicted_score"]), "an objective of classes has none"
    lines = [json.loads(line) for line in selected["application/jsonlines"].splitlines()]
    assert [line["probability"] for line in lines] == [row["probability"] for row in rows]
    first = selected["text/csv"].splitlines()[0]
    assert first.startswith(f'{rows[0]["predicted_label"]},"[0, 1]",')


@pytest.mark.parametrize(
    ("objective", "wanted", "words"),
    [
        ("binary:logistic", "probability,odds", "odds is none of predicted_label"),
        ("survival:cox", "predicted_score", "Objective `survival:cox` unsupported"),
    ],
)
def test_what_cannot_be_selected_is_told(objective: str, wanted: str, words: str) -> None:
    with pytest.raises(ValueError, match=re.escape(words)):
        Selection.of(wanted, objective, 0)


def test_several_classes_are_all_told() -> None:
    selection = Selection.of("predicted_label,probabilities,labels,raw_scores", "multi:softprob", 3)
    predicted = np.array([[0.25, 0.5, 0.25]], dtype=np.float32)
    assert selection.rows(predicted) == [
        {
            "predicted_label": 1,
            "probabilities": [0.25, 0.5, 0.25],
            "labels": [0, 1, 2],
            "raw_scores": [0.25, 0.5, 0.25],
        }
    ]


def test_classes_are_in_the_folds_as_in_the_data() -> None:
    labels = np.repeat([0, 1], [90, 9]).astype(np.float32)
    parts = folds.split(labels, folds=3, classes=True, seed=1)
    assert sorted(np.concatenate(parts).tolist()) == list(range(99))
    assert [int(labels[part].sum()) for part in parts] == [3, 3, 3]
    for train, held in folds.pairs(parts):
        assert sorted([*train.tolist(), *held.tolist()]) == list(range(99))


@pytest.mark.parametrize(
    ("settings", "hosts", "words"),
    [
        ({}, ("algo-1", "algo-2"), "set the InstanceCount to 1"),
        ({"_kfold": 9}, ("algo-1",), "_kfold is 9, and there are only 3 rows"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], hosts: tuple[str, ...], words: str
) -> None:
    channels = {"train": ("text/csv", {"a": csv(X[:3], np.array([1, 1, 1]))})}
    folder = training_folder(tmp_path, "xgboost", {**SETTINGS, **settings}, channels, hosts=hosts)
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure
