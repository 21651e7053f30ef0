"""MLflow's model server with the model of FILE, on PORT: as `mlflow models serve` runs it."""

import os
import sys
import tempfile
from pathlib import Path

import mlflow.xgboost
import xgboost

FILE, PORT = sys.argv[1:]

model = xgboost.Booster(model_file=FILE)
folder = str(Path(tempfile.mkdtemp()) / "model")
mlflow.xgboost.save_model(model, folder)
serve = ["-m", "mlflow", "models", "serve", "-m", folder, "--env-manager", "local", "-p", PORT]
os.execv(sys.executable, [sys.executable, *serve])
