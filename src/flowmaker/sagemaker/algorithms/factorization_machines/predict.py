"""A trained factorization machine: scores and labels for sparse rows."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from flowmaker.sagemaker.algorithms.factorization_machines.machine import Machine
from flowmaker.sagemaker.algorithms.observations import Numbers
from flowmaker.sagemaker.algorithms.sparse import Rows

MODEL = "fm-model.npz"
_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Predictor:
    """The model."""

    machine: Machine
    classifies: bool

    @property
    def width(self) -> int:
        """Features of a row."""
        return len(self.machine.linear)

    def scores(self, rows: Rows) -> Numbers:
        """Of a classifier the probability of 1, of a regressor the number."""
        outputs = self.machine.outputs(rows)
        return np.exp(-np.logaddexp(0, -outputs)) if self.classifies else outputs

    def labels(self, scores: Numbers) -> Numbers:
        """What a classifier calls rows of these scores."""
        return (scores >= _EVEN).astype(np.float64)

    def save(self, folder: Path) -> None:
        """Writes the model into a folder, as numpy."""
        folder.mkdir(parents=True, exist_ok=True)
        machine = self.machine
        np.savez(
            folder / MODEL,
            bias=machine.bias,
            linear=machine.linear,
            factors=machine.factors,
            classifies=np.array(self.classifies),
        )


def read(folder: Path) -> Predictor:
    """The model that training left in a folder."""
    with np.load(folder / MODEL) as arrays:
        machine = Machine(arrays["bias"], arrays["linear"], arrays["factors"])
        return Predictor(machine, bool(arrays["classifies"]))
