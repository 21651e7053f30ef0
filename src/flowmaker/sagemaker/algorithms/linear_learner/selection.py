"""Which of the trained models is the best, and how good it is."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms.job import Job
from flowmaker.sagemaker.algorithms.linear_learner import scaling, scores
from flowmaker.sagemaker.algorithms.linear_learner.losses import Loss
from flowmaker.sagemaker.algorithms.linear_learner.models import Models
from flowmaker.sagemaker.algorithms.linear_learner.predict import Linear
from flowmaker.sagemaker.algorithms.linear_learner.scaling import Scaling
from flowmaker.sagemaker.algorithms.linear_learner.scores import Calibration
from flowmaker.sagemaker.algorithms.observations import Numbers, Observations
from flowmaker.sagemaker.algorithms.reports import quality

#: AWS's default: all rows, in practice.
_CALIBRATION_ROWS = 10_000_000
_EVEN = 0.5


@dataclass(frozen=True, slots=True)
class Best:
    """The model that is kept: its number among all, itself, and itself on scaled data."""

    number: int
    linear: Linear
    scaled: Models


@dataclass(frozen=True, slots=True)
class Judge:
    """Knows by what models are compared."""

    job: Job
    loss_name: str
    loss: Loss
    scales: tuple[Scaling, Scaling]

    def best(self, trained: Models, rows: Observations) -> Best:
        """The model that is best by the selection criterion, on some rows."""
        losses = self._losses(trained, rows)
        calibrations = self._calibrations(trained, rows)
        criterion = self._criterion
        if calibrations and criterion != "loss_function":
            values = [-one.value for one in calibrations]
            # Of equally good ones the one with the smaller loss.
            number = min(range(len(values)), key=lambda n: (values[n], losses[n]))
        else:
            number = int(np.nanargmin(losses))
        threshold = calibrations[number].threshold if calibrations else _EVEN
        linear = self._linear(trained, number, threshold)
        one = Models(trained.weights[:, [number]], trained.bias[[number]])
        return Best(number, linear, one)

    @property
    def _criterion(self) -> str:
        return self.job.text("binary_classifier_model_selection_criteria", "accuracy")

    def _losses(self, trained: Models, rows: Observations) -> Numbers:
        data, label = self.scales
        outputs = trained.outputs(data(rows.features))
        return self.loss.values(outputs, label(rows.targets[:, None])[:, 0]).mean(axis=0)

    def _linear(self, trained: Models, number: int, threshold: float) -> Linear:
        data, label = self.scales
        weights, bias = scaling.restored(
            trained.weights[:, number], trained.bias[number], data, label
        )
        return Linear(
            weights=weights,
            bias=bias,
            predictor_type=self.job.text("predictor_type"),
            loss=self.loss_name,
            threshold=threshold,
        )

    def _calibrations(self, trained: Models, rows: Observations) -> list[Calibration]:
        """The threshold of each model of a binary classifier."""
        job = self.job
        if job.text("predictor_type") != "binary_classifier":
            return []
        some = slice(job.integer("num_calibration_samples", _CALIBRATION_ROWS))
        target = job.number(
            "target_recall"
            if self._criterion == "precision_at_target_recall"
            else "target_precision",
            0.8,
        )
        found: list[Calibration] = []
        for number in range(len(trained.bias)):
            each = self._linear(trained, number, _EVEN).scores(rows.features[some])[:, 0]
            found.append(
                scores.calibrate(
                    each,
                    rows.targets[some],
                    self._criterion,
                    beta=job.number("f_beta", 1),
                    target=target,
                )
            )
        return found

    def report(self, best: Best, rows: Observations, name: str) -> None:
        """All metrics of the model on the rows of a channel, into the log."""
        loss = float(self._losses(best.scaled, rows)[0])
        quality(self.job, name, "objective_loss", loss)
        found = best.linear.scores(rows.features)
        if best.linear.predictor_type == "regressor":
            for metric, value in scores.regression(found[:, 0], rows.targets).items():
                quality(self.job, name, metric, value)
            return
        for metric, value in self._classified(best.linear, found, rows.targets).items():
            quality(self.job, name, metric, value, kind="score")

    def _classified(
        self, linear: Linear, found: NDArray[np.float64], targets: Numbers
    ) -> dict[str, float]:
        beta = self.job.number("f_beta", 1)
        if linear.predictor_type == "multiclass_classifier":
            top = self.job.integer("accuracy_top_k", 3)
            return scores.multiclass(found, targets, top=top, beta=beta)
        counts = scores.at(found[:, 0], targets, linear.threshold)
        return {
            "binary_classification_accuracy": float(counts.accuracy),
            "binary_f_beta": float(counts.f(beta)),
            "precision": float(counts.precision),
            "recall": float(counts.recall),
            "roc_auc_score": scores.area_under_curve(found[:, 0], targets),
        }
