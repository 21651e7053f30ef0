"""A pipeline as a user of SageMaker's SDK v3 has it; it prints one JSON object, last.

A script of its own, for `flowmaker exec` with a Python that has the SDK.
"""

import json
from contextlib import suppress
from pathlib import Path
from typing import Any

from botocore.exceptions import WaiterError
from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import get_execution_role
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.workflow.conditions import ConditionGreaterThan
from sagemaker.core.workflow.functions import JsonGet
from sagemaker.core.workflow.parameters import ParameterInteger
from sagemaker.core.workflow.pipeline_context import PipelineSession
from sagemaker.core.workflow.properties import PropertyFile
from sagemaker.mlops.workflow.condition_step import ConditionStep
from sagemaker.mlops.workflow.fail_step import FailStep
from sagemaker.mlops.workflow.pipeline import Pipeline
from sagemaker.mlops.workflow.steps import ProcessingStep, TrainingStep
from sagemaker.train.configs import Compute, InputData, SourceCode
from sagemaker.train.model_trainer import ModelTrainer

INSTANCE = "ml.m5.large"
FOLDER = "/opt/ml/processing"
TRAIN = """
import argparse, os, pathlib
parser = argparse.ArgumentParser()
parser.add_argument("--depth", type=int)
depth = parser.parse_args().depth
(pathlib.Path(os.environ["SM_MODEL_DIR"]) / "depth").write_text(str(depth))
"""
MEASURE = """
import json, pathlib, tarfile
folder = pathlib.Path("/opt/ml/processing")
with tarfile.open(folder / "model" / "model.tar.gz") as archive:
    depth = int(archive.extractfile(archive.getmember("depth")).read())
(folder / "out" / "report.json").write_text(json.dumps({"depth": depth}))
"""


def main() -> None:
    session: Any = PipelineSession()
    role, bucket = get_execution_role(), session.default_bucket()
    place = session.upload_string_as_file_body("1,2\n", bucket, "pipeline-v3/train.csv", None)
    Path("source").mkdir()
    Path("source/train.py").write_text(TRAIN)
    Path("measure.py").write_text(MEASURE)
    depth: Any = ParameterInteger("Depth", default_value=2)
    image = image_uris.retrieve("sklearn", "us-east-1", version="1.2-1", instance_type=INSTANCE)
    trainer = ModelTrainer(
        sagemaker_session=session,
        role=role,
        training_image=image,
        source_code=SourceCode(source_dir="source", entry_script="train.py"),
        compute=Compute(instance_type=INSTANCE, instance_count=1, volume_size_in_gb=30),
        hyperparameters={"depth": depth},
    )
    data = InputData(channel_name="train", data_source=place)
    train = TrainingStep("Train", step_args=trainer.train(input_data_config=[data]))
    processor = ScriptProcessor(
        image_uri=image,
        command=["python3"],
        role=role,
        instance_type=INSTANCE,
        instance_count=1,
        sagemaker_session=session,
    )
    model = ProcessingS3Input(
        s3_uri=train.properties.ModelArtifacts.S3ModelArtifacts,
        local_path=f"{FOLDER}/model",
        s3_data_type="S3Prefix",
        s3_input_mode="File",
    )
    out = ProcessingS3Output(
        s3_uri=f"s3://{bucket}/pipeline-v3/out",
        local_path=f"{FOLDER}/out",
        s3_upload_mode="EndOfJob",
    )
    arguments = processor.run(
        code="measure.py",
        inputs=[ProcessingInput(input_name="model", s3_input=model)],
        outputs=[ProcessingOutput(output_name="out", s3_output=out)],
    )
    report = PropertyFile(name="Report", output_name="out", path="report.json")
    measure = ProcessingStep("Measure", step_args=arguments, property_files=[report])
    measured = JsonGet(step_name="Measure", property_file=report, json_path="depth")
    check = ConditionStep(
        "Check",
        conditions=[ConditionGreaterThan(left=measured, right=2)],
        if_steps=[],
        else_steps=[FailStep("Flat", error_message="too flat")],
    )
    pipeline = Pipeline(
        "trees-v3",
        parameters=[depth],
        steps=[train, measure, check],
        sagemaker_session=session,
    )
    pipeline.upsert(role)
    seen: dict[str, Any] = {}
    for number in (2, 3):
        execution = pipeline.start(parameters={"Depth": number})
        with suppress(WaiterError):
            execution.wait(delay=1, max_attempts=100)
        seen[str(number)] = {
            "status": execution.describe()["PipelineExecutionStatus"],
            "steps": {one["StepName"]: one["StepStatus"] for one in execution.list_steps()},
        }
    pipeline.delete()
    print()
    print(json.dumps(seen))


main()
