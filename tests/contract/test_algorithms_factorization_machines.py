"""Built-in factorization machines, as the programs that run: trained, served and asked."""

import io
import json
import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from sagemaker.amazon.common import write_numpy_to_dense_tensor, write_spmatrix_to_sparse_tensor
from scipy.optimize import approx_fprime
from scipy.sparse import csr_matrix
from sklearn.linear_model import LogisticRegression

from flowmaker.sagemaker.algorithms.factorization_machines.machine import Machine
from flowmaker.sagemaker.algorithms.factorization_machines.schema import DEFINITIONS
from flowmaker.sagemaker.algorithms.sparse import Rows
from tests.fakes.training_folder import Served, TrainingFolder, train_together, training_folder

RECORDIO = "application/x-recordio-protobuf"
RNG = np.random.default_rng(0)
USERS, FILMS, HIDDEN = 40, 30, 3


def ratings() -> tuple[np.ndarray, np.ndarray]:
    """Who likes what: one user and one film a row, by tastes that nothing but pairs show."""
    taste, kind = RNG.normal(size=(USERS, HIDDEN)), RNG.normal(size=(FILMS, HIDDEN))
    users, films = RNG.integers(0, USERS, 6000), RNG.integers(0, FILMS, 6000)
    rows = np.zeros((6000, USERS + FILMS), dtype=np.float32)
    rows[np.arange(6000), users] = 1
    rows[np.arange(6000), USERS + films] = 1
    return rows, (taste[users] * kind[films]).sum(axis=1)


X, LIKING = ratings()
LIKED = (LIKING > 0).astype(np.float32)
TEST = slice(0, 1000)
TRAIN = slice(1000, None)
SETTINGS = {
    "feature_dim": USERS + FILMS,
    "num_factors": 6,
    "mini_batch_size": 200,
    "epochs": 25,
    "factors_lr": 0.03,
    "linear_lr": 0.03,
    "factors_init_sigma": 0.1,
}
CLASSIFIER = {**SETTINGS, "predictor_type": "binary_classifier"}


