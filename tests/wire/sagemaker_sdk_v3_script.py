"""What a user of SageMaker's SDK v3 writes; it prints one JSON object of what it saw, last.

A script of its own, for `flowmaker exec` with a Python that has the SDK.
"""

import json
import time
from pathlib import Path
from typing import Any

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer

INSTANCE = "ml.m5.large"
TRAIN = """
import argparse, json, os
import iniconfig, joblib, pandas
from sklearn.tree import DecisionTreeClassifier

parser = argparse.ArgumentParser()
parser.add_argument("--max_depth", type=int)
depth = parser.parse_args().max_depth
data = pandas.read_csv(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "train.csv"), header=None)
model = DecisionTreeClassifier(max_depth=depth).fit(data[[1, 2]].values, data[0])
joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
print("trained on", os.environ["SM_CURRENT_HOST"], "with depth", model.get_depth(), flush=True)
"""

sleep = time.sleep
time.sleep = lambda seconds: sleep(min(seconds, 0.2))


def main() -> None:
    session: Any = Session()
    bucket = session.default_bucket()
    rows = "\n".join(f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10))
    place = session.upload_string_as_file_body(rows, bucket, "v3/train.csv", None)
    Path("source").mkdir()
    Path("source/train.py").write_text(TRAIN)
    Path("source/requirements.txt").write_text("iniconfig==2.0.0\n")
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=get_execution_role(session),
        training_image=image_uris.retrieve(
            "sklearn", "us-east-1", version="1.2-1", instance_type=INSTANCE
        ),
        base_job_name="v3",
        source_code=SourceCode(
            source_dir="source", entry_script="train.py", requirements="requirements.txt"
        ),
        compute=Compute(instance_type=INSTANCE, instance_count=2, volume_size_in_gb=30),
        hyperparameters={"max_depth": 3},
    )
    data = InputData(channel_name="train", data_source=place)
    trainer.train(input_data_config=[data], wait=True, logs=True)
    job: Any = trainer._latest_training_job
    job.refresh()
    model = job.model_artifacts.s3_model_artifacts
    seen = {
        "job": job.training_job_name,
        "status": job.training_job_status,
        "model": model,
    }
    print()
    print(json.dumps(seen))


main()
