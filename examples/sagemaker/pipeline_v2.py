"""Amazon SageMaker Pipelines with the SDK v2: on this machine, or on AWS.

    flowmaker exec -- python examples/sagemaker/pipeline_v2.py     # here
    python examples/sagemaker/pipeline_v2.py                       # on AWS, with an execution role

A pipeline trains XGBoost on flowers and measures the model with a script. If it is right often
enough, the model is registered, made, and transforms a batch; otherwise the execution fails.
The second execution finds the training and the measuring in the cache.
"""

from contextlib import suppress
from pathlib import Path

import numpy as np
import sagemaker
from botocore.exceptions import WaiterError
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.model import Model
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.transformer import Transformer
from sagemaker.workflow.condition_step import ConditionStep
from sagemaker.workflow.conditions import ConditionGreaterThanOrEqualTo
from sagemaker.workflow.execution_variables import ExecutionVariables
from sagemaker.workflow.fail_step import FailStep
from sagemaker.workflow.functions import Join, JsonGet
from sagemaker.workflow.model_step import ModelStep
from sagemaker.workflow.parameters import ParameterFloat, ParameterInteger, ParameterString
from sagemaker.workflow.pipeline import Pipeline
from sagemaker.workflow.pipeline_context import PipelineSession
from sagemaker.workflow.properties import PropertyFile
from sagemaker.workflow.steps import CacheConfig, ProcessingStep, TrainingStep, TransformStep
from sagemaker.xgboost import XGBoostProcessor
from sklearn.datasets import load_iris

HERE = Path(__file__).parent
INSTANCE = "ml.m5.large"
PREFIX = "flowmaker-pipeline"
FOLDER = "/opt/ml/processing"
#: Of what has run within an hour with the same arguments nothing runs again.
CACHE = CacheConfig(enable_caching=True, expire_after="PT1H")


class Example:
    """The steps, which share a session, a role and the data."""

    def __init__(self) -> None:
        self.session = PipelineSession()
        self.role = sagemaker.get_execution_role()
        self.bucket = self.session.default_bucket()
        self.image = sagemaker.image_uris.retrieve(
            "xgboost", self.session.boto_region_name, version="1.7-1"
        )
        self.rounds = ParameterInteger("Rounds", default_value=20)
        self.enough = ParameterFloat("Enough", default_value=0.85)
        self.approval = ParameterString(
            "Approval",
            default_value="PendingManualApproval",
            enum_values=["PendingManualApproval", "Approved"],
        )

    def upload(self) -> None:
        """The flowers: the label first, no header; and a batch without labels."""
        flowers, kinds = load_iris(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(flowers))
        for name, rows in (("train", order[:100]), ("test", order[100:])):
            self._put(f"{name}/data.csv", np.column_stack([kinds[rows], flowers[rows]]))
        self._put("batch/flowers.csv", flowers[order[100:]])

    def _put(self, key: str, table: np.ndarray) -> None:
        text = "\n".join(",".join(f"{value:g}" for value in row) for row in table)
        self.session.upload_string_as_file_body(text, self.bucket, f"{PREFIX}/{key}")

    def place(self, name: str) -> str:
        return f"s3://{self.bucket}/{PREFIX}/{name}"

    def train(self) -> TrainingStep:
        estimator = Estimator(
            self.image,
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=self.place("models"),
            sagemaker_session=self.session,
            hyperparameters={
                "num_round": self.rounds,
                "objective": "multi:softmax",
                "num_class": 3,
            },
        )
        data = TrainingInput(self.place("train"), content_type="text/csv")
        return TrainingStep("Train", step_args=estimator.fit({"train": data}), cache_config=CACHE)

    def measure(self, train: TrainingStep, report: PropertyFile) -> ProcessingStep:
        processor = XGBoostProcessor(
            framework_version="1.7-1",
            role=self.role,
            instance_type=INSTANCE,
            instance_count=1,
            sagemaker_session=self.session,
        )
        model = train.properties.ModelArtifacts.S3ModelArtifacts
        arguments = processor.run(
            code="evaluate.py",
            source_dir=str(HERE / "source"),
            inputs=[
                ProcessingInput(model, f"{FOLDER}/model"),
                ProcessingInput(self.place("test"), f"{FOLDER}/test"),
            ],
            outputs=[ProcessingOutput(f"{FOLDER}/evaluation", output_name="evaluation")],
        )
        return ProcessingStep(
            "Measure", step_args=arguments, property_files=[report], cache_config=CACHE
        )

    def use(self, train: TrainingStep) -> list[ModelStep | TransformStep]:
        """What is done with a model that is good enough."""
        model = Model(
            self.image,
            train.properties.ModelArtifacts.S3ModelArtifacts,
            self.role,
            sagemaker_session=self.session,
        )
        register = ModelStep(
            "Keep",
            step_args=model.register(
                content_types=["text/csv"],
                response_types=["text/csv"],
                model_package_group_name=PREFIX,
                approval_status=self.approval,
            ),
        )
        make = ModelStep("Make", step_args=model.create(INSTANCE))
        execution = ExecutionVariables.PIPELINE_EXECUTION_ID
        transformer = Transformer(
            make.properties.ModelName,
            1,
            INSTANCE,
            output_path=Join(on="/", values=[self.place("transformed"), execution]),
            assemble_with="Line",
            sagemaker_session=self.session,
        )
        batch = transformer.transform(
            self.place("batch"), content_type="text/csv", split_type="Line"
        )
        return [register, make, TransformStep("Transform", step_args=batch)]

    def pipeline(self) -> Pipeline:
        report = PropertyFile("Report", "evaluation", "evaluation.json")
        train = self.train()
        measure = self.measure(train, report)
        accuracy = JsonGet(measure.name, report, json_path="metrics.accuracy.value")
        poor = FailStep(
            "Poor", error_message=Join(on=" ", values=["It is right only this often:", accuracy])
        )
        check = ConditionStep(
            "Check",
            conditions=[ConditionGreaterThanOrEqualTo(accuracy, self.enough)],
            if_steps=self.use(train),
            else_steps=[poor],
        )
        return Pipeline(
            "flowers",
            parameters=[self.rounds, self.enough, self.approval],
            steps=[train, measure, check],
            sagemaker_session=self.session,
        )


def tell(execution: object) -> None:
    """How an execution and its steps have ended."""
    steps = execution.list_steps()
    for step in sorted(steps, key=lambda step: step["StartTime"]):
        cached = " (cached)" if "CacheHitResult" in step else ""
        print(f"  {step['StepName']}: {step['StepStatus']}{cached}")


def main() -> None:
    example = Example()
    example.upload()
    pipeline = example.pipeline()
    pipeline.upsert(role_arn=example.role)
    first = pipeline.start()
    first.wait(delay=1, max_attempts=600)
    print(f"the first execution has {first.describe()['PipelineExecutionStatus']}")
    tell(first)
    second = pipeline.start(parameters={"Enough": 1.01})
    with suppress(WaiterError):
        second.wait(delay=1, max_attempts=600)
    print(f"the second execution: {second.describe().get('FailureReason')}")
    tell(second)
    pipeline.delete()


main()
