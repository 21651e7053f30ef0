"""Amazon's own algorithms as a user of SageMaker's SDK v2 has them; prints what it saw, last.

A script of its own, for `flowmaker exec`; only the SDK's pauses are shortened.
"""

import json
import logging
from typing import Any

import numpy as np
import sagemaker
from sagemaker.amazon.amazon_estimator import AmazonAlgorithmEstimatorBase
from sagemaker_pauses import Clock

logging.disable()
sagemaker.session.time = Clock()

RNG = np.random.default_rng(0)
#: Two clouds, and in which of them a point is.
POINTS = (RNG.normal(size=(60, 3)) + np.repeat([[0], [20]], 30, axis=0)).astype("float32")
LABELS = np.repeat([0, 1], 30).astype("float32")


class Script:
    """One session, and an algorithm at a time."""

    def __init__(self) -> None:
        session = sagemaker.Session()
        self.common: dict[str, Any] = {
            "role": sagemaker.get_execution_role(),
            "instance_count": 1,
            "instance_type": "ml.m5.large",
            "sagemaker_session": session,
        }

    def asked(
        self,
        estimator: AmazonAlgorithmEstimatorBase,
        labels: np.ndarray | None,
        batch: int,
        questions: np.ndarray = POINTS,
    ) -> dict[str, list[list[float]]]:
        """Trains, deploys, asks about the points: by the names of the answers' parts."""
        estimator.fit(estimator.record_set(POINTS, labels), mini_batch_size=batch, logs=False)
        predictor = estimator.deploy(1, "ml.m5.large")
        answer = predictor.predict(questions)
        predictor.delete_model()
        predictor.delete_endpoint()
        return {
            name: [list(one.label[name].float32_tensor.values) for one in answer]
            for name in answer[0].label
        }


def main() -> None:
    script = Script()
    common = script.common
    linear = sagemaker.LinearLearner(
        predictor_type="binary_classifier", epochs=30, num_models=4, **common
    )
    machines = sagemaker.FactorizationMachines(
        predictor_type="binary_classifier", num_factors=2, epochs=30, linear_lr=0.1, **common
    )
    forest = sagemaker.RandomCutForest(num_trees=50, num_samples_per_tree=30, **common)
    neighbors = sagemaker.KNN(k=3, sample_size=60, predictor_type="classifier", **common)
    strange = np.vstack([POINTS[:5], [[500, 500, 500]]]).astype("float32")
    seen = {
        "linear-learner": script.asked(linear, LABELS, 20),
        "factorization-machines": script.asked(machines, LABELS, 20),
        "knn": script.asked(neighbors, LABELS, 20),
        "pca": script.asked(sagemaker.PCA(num_components=2, **common), None, 20),
        # The SDK insists on 1000 for it.
        "randomcutforest": script.asked(forest, None, 1000, strange),
    }
    print()
    print(json.dumps(seen))


main()
