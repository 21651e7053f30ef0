"""A script for SageMaker's scikit-learn image: trains when it is run, and serves what it saved."""

import argparse
import os
from pathlib import Path

import joblib
import numpy as np
from sklearn.neighbors import KNeighborsClassifier


def model_fn(folder: str) -> KNeighborsClassifier:
    """Called by the model server."""
    return joblib.load(Path(folder) / "model.joblib")


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--neighbors", type=int, default=3)
    given = parser.parse_args()
    table = np.loadtxt(Path(os.environ["SM_CHANNEL_TRAINING"]) / "data.csv", delimiter=",")
    model = KNeighborsClassifier(given.neighbors).fit(table[:, 1:], table[:, 0])
    joblib.dump(model, Path(os.environ["SM_MODEL_DIR"]) / "model.joblib")


if __name__ == "__main__":
    main()
