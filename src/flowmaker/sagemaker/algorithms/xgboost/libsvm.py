"""The libsvm text format: `label[:weight] [qid:n] column:value …`, a row a line."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray
from scipy.sparse import csr_matrix


@dataclass(frozen=True, slots=True)
class SparseRows:
    """Rows where what is absent is missing."""

    values: NDArray[np.float32]
    columns: NDArray[np.int64]
    #: Where each row starts in the other two; one more for the end.
    starts: NDArray[np.int64]

    @property
    def shape(self) -> tuple[int, int]:
        width = int(self.columns.max()) + 1 if len(self.columns) else 0
        return len(self.starts) - 1, width

    def matrix(self, columns: int) -> csr_matrix:
        """As scipy has it, with at least so many columns."""
        rows, width = self.shape
        shape = (rows, max(width, columns))
        return csr_matrix((self.values, self.columns, self.starts), shape=shape)


#: A dense table, or a sparse one.
Features = NDArray[np.float32] | SparseRows


def joined(first: Features, second: Features) -> Features:
    """The rows of both.

    Raises:
        ValueError: one is dense and one sparse, or they differ in width.
    """
    if isinstance(first, SparseRows) and isinstance(second, SparseRows):
        return SparseRows(
            np.concatenate([first.values, second.values]),
            np.concatenate([first.columns, second.columns]),
            np.concatenate([first.starts, second.starts[1:] + first.starts[-1]]),
        )
    if isinstance(first, SparseRows) or isinstance(second, SparseRows):
        raise ValueError("one channel is libsvm, the other is not")  # noqa: TRY004 - of the data
    return np.concatenate([first, second])


@dataclass(slots=True)
class Parsed:
    """Lines as they are gathered."""

    values: list[float] = field(default_factory=list[float])
    columns: list[int] = field(default_factory=list[int])
    starts: list[int] = field(default_factory=lambda: [0])
    labels: list[float] = field(default_factory=list[float])
    weights: list[float] = field(default_factory=list[float])
    queries: list[int] = field(default_factory=list[int])

    def add(self, line: str) -> None:
        """Takes a labelled line.

        Raises:
            ValueError: a word of it is no number.
        """
        label, *items = line.split()
        text, _, weight = label.partition(":")
        self.labels.append(float(text))
        if weight:
            self.weights.append(float(weight))
        self.add_items(items)

    def add_items(self, items: Iterable[str]) -> None:
        """Takes a row's `column:value` words."""
        for item in items:
            name, _, value = item.partition(":")
            if name == "qid":
                self.queries.append(int(value))
                continue
            self.columns.append(int(name))
            self.values.append(float(value))
        self.starts.append(len(self.values))

    def rows(self) -> SparseRows:
        return SparseRows(
            np.asarray(self.values, dtype=np.float32),
            np.asarray(self.columns, dtype=np.int64),
            np.asarray(self.starts, dtype=np.int64),
        )

    def per_row(self, values: Sequence[float], what: str) -> Sequence[float] | None:
        """The values if every row has one, None if no row has.

        Raises:
            ValueError: some have, some have not.
        """
        if values and len(values) != len(self.labels):
            raise ValueError(f"some rows have a {what}, others none")
        return values or None


def request(text: str) -> SparseRows:
    """Rows to predict: a label may stand before them, but need not.

    Raises:
        ValueError: a word is no `column:value`.
    """
    parsed = Parsed()
    for line in text.strip().splitlines():
        parsed.add_items(word for word in line.split() if ":" in word)
    return parsed.rows()


def dmatrix(
    features: Features,
    columns: int,
    *,
    label: NDArray[np.float32] | None = None,
    weight: NDArray[np.float32] | None = None,
    qid: NDArray[np.int64] | None = None,
    nthread: int | None = None,
) -> xgb.DMatrix:
    """XGBoost's own form; sparse rows get at least so many columns."""
    data = features.matrix(columns) if isinstance(features, SparseRows) else features
    return xgb.DMatrix(data, label=label, weight=weight, qid=qid, nthread=nthread)
