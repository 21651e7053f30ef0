"""One model of XGBoost, or those of all folds of a cross-validation, which answer together."""

import json
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.xgboost import libsvm
from flowmaker.sagemaker.algorithms.xgboost.inplace import InPlace
from flowmaker.sagemaker.algorithms.xgboost.libsvm import Features, SparseRows

#: Objectives whose prediction is a class: several models vote, others give their mean.
_OF_CLASSES = frozenset({"binary:hinge", "multi:softmax"})


class _One:
    """A booster, and how it is asked."""

    def __init__(self, model: xgb.Booster) -> None:
        self.model = model
        learner = json.loads(model.save_config())["learner"]
        self.objective = str(learner["objective"]["name"])
        self.classes = int(learner["learner_model_param"]["num_class"])
        self._linear = learner["learner_train_param"]["booster"] == "gblinear"
        best = model.attr("best_iteration")
        self._range = (0, int(best) + 1) if best and not self._linear else (0, 0)
        self._in_place = InPlace(model, self._range)

    def predict(self, features: Features, columns: int) -> NDArray[np.float32]:
        if isinstance(features, SparseRows) or self._linear:
            matrix = libsvm.dmatrix(features, columns, nthread=1)
            return self.model.predict(matrix, iteration_range=self._range, validate_features=False)
        return self._in_place.predict(features)


class Ensemble:
    """What a model archive holds."""

    def __init__(self, models: list[xgb.Booster]) -> None:
        self._models = [_One(model) for model in models]
        #: Columns of a row.
        self.features = models[0].num_features()
        self.objective = self._models[0].objective
        #: Of a classification into several classes how many, else 0.
        self.classes = self._models[0].classes

    def predict(self, features: Features) -> NDArray[np.float32]:
        """By row a number, or several where the objective gives several."""
        answers = [one.predict(features, self.features) for one in self._models]
        if len(answers) == 1:
            return answers[0]
        if self.objective in _OF_CLASSES:
            return _votes(np.stack(answers))
        return np.stack(answers).mean(axis=0).astype(np.float32)


def _votes(answers: NDArray[np.float32]) -> NDArray[np.float32]:
    """Of each row (the second axis) the most frequent answer; of several the smallest."""
    classes = np.unique(answers)
    counts = np.stack([np.equal(answers, one).sum(axis=0) for one in classes])
    return classes[counts.argmax(axis=0)]


def model_files(folder: Path) -> list[Path]:
    """The files that are the model: `xgboost-model`, or one of each fold.

    Raises:
        FileNotFoundError: there is none, or which one cannot be told.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and path.name[0] not in "._")
    named = [path for path in files if path.name == "xgboost-model"]
    folds = [path for path in files if path.name.startswith("xgboost-model-")]
    if named or folds:
        return named or folds
    if len(files) == 1:
        return files
    raise FileNotFoundError(
        "The model archive must hold one file named xgboost-model; it holds "
        f"{', '.join(path.name for path in files) or 'no file'}."
    )


def load(folder: Path) -> Ensemble:
    """The model of a folder.

    Raises:
        FileNotFoundError: there is none, or which one cannot be told.
        xgboost.core.XGBoostError: it is no model that XGBoost reads.
    """
    # One thread per prediction: more would fight over the processors for small requests.
    return Ensemble(
        [
            xgb.Booster({"nthread": 1}, model_file=bytearray(path.read_bytes()))
            for path in model_files(folder)
        ]
    )
