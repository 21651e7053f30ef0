"""How good the built-in algorithms are, next to the library that people would take instead.

    python -m bench.algorithms

Every algorithm's program trains on two thirds of a data set that scikit-learn brings along, and is
measured on the rest, as is the other; of both, what is random has a fixed seed.
"""

import json
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from sklearn.cluster import KMeans
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.decomposition import PCA
from sklearn.ensemble import IsolationForest
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import log_loss, roc_auc_score
from sklearn.neighbors import KNeighborsClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import PolynomialFeatures, StandardScaler
from xgboost import XGBClassifier

from flowmaker.sagemaker.algorithms import recordio, registry
from flowmaker.sagemaker.algorithms.accounts import ACCOUNTS
from flowmaker.sagemaker.algorithms.random_cut_forest.serve import load as load_forest


@dataclass(frozen=True)
class Data:
    """A data set: every third row is for the test."""

    x: np.ndarray
    y: np.ndarray
    x_test: np.ndarray
    y_test: np.ndarray

    @classmethod
    def of(cls, loader: Callable[..., tuple[np.ndarray, np.ndarray]]) -> "Data":
        x, y = loader(return_X_y=True)
        test = np.arange(len(x)) % 3 == 0
        return cls(x[~test], y[~test], x[test], y[test])


DIGITS, CANCER, DIABETES = map(Data.of, (load_digits, load_breast_cancer, load_diabetes))


def records(x: np.ndarray, y: np.ndarray) -> bytes:
    """RecordIO-wrapped protobuf, which all of them take."""
    return b"".join(
        recordio.write({"values": row.astype("float32")}, {"values": np.atleast_1d(label)})
        for row, label in zip(x, y.astype("float32"), strict=True)
    )


