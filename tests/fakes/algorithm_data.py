"""Data as users of the built-in algorithms send it."""

import io

import numpy as np
from sagemaker.amazon.common import write_numpy_to_dense_tensor
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits


def pbr(features: np.ndarray, labels: np.ndarray | None = None) -> bytes:
    """RecordIO-wrapped protobuf, as the SageMaker SDK writes a record set."""
    buffer = io.BytesIO()
    write_numpy_to_dense_tensor(
        buffer,
        features.astype(np.float32),
        None if labels is None else labels.astype(np.float32),
    )
    return buffer.getvalue()


def csv(features: np.ndarray, labels: np.ndarray | None = None) -> bytes:
    """Rows without a header, the label first if there is one."""
    table = features if labels is None else np.column_stack([labels, features])
    buffer = io.StringIO()
    np.savetxt(buffer, table, delimiter=",", fmt="%.8g")
    return buffer.getvalue().encode()


def halves(features: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, ...]:
    """Training and test rows of a data set, and their labels: every third row is for the test."""
    test = np.arange(len(features)) % 3 == 0
    return features[~test], labels[~test], features[test], labels[test]


def digits() -> tuple[np.ndarray, ...]:
    """Ten classes of 64 features."""
    data = load_digits()
    return halves(data.data / 16, data.target)


def cancer() -> tuple[np.ndarray, ...]:
    """Two classes of 30 features of very different size."""
    data = load_breast_cancer()
    return halves(data.data, data.target)


def diabetes() -> tuple[np.ndarray, ...]:
    """A number, and 10 features."""
    data = load_diabetes()
    return halves(data.data, data.target)
