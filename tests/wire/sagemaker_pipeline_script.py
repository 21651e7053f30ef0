"""SageMaker Pipelines as a user of the SDK v2 has them, beyond the example.

A script of its own, for `flowmaker exec`; it prints one JSON object of what it saw, last.
"""

import json
import logging
import tarfile
import time
from pathlib import Path
from typing import Any

import sagemaker
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ScriptProcessor
from sagemaker.pytorch import PyTorchModel
from sagemaker.s3 import S3Downloader
from sagemaker.sklearn import SKLearn
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import (
    ConditionEquals,
    ConditionIn,
    ConditionNot,
    ConditionOr,
)
from sagemaker.workflow.endpoint_step import EndpointConfigStep, EndpointStep
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.functions import Join
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parallelism_config import ParallelismConfiguration
from sagemaker.workflow.parameters import ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.pipeline_definition_config import PipelineDefinitionConfig
from sagemaker.workflow.selective_execution_config import SelectiveExecutionConfig
from sagemaker.workflow.steps import ProcessingStep, TrainingStep, TuningStep

logging.disable()

INSTANCE = "ml.m5.large"
SKLEARN = "1.2-1"
SCRIPT = """
import argparse, joblib, os
import numpy
from sklearn.tree import DecisionTreeClassifier

def model_fn(model_dir):
    return joblib.load(os.path.join(model_dir, "model.joblib"))

if __name__ == "__main__":
    parser = argparse.ArgumentParser()
    parser.add_argument("--max-depth", type=int)
    depth = parser.parse_args().max_depth
    data = numpy.loadtxt(os.path.join(os.environ["SM_CHANNEL_TRAIN"], "data.csv"), delimiter=",")
    model = DecisionTreeClassifier(max_depth=depth).fit(data[:, 1:], data[:, 0])
    joblib.dump(model, os.path.join(os.environ["SM_MODEL_DIR"], "model.joblib"))
"""
ROWS = "\n".join(f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10))