def trained(
    folder: Path, package: str, data: Data, settings: Mapping[str, object], test: str = "test"
) -> str:
    """The log of a job of the algorithm; `test` is the channel that it is measured on."""
    config = folder / "input" / "config"
    config.mkdir(parents=True)
    (config / "hyperparameters.json").write_text(
        json.dumps({name: str(value) for name, value in settings.items()})
    )
    channels = {"train": (data.x, data.y), test: (data.x_test, data.y_test)}
    kind = {"ContentType": "application/x-recordio-protobuf"}
    (config / "inputdataconfig.json").write_text(json.dumps(dict.fromkeys(channels, kind)))
    for name, (x, y) in channels.items():
        (folder / "input" / "data" / name).mkdir(parents=True)
        (folder / "input" / "data" / name / "data.pbr").write_bytes(records(x, y))
    done = subprocess.run(
        [sys.executable, "-m", f"flowmaker.sagemaker.algorithms.{package}", "train"],
        env={"SAGEMAKER_BASE_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    return done.stdout


@dataclass(frozen=True)
class Compared:
    """A row of the table."""

    algorithm: str
    data: str
    metric: str
    ours: float
    other: str
    theirs: float

    def __str__(self) -> str:
        return (
            f"{self.algorithm:24}{self.data:16}{self.metric:36}{self.ours:10.4f}"
            f"{self.theirs:10.4f}  {self.other}"
        )


def metric(algorithm: str, name: str, log: str) -> float:
    """The metric's last value in the log, by the regex that a job's description names."""
    repository = "sagemaker-xgboost" if algorithm == "xgboost" else algorithm
    account = ACCOUNTS["us-east-1", repository]
    tag = "1.7-1" if algorithm == "xgboost" else "1"
    image = f"{account}.dkr.ecr.us-east-1.amazonaws.com/{repository}:{tag}"
    definitions = registry.metric_definitions({"TrainingImage": image})
    return float(re.findall(definitions[name], log)[-1])


def xgboost(folder: Path) -> Compared:
    settings = {
        "objective": "multi:softmax",
        "num_class": 10,
        "num_round": 50,
        "eval_metric": "accuracy",
    }
    log = trained(folder, "xgboost", DIGITS, settings, test="validation")
    theirs = XGBClassifier(n_estimators=50).fit(DIGITS.x, DIGITS.y)
    return Compared(
        "xgboost",
        "digits",
        "validation:accuracy",
        metric("xgboost", "validation:accuracy", log),
        "xgboost.XGBClassifier",
        theirs.score(DIGITS.x_test, DIGITS.y_test),
    )


def kmeans(folder: Path) -> Compared:
    settings = {"k": 10, "feature_dim": 64, "epochs": 5, "init_method": "kmeans++"}
    log = trained(folder, "kmeans", DIGITS, settings)
    theirs = KMeans(10, n_init=10, random_state=0).fit(DIGITS.x)
    return Compared(
        "kmeans",
        "digits",
        "test:msd",
        metric("kmeans", "test:msd", log),
        "sklearn KMeans",
        -theirs.score(DIGITS.x_test) / len(DIGITS.x_test),
    )


def linear_classifier(folder: Path) -> Compared:
    settings = {"predictor_type": "binary_classifier", "mini_batch_size": 50}
    log = trained(folder, "linear_learner", CANCER, settings)
    theirs = make_pipeline(StandardScaler(), LogisticRegression()).fit(CANCER.x, CANCER.y)
    name = "test:binary_classification_accuracy"
    return Compared(
        "linear-learner",
        "breast cancer",
        name,
        metric("linear-learner", name, log),
        "sklearn LogisticRegression",
        theirs.score(CANCER.x_test, CANCER.y_test),
    )


def linear_regressor(folder: Path) -> Compared:
    settings = {"predictor_type": "regressor", "mini_batch_size": 30, "epochs": 30}
    log = trained(folder, "linear_learner", DIABETES, settings)
    theirs = LinearRegression().fit(DIABETES.x, DIABETES.y).predict(DIABETES.x_test)
    return Compared(
        "linear-learner",
        "diabetes",
        "test:mse",
        metric("linear-learner", "test:mse", log),
        "sklearn LinearRegression",
        float(np.mean((theirs - DIABETES.y_test) ** 2)),
    )


def knn(folder: Path) -> Compared:
    settings = {"feature_dim": 64, "k": 5, "predictor_type": "classifier", "sample_size": 2000}
    log = trained(folder, "knn", DIGITS, settings)
    theirs = KNeighborsClassifier(5).fit(DIGITS.x, DIGITS.y)
    return Compared(
        "knn",
        "digits",
        "test:accuracy",
        metric("knn", "test:accuracy", log),
        "sklearn KNeighborsClassifier",
        theirs.score(DIGITS.x_test, DIGITS.y_test),
    )


def pca(folder: Path) -> Compared:
    settings = {"feature_dim": 64, "num_components": 8, "mini_batch_size": 500}
    trained(folder, "pca", DIGITS, {**settings, "algorithm_mode": "randomized"})
    with np.load(folder / "model" / "pca-model.npz") as arrays:
        ours = float(np.sum(arrays["s"] ** 2))
    whole = float(np.sum((DIGITS.x - DIGITS.x.mean(axis=0)) ** 2))
    theirs = PCA(8, svd_solver="full").fit(DIGITS.x)
    return Compared(
        "pca (randomized)",
        "digits",
        "explained variance, 8 components",
        ours / whole,
        "sklearn PCA, full",
        float(theirs.explained_variance_ratio_.sum()),
    )


def random_cut_forest(folder: Path) -> Compared:
    rng = np.random.default_rng(0)
    usual = np.concatenate([rng.normal(0, 1, (900, 3)), rng.normal(8, 1, (900, 3))])
    test = np.concatenate([usual[::10], rng.uniform(-6, 14, (60, 3))])
    strange = np.concatenate([np.zeros(180), np.ones(60)])
    data = Data(usual, np.zeros(1800), test, strange)
    trained(folder, "random_cut_forest", data, {"feature_dim": 3})
    ours = load_forest(folder / "model").forest.scores(test.astype("float32"))
    theirs = -IsolationForest(random_state=0).fit(usual).score_samples(test)
    return Compared(
        "randomcutforest",
        "two clouds",
        "area under the ROC curve",
        float(roc_auc_score(strange, ours)),
        "sklearn IsolationForest",
        float(roc_auc_score(strange, theirs)),
    )


def factorization_machines(folder: Path) -> Compared:
    rng = np.random.default_rng(0)
    taste, kind = rng.normal(size=(40, 3)), rng.normal(size=(30, 3))
    users, films = rng.integers(0, 40, 6000), rng.integers(0, 30, 6000)
    x = np.zeros((6000, 70))
    x[np.arange(6000), users] = x[np.arange(6000), 40 + films] = 1
    liked = ((taste[users] * kind[films]).sum(axis=1) > 0).astype(float)
    data = Data(x[2000:], liked[2000:], x[:2000], liked[:2000])
    settings = {
        "feature_dim": 70,
        "num_factors": 6,
        "predictor_type": "binary_classifier",
        "mini_batch_size": 200,
        "epochs": 40,
        "factors_lr": 0.03,
        "linear_lr": 0.03,
        "factors_init_sigma": 0.1,
    }
    log = trained(folder, "factorization_machines", data, settings)
    pairs = PolynomialFeatures(2, interaction_only=True, include_bias=False)
    theirs = make_pipeline(pairs, LogisticRegression(max_iter=500)).fit(data.x, data.y)
    name = "test:binary_classification_cross_entropy"
    return Compared(
        "factorization-machines",
        "user x film",
        "test cross entropy",
        metric("factorization-machines", name, log),
        "sklearn LogisticRegression, all pairs",
        float(log_loss(data.y_test, theirs.predict_proba(data.x_test)[:, 1])),
    )


ROWS = (
    xgboost,
    kmeans,
    linear_classifier,
    linear_regressor,
    knn,
    pca,
    random_cut_forest,
    factorization_machines,
)


def report() -> None:
    """Prints the table."""
    print(f"{'algorithm':24}{'data':16}{'metric':36}{'ours':>10}{'theirs':>10}  by")
    for row in ROWS:
        with tempfile.TemporaryDirectory() as folder:
            print(row(Path(folder)), flush=True)


if __name__ == "__main__":
    report()
