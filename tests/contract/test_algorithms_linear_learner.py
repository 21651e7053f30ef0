"""Built-in linear learner, as the programs that run: trained, served and asked."""

import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scipy.optimize import approx_fprime
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from flowmaker.sagemaker.algorithms.linear_learner import losses, scores
from flowmaker.sagemaker.algorithms.linear_learner.schema import DEFINITIONS, LOSSES
from tests.fakes.algorithm_data import cancer, csv, diabetes, digits, pbr
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

BINARY = {"predictor_type": "binary_classifier", "mini_batch_size": 50}
MULTICLASS = {"predictor_type": "multiclass_classifier", "num_classes": 10, "mini_batch_size": 100}
REGRESSOR = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 30}

Data = tuple[np.ndarray, ...]


def trained_on(base: Path, settings: dict[str, object], data: Data) -> tuple[TrainingFolder, str]:
    train, labels, test, test_labels = data
    channels = {
        "train": ("", {"matrix_0.pbr": pbr(train, labels)}),
        "validation": ("text/csv", {"validation.csv": csv(test[::2], test_labels[::2])}),
        "test": ("text/csv", {"test.csv": csv(test[1::2], test_labels[1::2])}),
    }
    folder = training_folder(base, "linear_learner", settings, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder, log


def metric(log: str, name: str) -> float:
    return float(re.findall(dict(DEFINITIONS)[name], log)[-1])


@pytest.fixture(scope="module")
def binary(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    return trained_on(tmp_path_factory.mktemp("ml"), BINARY, cancer())


@pytest.fixture(scope="module")
def served(binary: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with binary[0].serving() as server:
        yield server


def test_a_classifier_is_as_good_as_logistic_regression(
    binary: tuple[TrainingFolder, str],
) -> None:
    train, labels, test, test_labels = cancer()
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(train, labels)
    rows, expected = test[1::2], test_labels[1::2]
    log = binary[1]
    assert metric(log, "test:binary_classification_accuracy") >= theirs.score(rows, expected) - 0.02
    area = roc_auc_score(expected, theirs.predict_proba(rows)[:, 1])
    assert metric(log, "test:roc_auc_score") >= area - 0.01
    assert "12 models" in log, "what is auto is tried"


def test_labels_follow_the_threshold(served: Served, binary: tuple[TrainingFolder, str]) -> None:
    threshold = json.loads((binary[0].model / "linear-learner-model.json").read_text())["threshold"]
    rows = cancer()[2]
    answered = json.loads(served.invoke(csv(rows), "text/csv").body)["predictions"]
    assert {one["predicted_label"] for one in answered} == {0, 1}
    for one in answered:
        assert 0 <= one["score"] <= 1
        assert one["predicted_label"] == int(one["score"] >= threshold)


def test_all_forms_of_question_and_answer_agree(served: Served) -> None:
    rows = cancer()[2][:2]
    expected = json.loads(served.invoke(csv(rows), "text/csv").body)["predictions"]
    instances = json.dumps({"instances": [{"features": row} for row in rows.tolist()]})
    found = json.loads(served.invoke(instances, "application/json").body)["predictions"]
    lines = served.invoke(pbr(rows), "application/x-recordio-protobuf", "text/csv").body
    for one, other, line in zip(found, expected, lines.splitlines(), strict=True):
        assert one["score"] == pytest.approx(other["score"], abs=1e-5)
        assert float(line.split(b",")[0]) == pytest.approx(other["score"], abs=1e-5)


def test_ten_classes(tmp_path: Path) -> None:
    data = digits()
    folder, log = trained_on(tmp_path, {**MULTICLASS, "num_models": 4}, data)
    theirs = LogisticRegression(max_iter=1000).fit(data[0], data[1])
    expected = theirs.score(data[2][1::2], data[3][1::2])
    assert metric(log, "test:multiclass_accuracy") >= expected - 0.02
    assert metric(log, "test:multiclass_top_k_accuracy") > metric(log, "test:multiclass_accuracy")
    with folder.serving() as served:
        reply = served.invoke(csv(data[2][:5]), "text/csv")
    for one in json.loads(reply.body)["predictions"]:
        assert sum(one["score"]) == pytest.approx(1)
        assert one["predicted_label"] == int(np.argmax(one["score"]))


def test_a_regressor_is_as_good_as_least_squares(tmp_path: Path) -> None:
    data = diabetes()
    folder, log = trained_on(tmp_path, REGRESSOR, data)
    theirs = LinearRegression().fit(data[0], data[1])
    expected = np.mean((theirs.predict(data[2][1::2]) - data[3][1::2]) ** 2)
    assert metric(log, "test:mse") <= expected * 1.05
    assert metric(log, "test:rmse") == pytest.approx(metric(log, "test:mse") ** 0.5)
    with np.load(folder.model / "linear-learner-model.npz") as arrays:
        ours = data[2] @ arrays["weights"][:, 0] + arrays["bias"][0]
    assert np.corrcoef(ours, theirs.predict(data[2]))[0, 1] > 0.98


@pytest.mark.parametrize("quantile", [0.1, 0.9])
def test_a_quantile_has_that_share_below_it(tmp_path: Path, quantile: float) -> None:
    data = diabetes()
    settings = {**REGRESSOR, "loss": "quantile_loss", "quantile": quantile, "num_models": 4}
    folder, _ = trained_on(tmp_path, settings, data)
    with np.load(folder.model / "linear-learner-model.npz") as arrays:
        ours = data[0] @ arrays["weights"][:, 0] + arrays["bias"][0]
    assert np.mean(np.less(data[1], ours)) == pytest.approx(quantile, abs=0.06)


@pytest.mark.parametrize(("optimizer", "rate"), [("sgd", 0.1), ("rmsprop", 0.01), ("adam", 0.1)])
def test_every_optimizer_learns(tmp_path: Path, optimizer: str, rate: float) -> None:
    settings = {
        **BINARY,
        "optimizer": optimizer,
        "learning_rate": rate,
        "momentum": 0.5,
        "wd": 0.0001,
        "l1": 0.0001,
        "loss": "hinge_loss",
    }
    _, log = trained_on(tmp_path, settings, cancer())
    assert metric(log, "test:binary_classification_accuracy") > 0.94
    assert "1 models" in log


@pytest.mark.parametrize(
    ("criterion", "wanted"),
    [("precision_at_target_recall", "recall"), ("recall_at_target_precision", "precision")],
)
def test_a_target_is_kept_on_the_validation_data(
    tmp_path: Path, criterion: str, wanted: str
) -> None:
    settings = {
        **BINARY,
        "binary_classifier_model_selection_criteria": criterion,
        f"target_{wanted}": 0.99,
        "num_models": 1,
    }
    _, log = trained_on(tmp_path, settings, cancer())
    assert metric(log, f"validation:{wanted}") >= 0.99


def test_l1_makes_weights_of_no_use_zero(tmp_path: Path) -> None:
    train, labels, test, test_labels = cancer()
    noise = np.random.default_rng(0).standard_normal((len(train) + len(test), 5))
    data = (
        np.hstack([train, noise[: len(train)]]),
        labels,
        np.hstack([test, noise[len(train) :]]),
        test_labels,
    )
    settings = {**BINARY, "l1": 0.1, "learning_rate": 0.3, "wd": 0, "optimizer": "sgd"}
    whole = {"mini_batch_size": len(train), "epochs": 200, "use_lr_scheduler": "false"}
    folder, _ = trained_on(tmp_path, settings | whole, data)
    with np.load(folder.model / "linear-learner-model.npz") as arrays:
        weights = arrays["weights"][:, 0]
    assert np.count_nonzero(weights[-5:]) == 0
    assert 1 <= np.count_nonzero(weights[:-5]) < 20


def test_two_instances_make_one_model(tmp_path: Path) -> None:
    train, labels, test, test_labels = cancer()
    hosts = ("algo-1", "algo-2")
    folders = [
        training_folder(
            tmp_path / host,
            "linear_learner",
            {**BINARY, "num_models": 2},
            {
                "train": ("", {"a.pbr": pbr(train[number::2], labels[number::2])}),
                "test": ("text/csv", {"test.csv": csv(test, test_labels)}),
            },
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for number, host in enumerate(hosts)
    ]
    logs = train_together(folders)
    assert metric(logs[0], "test:binary_classification_accuracy") > 0.94
    assert not folders[1].model.exists()


@pytest.mark.parametrize("name", [name for names in LOSSES.values() for name in names])
def test_the_slopes_are_those_of_the_losses(name: str) -> None:
    loss = losses.named(name, margin=1, insensitivity=0.1, quantile=0.3, huber_delta=0.5)
    classes = 3 if name == "softmax_loss" else 1
    rng = np.random.default_rng(0)
    for target in (0.0, 1.0):
        point = rng.normal(size=classes)
        targets = np.array([target])

        def value(z: np.ndarray, targets: np.ndarray = targets) -> float:
            return float(loss.values(z.reshape(1, 1, -1), targets)[0, 0])

        slopes = loss.slopes(point.reshape(1, 1, -1), targets)[0, 0]
        np.testing.assert_allclose(slopes, approx_fprime(point, value), atol=1e-4)


def test_the_threshold_is_the_best_there_is() -> None:
    rng = np.random.default_rng(0)
    found = rng.random(200).round(2)
    targets = (found + rng.normal(0, 0.3, 200) > 0.6).astype(float)
    for criterion, of in (("accuracy", "accuracy"), ("f1", "f")):
        best = scores.calibrate(found, targets, criterion, beta=1, target=0.8)
        tried = [scores.at(found, targets, cut) for cut in np.unique(found)]
        values = [one.f(1) if of == "f" else one.accuracy for one in tried]
        chosen = scores.at(found, targets, best.threshold)
        assert (chosen.f(1) if of == "f" else chosen.accuracy) == pytest.approx(max(values))
    assert scores.area_under_curve(found, targets) == pytest.approx(roc_auc_score(targets, found))


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"predictor_type": "multiclass_classifier"}, "num_classes is required"),
        ({"predictor_type": "regressor", "num_classes": 3}, "num_classes is for"),
        ({"predictor_type": "regressor", "loss": "logistic"}, "loss logistic is not one of"),
        (BINARY, "the label 2 is not a class of a binary_classifier"),
        ({**MULTICLASS, "feature_dim": 7}, "records have 4 features, and feature_dim is 7"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], words: str
) -> None:
    data = pbr(np.ones((3, 4)), np.array([0, 1, 2]))
    folder = training_folder(tmp_path, "linear_learner", settings, {"train": ("", {"a": data})})
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure
