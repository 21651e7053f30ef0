"""Scripts of one's own, as a user of SageMaker's SDK v2 has them: script mode and processing.

A script of its own, for `flowmaker exec`; it prints one JSON object of what it saw, last.
"""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import sagemaker
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.inputs import TrainingInput
from sagemaker.processing import (
    FrameworkProcessor,
    ProcessingInput,
    ProcessingOutput,
    ScriptProcessor,
)
from sagemaker.sklearn import SKLearn, SKLearnProcessor
from sagemaker.xgboost import XGBoost
from sagemaker_pauses import Clock

logging.disable()
sagemaker.session.time = Clock()

INSTANCE = "ml.m5.large"
SKLEARN = """
import argparse, joblib, os
import pandas
from sklearn.tree import DecisionTreeClassifier

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-depth", type=int)
    depth = parser.parse_args().max_depth
    data = pandas.read_csv(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), header=None)
    model = DecisionTreeClassifier(max_depth=depth).fit(data[[1, 2]].values, data[0])
    joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
    print(f"depth={model.get_depth()}")
"""
BOOSTED = """
import os
import numpy, xgboost

def model_fn(model_dir):
    booster = xgboost.Booster()
    booster.load_model(os.path.join(model_dir, "model.json"))
    return booster

if __name__ == "__main__":
    place = os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv")
    data = numpy.loadtxt(place, delimiter=",")
    rows = xgboost.DMatrix(data[:, 1:], data[:, 0])
    booster = xgboost.train({"objective": "binary:logistic"}, rows, 10)
    booster.save_model(os.path.join(os.environ["SM_MODEL_DIR"], "model.json"))
"""
PROCESS = """
import json, os, sys
import sklearn

inputs, outputs = "/opt/ml/processing/input", "/opt/ml/processing/output"
lines = open(f"{inputs}/train.csv").read().splitlines()
with open("/opt/ml/config/resourceconfig.json") as file:
    host = json.load(file)["current_host"]
with open(f"{outputs}/{host}.json", "w") as file:
    mine = os.environ.get("MINE")
    json.dump({"lines": len(lines), "arguments": sys.argv[1:], "mine": mine}, file)
os.makedirs("/opt/ml/output", exist_ok=True)
with open("/opt/ml/output/message", "w") as file:
    file.write("all rows are fine")
print(f"processed by scikit-learn {sklearn.__version__}")
"""
PACKAGED = """
import beside, iniconfig
with open("/opt/ml/processing/output/made", "w") as file:
    file.write(f"{beside.WORD} {iniconfig.__name__}")
"""


class Script:
    """One session, and the steps that use it."""

    def __init__(self) -> None:
        self.session = sagemaker.Session()
        self.role = sagemaker.get_execution_role()
        self.bucket = self.session.default_bucket()
        self.common: dict[str, Any] = {
            "role": self.role,
            "instance_count": 1,
            "instance_type": INSTANCE,
            "sagemaker_session": self.session,
        }
        rows = "\n".join(f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10))
        self.train = self.session.upload_string_as_file_body(rows, self.bucket, "own/train.csv")
        self.batch = self.session.upload_string_as_file_body("9,9\n0,0", self.bucket, "own/b.csv")
        for name, text in (("sk.py", SKLEARN), ("xgb.py", BOOSTED), ("process.py", PROCESS)):
            Path(name).write_text(text)
        Path("source").mkdir()
        Path("source/packaged.py").write_text(PACKAGED)
        Path("source/beside.py").write_text("WORD = 'packaged with'")
        Path("source/requirements.txt").write_text("iniconfig==2.0.0")

    def sklearn(self) -> dict[str, Any]:
        estimator = SKLearn(
            "sk.py",
            framework_version="1.2-1",
            hyperparameters={"max-depth": 3},
            metric_definitions=[{"Name": "depth", "Regex": "depth=(.*)"}],
            **self.common,
        )
        estimator.fit({"train": TrainingInput(self.train)}, logs=True)
        job = estimator.latest_training_job.describe()
        predictor = estimator.deploy(1, INSTANCE)
        predicted = predictor.predict(np.array([[9, 9], [0, 0]]))
        predictor.delete_model()
        predictor.delete_endpoint()
        output = f"s3://{self.bucket}/own/transformed"
        transformer = estimator.transformer(1, INSTANCE, output_path=output, accept="text/csv")
        transformer.transform(self.batch, content_type="text/csv", split_type="Line", wait=True)
        return {
            "depth": job["FinalMetricDataList"][0]["Value"],
            "predicted": predicted.tolist(),
            "transformed": self.session.read_s3_file(self.bucket, "own/transformed/b.csv.out"),
        }

    def xgboost(self) -> list[Any]:
        estimator = XGBoost("xgb.py", framework_version="1.7-1", **self.common)
        estimator.fit({"train": TrainingInput(self.train)})
        predictor = estimator.deploy(1, INSTANCE)
        predicted = predictor.predict("0:9 1:9\n0:0 1:0")
        predictor.delete_model()
        predictor.delete_endpoint()
        return predicted

    def processed(self) -> dict[str, Any]:
        processor = SKLearnProcessor(framework_version="1.2-1", env={"MINE": "1"}, **self.common)
        processor.run(
            "process.py",
            inputs=[ProcessingInput(self.train, "/opt/ml/processing/input")],
            outputs=[ProcessingOutput("/opt/ml/processing/output", output_name="o")],
            arguments=["--x", "1"],
            logs=True,
        )
        job = processor.latest_job.describe()
        target = job["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"]
        key = target.removeprefix(f"s3://{self.bucket}/")
        return {
            "status": job["ProcessingJobStatus"],
            "message": job["ExitMessage"],
            "made": json.loads(self.session.read_s3_file(self.bucket, f"{key}/algo-1.json")),
        }

    def framework(self) -> str:
        processor = FrameworkProcessor(SKLearn, "1.2-1", **self.common)
        processor.run(
            "packaged.py",
            source_dir="source",
            outputs=[
                ProcessingOutput(
                    source="/opt/ml/processing/output",
                    destination=f"s3://{self.bucket}/own/framework",
                    s3_upload_mode="Continuous",
                )
            ],
            logs=False,
        )
        return self.session.read_s3_file(self.bucket, "own/framework/made")

    def failed(self) -> str:
        Path("fails.py").write_text("raise SystemExit('no rows at all')")
        image = sagemaker.image_uris.retrieve("sklearn", "us-east-1", version="1.2-1")
        processor = ScriptProcessor(image_uri=image, command=["python3"], **self.common)
        try:
            processor.run("fails.py", logs=False)
        except UnexpectedStatusException as failed:
            return str(failed)
        return ""

    def stopped(self) -> str:
        Path("sleeps.py").write_text("import time; time.sleep(600)")
        image = sagemaker.image_uris.retrieve("sklearn", "us-east-1", version="1.2-1")
        processor = ScriptProcessor(image_uri=image, command=["python3"], **self.common)
        processor.run("sleeps.py", wait=False)
        processor.latest_job.stop()
        waiter = self.session.sagemaker_client.get_waiter("processing_job_completed_or_stopped")
        name = processor.latest_job.job_name
        waiter.wait(ProcessingJobName=name, WaiterConfig={"Delay": 1, "MaxAttempts": 60})
        return processor.latest_job.describe()["ProcessingJobStatus"]


def main() -> None:
    script = Script()
    seen = {
        "sklearn": script.sklearn(),
        "xgboost": script.xgboost(),
        "processed": script.processed(),
        "framework": script.framework(),
        "failed": script.failed(),
        "stopped": script.stopped(),
    }
    print()
    print(json.dumps(seen))


main()
