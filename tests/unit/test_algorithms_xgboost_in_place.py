"""Rows asked by the C interface are answered as by the Python one."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
import xgboost as xgb

from flowmaker.sagemaker.algorithms.xgboost.inplace import InPlace

COLUMNS, TREES = 5, 12


def _model(objective: str) -> xgb.Booster:
    random = np.random.default_rng(3)
    points = random.normal(size=(300, COLUMNS)).astype(np.float32)
    points[random.random(points.shape) < 0.1] = np.nan
    filled = np.nan_to_num(points)
    several = objective.startswith("multi:")
    label = np.digitize(filled[:, 0], [-0.5, 0.5]) if several else filled.sum(axis=1) > 0
    parameters = {"objective": objective, "max_depth": 3, "nthread": 1}
    if several:
        parameters["num_class"] = 3
    return xgb.train(parameters, xgb.DMatrix(points, label=label), TREES)


def _rows(count: int) -> np.ndarray[tuple[int, int], np.dtype[np.float32]]:
    rows = np.random.default_rng(count).normal(size=(count, COLUMNS)).astype(np.float32)
    rows[0, 0] = np.nan
    return rows


@pytest.mark.parametrize(
    "objective",
    ["binary:logistic", "reg:squarederror", "count:poisson", "multi:softmax", "multi:softprob"],
)
@pytest.mark.parametrize("count", [1, 7, 500])
def test_the_answer_is_that_of_inplace_predict(objective: str, count: int) -> None:
    model, rows = _model(objective), _rows(count)
    for iterations in ((0, 0), (0, 4)):
        found = InPlace(model, iterations).predict(rows)
        expected = model.inplace_predict(rows, iteration_range=iterations)
        assert found.dtype == expected.dtype
        np.testing.assert_array_equal(found, expected)


def test_a_table_may_lie_in_any_order() -> None:
    model, rows = _model("reg:squarederror"), _rows(9)
    across = np.asfortranarray(rows)
    np.testing.assert_array_equal(
        InPlace(model, (0, 0)).predict(across[::2]), model.inplace_predict(rows[::2])
    )


def test_rows_of_another_width_are_refused() -> None:
    with pytest.raises(xgb.core.XGBoostError):
        InPlace(_model("reg:squarederror"), (0, 0)).predict(_rows(2)[:, 1:])


def test_an_answer_is_not_overwritten_by_another_threads() -> None:
    """XGBoost answers into memory of its own, which the next question uses again."""
    model = _model("multi:softprob")
    asked = InPlace(model, (0, 0))
    tables = [_rows(count) for count in range(1, 120)]
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(asked.predict, tables))
    for rows, answer in zip(tables, found, strict=True):
        np.testing.assert_array_equal(answer, model.inplace_predict(rows))
