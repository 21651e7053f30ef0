"""How often a model is right about flowers that it has not seen: a report for the pipeline."""

import json
import tarfile
from pathlib import Path

import numpy as np
import xgboost

FOLDER = Path("/opt/ml/processing")

with tarfile.open(FOLDER / "model" / "model.tar.gz") as archive:
    archive.extractall(FOLDER / "model", filter="data")
booster = xgboost.Booster()
booster.load_model(FOLDER / "model" / "xgboost-model")
table = np.loadtxt(FOLDER / "test" / "data.csv", delimiter=",")
found = booster.predict(xgboost.DMatrix(table[:, 1:]))
accuracy = float(np.mean(found == table[:, 0]))
report = {"metrics": {"accuracy": {"value": accuracy}}}
(FOLDER / "evaluation" / "evaluation.json").write_text(json.dumps(report))