def sparse(rows: np.ndarray, labels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    write_spmatrix_to_sparse_tensor(buffer, csr_matrix(rows), labels.astype(np.float32))
    return buffer.getvalue()


def dense(rows: np.ndarray, labels: np.ndarray | None = None) -> bytes:
    buffer = io.BytesIO()
    write_numpy_to_dense_tensor(buffer, rows, labels)
    return buffer.getvalue()


def metric(log: str, name: str) -> float:
    return float(re.findall(dict(DEFINITIONS)[name], log)[-1])


def trained_on(
    base: Path, settings: dict[str, object], labels: np.ndarray
) -> tuple[TrainingFolder, str]:
    channels = {
        "train": (RECORDIO, {"a.pbr": sparse(X[TRAIN], labels[TRAIN])}),
        "test": ("", {"a.pbr": sparse(X[TEST], labels[TEST])}),
    }
    folder = training_folder(base, "factorization_machines", settings, channels)
    code, log = folder.train()
    assert code == 0, log
    return folder, log


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> tuple[TrainingFolder, str]:
    return trained_on(tmp_path_factory.mktemp("ml"), CLASSIFIER, LIKED)


@pytest.fixture(scope="module")
def served(classifier: tuple[TrainingFolder, str]) -> Iterator[Served]:
    with classifier[0].serving() as server:
        yield server


def test_pairs_are_learned_that_a_linear_model_does_not_see(
    classifier: tuple[TrainingFolder, str],
) -> None:
    linear = LogisticRegression().fit(X[TRAIN], LIKED[TRAIN]).score(X[TEST], LIKED[TEST])
    log = classifier[1]
    assert metric(log, "test:binary_classification_accuracy") > max(0.93, linear + 0.15)
    assert metric(log, "test:binary_f_beta") > 0.93
    assert metric(log, "test:binary_classification_cross_entropy") < 0.3


def test_a_regressor_finds_the_numbers(tmp_path: Path) -> None:
    _, log = trained_on(tmp_path, {**SETTINGS, "predictor_type": "regressor"}, LIKING)
    assert metric(log, "test:rmse") < 0.3 * LIKING.std()
    assert metric(log, "test:mse") == pytest.approx(metric(log, "test:rmse") ** 2)


def test_all_forms_of_question_and_answer_agree(served: Served) -> None:
    reply = served.invoke(sparse(X[:3], LIKED[:3]), RECORDIO)
    expected = json.loads(reply.body)["predictions"]
    assert [one["predicted_label"] for one in expected] == LIKED[:3].tolist()
    keyed = [
        {
            "data": {
                "features": {
                    "keys": np.flatnonzero(row).tolist(),
                    "shape": [len(row)],
                    "values": [1.0, 1.0],
                }
            }
        }
        for row in X[:3]
    ]
    questions = {
        RECORDIO: dense(X[:3]),
        "application/json": json.dumps({"instances": keyed}),
        "application/json; dense": json.dumps(
            {"instances": [{"features": row} for row in X[:3].tolist()]}
        ),
        "application/jsonlines": "\n".join(json.dumps(one) for one in keyed),
    }
    for content_type, body in questions.items():
        found = json.loads(served.invoke(body, content_type).body)["predictions"]
        for one, other in zip(found, expected, strict=True):
            assert one == pytest.approx(other, abs=1e-5)


@pytest.mark.parametrize(
    ("body", "content_type", "status", "words"),
    [
        ("1,2", "text/csv", 415, "Content-type text/csv is not supported"),
        ('{"instances": [{"features": [1]}]}', "application/json", 400, "has 1 features"),
        (
            '{"instances": [{"features": {"keys": [99], "shape": [70], "values": [1]}}]}',
            "application/json",
            400,
            "a key is not below feature_dim, which is 70",
        ),
    ],
)
def test_refusals(served: Served, body: str, content_type: str, status: int, words: str) -> None:
    reply = served.invoke(body, content_type)
    assert reply.status == status
    assert words in reply.body.decode()


def test_the_formula_and_its_slopes() -> None:
    rng = np.random.default_rng(3)
    bias, linear, factors = (
        rng.normal(size=(1, 1)),
        rng.normal(size=(4, 1)),
        rng.normal(size=(4, 2)),
    )
    table = np.array([[0, 1.5, 0, 2], [3, 0, 1, 1], [0, 0, 0, 0.0]])
    rows = Rows.of([(np.flatnonzero(row), row[row != 0]) for row in table])
    expected = [
        bias[0, 0]
        + row @ linear[:, 0]
        + sum(factors[i] @ factors[j] * row[i] * row[j] for i in range(4) for j in range(i + 1, 4))
        for row in table
    ]
    np.testing.assert_allclose(Machine(bias, linear, factors).outputs(rows), expected)
    pulls = rng.normal(size=3)

    def pulled(flat: np.ndarray) -> float:
        machine = Machine(flat[:1, None], flat[1:5, None], flat[5:].reshape(4, 2))
        return float(machine.outputs(rows) @ pulls)

    slopes = Machine(bias, linear, factors).slopes(rows, pulls)
    assert slopes.touched.tolist() == [0, 1, 2, 3]
    flat = np.concatenate([bias.ravel(), linear.ravel(), factors.ravel()])
    found = np.concatenate([slopes.bias.ravel(), slopes.linear.ravel(), slopes.factors.ravel()])
    np.testing.assert_allclose(found, approx_fprime(flat, pulled), atol=1e-5)
    taken = rows.take(np.array([1, 0]))
    np.testing.assert_allclose(
        Machine(bias, linear, factors).outputs(taken), [expected[1], expected[0]]
    )


def test_two_instances_make_one_model(tmp_path: Path) -> None:
    hosts = ("algo-1", "algo-2")
    folders = [
        training_folder(
            tmp_path / host,
            "factorization_machines",
            CLASSIFIER,
            {
                "train": ("", {"a.pbr": sparse(X[1000 + n :: 2], LIKED[1000 + n :: 2])}),
                "test": ("", {"a.pbr": sparse(X[TEST], LIKED[TEST])}),
            },
            host=host,
            hosts=hosts,
            job=f"job-{tmp_path}",
        )
        for n, host in enumerate(hosts)
    ]
    logs = train_together(folders)
    assert metric(logs[0], "test:binary_classification_accuracy") > 0.85
    assert not folders[1].model.exists()


@pytest.mark.parametrize(
    ("settings", "content_type", "data", "words"),
    [
        ({}, "text/csv", b"1,0\n", "content type text/csv is not supported"),
        ({}, "", b"", "No data in the train channel"),
        ({}, "", dense(X[:2]), "records need a label"),
        ({}, "", sparse(X[:2], np.array([1, 2])), "neither 0 nor 1"),
        ({"feature_dim": 3}, "", sparse(X[:2], LIKED[:2]), "a key is not below feature_dim"),
    ],
)
def test_failures_say_what_to_change(
    tmp_path: Path, settings: dict[str, object], content_type: str, data: bytes, words: str
) -> None:
    channels = {"train": (content_type, {"a": data})}
    folder = training_folder(
        tmp_path, "factorization_machines", {**CLASSIFIER, **settings}, channels
    )
    code, log = folder.train()
    assert code == 2, log
    assert words in folder.failure
