"""SAGEMAKER_INFERENCE_OUTPUT: which parts of a prediction the caller gets, and under which names.

What an objective does not have is NaN, as AWS's container gives it; the log says so once.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import answers, tables
from flowmaker.sagemaker.serving.model import Answer

Part = float | int | list[float] | list[int]

_LABEL = ("predicted_label", "labels")
_PROBABILITY = ("probability", "probabilities")
_RAW = ("raw_score", "raw_scores")
_REGRESSION = ("predicted_score",)
NAMES = (*_LABEL, *_PROBABILITY, *_RAW, *_REGRESSION)

_VALID = {
    "reg:squarederror": _REGRESSION,
    "reg:logistic": _REGRESSION,
    "reg:gamma": _REGRESSION,
    "reg:tweedie": _REGRESSION,
    "reg:absoluteerror": _REGRESSION,
    "reg:pseudohubererror": _REGRESSION,
    "reg:squaredlogerror": _REGRESSION,
    "count:poisson": _REGRESSION,
    "binary:logistic": (*_LABEL, *_PROBABILITY, *_RAW),
    "binary:logitraw": (*_LABEL, *_RAW),
    "binary:hinge": (*_LABEL, *_RAW),
    "multi:softmax": (*_LABEL, *_RAW),
    "multi:softprob": (*_LABEL, *_PROBABILITY, *_RAW),
}


@dataclass(frozen=True, slots=True)
class Selection:
    """The parts that are wanted, in their order."""

    names: tuple[str, ...]
    objective: str
    classes: int

    @classmethod
    def of(cls, wanted: str, objective: str, classes: int) -> "Selection":
        """From the value of SAGEMAKER_INFERENCE_OUTPUT.

        Raises:
            ValueError: a name is unknown, or the objective has no parts to choose from.
        """
        names = tuple(wanted.replace(" ", "").lower().split(","))
        unknown = [name for name in names if name not in NAMES]
        if unknown:
            raise ValueError(
                f"SAGEMAKER_INFERENCE_OUTPUT: {', '.join(unknown)} is none of {', '.join(NAMES)}"
            )
        if objective not in _VALID:
            raise ValueError(
                f"Objective `{objective}` unsupported for selectable inference predictions."
            )
        return cls(names, objective, classes)

    @property
    def incompatible(self) -> list[str]:
        """Those that are wanted, and that the objective does not have."""
        return [name for name in self.names if name not in _VALID[self.objective]]

    def rows(self, predicted: NDArray[np.float32]) -> list[dict[str, Part]]:
        """The parts of each prediction."""
        return [{name: self._part(name, one) for name in self.names} for one in predicted]

    def _part(self, name: str, one: NDArray[np.float32]) -> Part:
        if name not in _VALID[self.objective]:
            return math.nan
        parts: dict[str, Callable[[NDArray[np.float32]], Part]] = {
            "predicted_label": self._label,
            "labels": lambda _: list(range(self.classes or 2)),
            "probability": _highest,
            "raw_score": _highest,
            "predicted_score": _highest,
            "probabilities": _of_both,
            "raw_scores": _of_both,
        }
        return parts[name](one)

    def _label(self, one: NDArray[np.float32]) -> Part:
        if one.ndim:
            return int(one.argmax())
        if self.objective in ("binary:logistic", "binary:logitraw"):
            return int(one > (0.5 if self.objective == "binary:logistic" else 0))
        return float(one)

    def encode(self, predicted: NDArray[np.float32], wanted: str) -> Answer:
        """The parts of all predictions in one of the forms that answers.OFFERED has."""
        rows = self.rows(predicted)
        if wanted != tables.CSV:
            return answers.encode(rows, wanted)
        lines = (",".join(_field(row[name]) for name in self.names) + "\n" for row in rows)
        return Answer("".join(lines).encode(), tables.CSV)


def _highest(one: NDArray[np.float32]) -> float:
    return float(one.max())


def _of_both(one: NDArray[np.float32]) -> list[float]:
    """Of every class; where there is one number it is that of class 1."""
    return one.tolist() if one.ndim else [1.0 - float(one), float(one)]


def _field(value: Part) -> str:
    return f'"{value}"' if isinstance(value, list) else str(value)
