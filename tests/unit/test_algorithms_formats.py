"""Data as users send it, and scores as SageMaker counts them."""

import io

import numpy as np
import pytest
import xgboost as xgb
from sagemaker.amazon.common import (
    read_records,
    write_numpy_to_dense_tensor,
    write_spmatrix_to_sparse_tensor,
)
from scipy.sparse import csr_matrix
from sklearn import metrics

from flowmaker.sagemaker.algorithms import recordio, tables
from flowmaker.sagemaker.algorithms.xgboost import scores

TABLE = np.array([[0, 1.5, -2], [3, 0, 0]], dtype=np.float32)
LABELS = np.array([1, 0], dtype=np.float32)


@pytest.mark.parametrize("dtype", ["float32", "float64", "int64"])
def test_dense_records_of_the_sdk(dtype: str) -> None:
    buffer = io.BytesIO()
    table = TABLE.astype(dtype)
    write_numpy_to_dense_tensor(buffer, table, LABELS)
    records = list(recordio.read(buffer.getvalue()))
    assert tables.stack(records).tolist() == table.tolist()
    assert [record.label["values"].values.tolist() for record in records] == [[1], [0]]


def test_sparse_records_of_the_sdk() -> None:
    buffer = io.BytesIO()
    write_spmatrix_to_sparse_tensor(buffer, csr_matrix(TABLE), LABELS)
    assert tables.stack(list(recordio.read(buffer.getvalue()))).tolist() == TABLE.tolist()


def test_the_sdk_reads_what_is_written() -> None:
    data = recordio.write({"values": TABLE[0]}, {"values": LABELS[:1]})
    (record,) = read_records(io.BytesIO(data))
    assert list(record.features["values"].float32_tensor.values) == TABLE[0].tolist()
    assert list(record.label["values"].float32_tensor.values) == [1]


@pytest.mark.parametrize("cut", [4, 6, 12, 30])
def test_a_record_that_is_cut_off_is_malformed(cut: int) -> None:
    data = recordio.write({"values": TABLE[0]})
    with pytest.raises(recordio.Malformed):
        list(recordio.read(data[:cut]))


def test_csv_with_missing_values_and_other_delimiters() -> None:
    for text in ("1,,3\n4,5,6\n", "1;;3\n4;5;6", "1\t\t3\r\n4\t5\t6\r\n"):
        for table in (tables.parse_csv(text), tables.read_csv(text.encode())):
            assert np.isnan(table[0, 1])
            assert table[1].tolist() == [4, 5, 6]


def test_content_types_by_all_their_names() -> None:
    assert tables.media_type("Text/CSV; label_size=0") == ("text/csv", {"label_size": "0"})
    assert tables.media_type("text/x-libsvm")[0] == tables.LIBSVM
    assert tables.media_type("csv")[0] == tables.CSV


def test_scores_are_scikit_learn_s() -> None:
    rng = np.random.default_rng(0)
    truth, wrong = rng.integers(0, 3, 200), rng.integers(0, 3, 200)
    labels = np.where(rng.random(200) < 0.7, truth, wrong)
    expected = {
        "accuracy": metrics.accuracy_score(truth, labels),
        "balanced_accuracy": metrics.balanced_accuracy_score(truth, labels),
        "f1": metrics.f1_score(truth, labels, average="weighted"),
        "f1_macro": metrics.f1_score(truth, labels, average="macro"),
        "precision_macro": metrics.precision_score(truth, labels, average="macro"),
        "precision_micro": metrics.precision_score(truth, labels, average="micro"),
        "recall_macro": metrics.recall_score(truth, labels, average="macro"),
        "recall_micro": metrics.recall_score(truth, labels, average="micro"),
        "mse": metrics.mean_squared_error(truth, labels),
        "r2": metrics.r2_score(truth, labels),
    }
    data = xgb.DMatrix(np.zeros((200, 1)), label=truth)
    found = scores.custom_metric(list(expected), "multi:softmax")(labels.astype("f4"), data)
    assert dict(found) == pytest.approx(expected)


def test_scores_of_two_classes_from_probabilities() -> None:
    truth = np.array([0, 0, 1, 1, 1])
    odds = np.array([0.1, 0.7, 0.8, 0.6, 0.2], dtype=np.float32)
    labels = odds > 0.5
    expected = {
        "precision": metrics.precision_score(truth, labels),
        "recall": metrics.recall_score(truth, labels),
        "f1_binary": metrics.f1_score(truth, labels),
    }
    data = xgb.DMatrix(np.zeros((5, 1)), label=truth)
    found = scores.custom_metric(list(expected), "binary:logistic")(odds, data)
    assert dict(found) == pytest.approx(expected)