class Script:
    """What the steps share."""

    def __init__(self) -> None:
        self.session = PipelineSession()
        self.role = sagemaker.get_execution_role()
        self.bucket = self.session.default_bucket()
        self.session.upload_string_as_file_body(ROWS, self.bucket, "pipelines/train/data.csv")
        place = f"s3://{self.bucket}/pipelines/train"
        self.data = TrainingInput(place, content_type="text/csv")
        Path("train.py").write_text(SCRIPT)
        self.depth = ParameterInteger("Depth", default_value=2)
        self.kind = ParameterString("Kind", default_value="tree")

    def pipeline(self, name: str, *steps: Any, **more: Any) -> Pipeline:
        return Pipeline(
            name,
            parameters=[self.depth, self.kind],
            steps=list(steps),
            sagemaker_session=self.session,
            **more,
        )

    def script_step(self) -> TrainingStep:
        estimator = SKLearn(
            "train.py",
            framework_version=SKLEARN,
            role=self.role,
            instance_count=1,
            instance_type=INSTANCE,
            hyperparameters={"max-depth": self.depth},
            base_job_name="trees",
            sagemaker_session=self.session,
        )
        return TrainingStep("Tree", step_args=estimator.fit({"train": self.data}))

    def tuning_step(self) -> TuningStep:
        region = self.session.boto_region_name
        estimator = Estimator(
            sagemaker.image_uris.retrieve("xgboost", region, version="1.7-1"),
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{self.bucket}/pipelines/tuned",
            hyperparameters={"num_round": 3},
            sagemaker_session=self.session,
        )
        tuner = HyperparameterTuner(
            estimator,
            "validation:rmse",
            {"eta": ContinuousParameter(0.1, 0.9)},
            objective_type="Minimize",
            max_jobs=2,
            max_parallel_jobs=2,
            strategy="Random",
        )
        channels = {"train": self.data, "validation": self.data}
        return TuningStep("Tune", step_args=tuner.fit(channels))

    def whole(self) -> Pipeline:
        tree, tune = self.script_step(), self.tuning_step()
        best = Model(
            sagemaker.image_uris.retrieve("xgboost", "us-east-1", version="1.7-1"),
            tune.get_top_model_s3_uri(0, self.bucket, "pipelines/tuned"),
            self.role,
            sagemaker_session=self.session,
        )
        packed = PyTorchModel(
            tree.properties.ModelArtifacts.S3ModelArtifacts,
            self.role,
            "train.py",
            framework_version="2.1",
            py_version="py310",
            sagemaker_session=self.session,
        )
        registered = packed.register(
            content_types=["text/csv"],
            response_types=["text/csv"],
            inference_instances=[INSTANCE],
            transform_instances=[INSTANCE],
            model_package_group_name="trees",
            approval_status="Approved",
        )
        either = ConditionOr([ConditionEquals(self.depth, 99), ConditionIn(self.kind, ["tree"])])
        check = ConditionStep(
            "Check",
            conditions=[either, ConditionNot(ConditionEquals(self.kind, "bush"))],
            if_steps=[ModelStep("Best", step_args=best.create(INSTANCE))],
            else_steps=[],
            depends_on=[tree],
        )
        return self.pipeline("whole", tree, tune, check, ModelStep("Keep", step_args=registered))

    def slow(self) -> Pipeline:
        Path("slow.py").write_text("import time\ntime.sleep(600)\n")
        region = self.session.boto_region_name
        processor = ScriptProcessor(
            role=self.role,
            image_uri=sagemaker.image_uris.retrieve("sklearn", region, version=SKLEARN),
            command=["python3"],
            instance_type=INSTANCE,
            instance_count=1,
            sagemaker_session=self.session,
        )
        return self.pipeline(
            "slow", ProcessingStep("Sleep", step_args=processor.run(code="slow.py"))
        )

    def run_whole(self) -> dict[str, Any]:
        pipeline = self.whole()
        pipeline.upsert(self.role, description="first")
        pipeline.upsert(
            self.role, description="second", parallelism_config=ParallelismConfiguration(4)
        )
        execution = pipeline.start(parameters={"Depth": 3}, execution_display_name="deep")
        execution.wait(delay=1, max_attempts=200)
        job = next(one for one in execution.list_steps() if one["StepName"] == "Tree")
        name = job["Metadata"]["TrainingJob"]["Arn"].rpartition("/")[2]
        told = self.session.sagemaker_client.list_training_jobs(
            NameContains="pipelines-", MaxResults=100
        )
        full = [one["TrainingJobName"] for one in told["TrainingJobSummaries"]]
        name = next(one for one in full if one.lower() == name)
        chosen = pipeline.start(
            selective_execution_config=SelectiveExecutionConfig(selected_steps=["Best-CreateModel"])
        )
        chosen.wait(delay=1, max_attempts=60)
        return {
            "described": pipeline.describe()["PipelineDescription"],
            "name": execution.describe()["PipelineExecutionDisplayName"],
            "steps": {one["StepName"]: one["StepStatus"] for one in execution.list_steps()},
            "parameters": pipeline.build_parameters_from_execution(execution.arn),
            "depth": self.session.describe_training_job(name)["HyperParameters"]["max-depth"],
            "packed": self.packed(),
            "version": pipeline.latest_pipeline_version_id,
            "executions": len(pipeline.list_executions()["PipelineExecutionSummaries"]),
            "chosen": {
                one["StepName"]: "SelectiveExecutionResult" in one for one in chosen.list_steps()
            },
        }

    def packed(self) -> list[str]:
        """What is in the archive of the model that was registered, which has its script."""
        client = self.session.sagemaker_client
        listed = client.list_model_packages(ModelPackageGroupName="trees")
        arn = listed["ModelPackageSummaryList"][0]["ModelPackageArn"]
        package = client.describe_model_package(ModelPackageName=arn)
        place = package["InferenceSpecification"]["Containers"][0]["ModelDataUrl"]
        S3Downloader.download(place, "packed", sagemaker_session=self.session)
        with tarfile.open("packed/model.tar.gz") as archive:
            return [one.name.removeprefix("./") for one in archive if one.isfile()]

    def stop(self) -> dict[str, Any]:
        pipeline = self.slow()
        pipeline.create(self.role)
        execution = pipeline.start()
        while not any(one["StepStatus"] == "Executing" for one in execution.list_steps()):
            time.sleep(0.1)
        execution.stop()
        while execution.describe()["PipelineExecutionStatus"] == "Stopping":
            time.sleep(0.1)
        step = execution.list_steps()[0]
        job = step["Metadata"]["ProcessingJob"]["Arn"].rpartition("/")[2]
        client = self.session.sagemaker_client
        listed = client.list_processing_jobs(StatusEquals="Stopped")["ProcessingJobSummaries"]
        pipeline.delete()
        return {
            "status": step["StepStatus"],
            "job stopped": job in [one["ProcessingJobArn"].rpartition("/")[2] for one in listed],
            "left": [
                one["PipelineName"]
                for one in client.list_pipelines(PipelineNamePrefix="slow")["PipelineSummaries"]
            ],
        }

    def prefixed(self) -> str:
        """The name of a job whose pipeline asks for prefixes of its own."""
        config = PipelineDefinitionConfig(use_custom_job_prefix=True)
        step = self.script_step()
        pipeline = self.pipeline("prefixed", step, pipeline_definition_config=config)
        pipeline.create(self.role)
        execution = pipeline.start()
        execution.wait(delay=1, max_attempts=100)
        job = execution.list_steps()[0]["Metadata"]["TrainingJob"]["Arn"]
        return job.rpartition("/")[2].replace(execution.arn.rpartition("/")[2], "ID")

    def serves(self) -> Pipeline:
        """Trains, and has an endpoint serve what it trained."""
        image = sagemaker.image_uris.retrieve("xgboost", "us-east-1", version="1.7-1")
        estimator = Estimator(
            image,
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            hyperparameters={"num_round": 2},
            sagemaker_session=self.session,
        )
        trained = TrainingStep("Train", step_args=estimator.fit({"train": self.data}))
        data = trained.properties.ModelArtifacts.S3ModelArtifacts
        model = Model(image, data, self.role, sagemaker_session=self.session)
        made = ModelStep("Make", step_args=model.create(INSTANCE))
        config = EndpointConfigStep(
            "Configure",
            step_args=self.session.create_endpoint_config(
                name=Join("-", ["serves", ExecutionVariables.PIPELINE_EXECUTION_ID]),
                model_name=made.properties.ModelName,
                initial_instance_count=1,
                instance_type=INSTANCE,
            ),
        )
        endpoint = EndpointStep(
            "Serve",
            step_args=self.session.create_endpoint(
                endpoint_name="serves", config_name=config.properties.EndpointConfigName
            ),
        )
        return self.pipeline("serves", trained, made, config, endpoint)

    def run_serves(self) -> dict[str, Any]:
        """Twice: the endpoint is made, and then it is updated."""
        pipeline = self.serves()
        pipeline.create(self.role)
        client, configs, steps = self.session.sagemaker_client, [], {}
        for _ in range(2):
            execution = pipeline.start()
            execution.wait(delay=1, max_attempts=120)
            steps = {one["StepName"]: one["StepStatus"] for one in execution.list_steps()}
            configs.append(client.describe_endpoint(EndpointName="serves")["EndpointConfigName"])
        asked = {"EndpointName": "serves", "ContentType": "text/csv", "Body": "1,2"}
        answer = self.session.sagemaker_runtime_client.invoke_endpoint(**asked)
        score = float(answer["Body"].read().decode())
        client.delete_endpoint(EndpointName="serves")
        return {"steps": steps, "configs": configs, "score": score}


def main() -> None:
    script = Script()
    seen = {
        "whole": script.run_whole(),
        "stopped": script.stop(),
        "prefixed": script.prefixed(),
        "serves": script.run_serves(),
    }
    print(json.dumps(seen, default=str))


main()
