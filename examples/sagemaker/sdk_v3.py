"""Amazon SageMaker with its SDK v3, from data to predictions: on this machine, or on AWS.

    IMAGE=000000000000.dkr.ecr.us-east-1.amazonaws.com/flowers:1
    flowmaker image add $IMAGE --source examples/sagemaker/image
    flowmaker exec -- python examples/sagemaker/sdk_v3.py

On AWS the image is built and pushed with Docker to the account's registry, and the script runs as
it is, with an execution role.

It trains XGBoost on flowers, hosts the model and asks it, transforms a batch, tunes the model,
processes data, and trains and hosts a scikit-learn script and an image of one's own. It removes
the endpoints and the models that it made.
"""

import random
from pathlib import Path
from typing import Any
from uuid import uuid4

from sagemaker.core import image_uris
from sagemaker.core.helper.session_helper import Session, get_execution_role
from sagemaker.core.parameter import ContinuousParameter, IntegerParameter
from sagemaker.core.processing import ScriptProcessor
from sagemaker.core.resources import TrainingJob
from sagemaker.core.shapes import (
    ProcessingInput,
    ProcessingOutput,
    ProcessingS3Input,
    ProcessingS3Output,
)
from sagemaker.core.transformer import Transformer
from sagemaker.serve import ModelBuilder
from sagemaker.train.configs import Compute, InputData, OutputDataConfig, SourceCode
from sagemaker.train.model_trainer import ModelTrainer
from sagemaker.train.tuner import HyperparameterTuner

HERE = Path(__file__).parent
INSTANCE = "ml.m5.large"
#: The version of scikit-learn's image.
SKLEARN = "1.2-1"
#: A script, and the folder that goes with it.
SCRIPT = SourceCode(source_dir=str(HERE / "source"), entry_script="flowers.py")
PREFIX = "flowmaker-example-v3"
#: Three kinds of flowers: the mean length and width of their petals, in centimetres.
KINDS = ((1.5, 0.2), (4.3, 1.3), (5.6, 2.0))
#: The kind of a flower, and its petals' length and width.
Flower = tuple[int, float, float]


class Example:
    """The steps, which share a session, a role and the data."""

    def __init__(self) -> None:
        self.session: Any = Session()
        self.role = get_execution_role(self.session)
        self.bucket = self.session.default_bucket()
        self.region = self.session.boto_region_name
        self.train, self.test = flowers(150, seed=0), flowers(50, seed=1)

    def put(self, key: str, text: str) -> str:
        return self.session.upload_string_as_file_body(text, self.bucket, f"{PREFIX}/{key}", None)

    def upload(self, name: str, rows: list[Flower]) -> str:
        """Data as XGBoost takes it: the label first, no header."""
        text = "\n".join(f"{kind},{length},{width}" for kind, length, width in rows)
        return self.put(f"{name}/data.csv", text)

    def channels(self) -> list[InputData]:
        return [
            InputData(
                channel_name=name, data_source=self.upload(name, rows), content_type="text/csv"
            )
            for name, rows in (("train", self.train), ("validation", self.test))
        ]

    def trainer(self, image: str, given: dict[str, Any], **more: Any) -> ModelTrainer:
        """What trains an image with these hyperparameters."""
        return ModelTrainer(
            sagemaker_session=self.session,
            role=self.role,
            training_image=image,
            base_job_name="flowers",
            compute=Compute(instance_type=INSTANCE, instance_count=1, volume_size_in_gb=30),
            output_data_config=OutputDataConfig(
                s3_output_path=f"s3://{self.bucket}/{PREFIX}/models"
            ),
            hyperparameters=given,
            **more,
        )

    def xgboost(self) -> ModelTrainer:
        """Built-in XGBoost."""
        return self.trainer(
            image_uris.retrieve("xgboost", self.region, version="1.7-1"),
            {
                "num_round": 20,
                "objective": "multi:softmax",
                "num_class": 3,
                "eval_metric": "merror",
            },
        )

    def model(self, job: TrainingJob, **more: Any) -> ModelBuilder:
        """The model of a training job, made in SageMaker."""
        builder = ModelBuilder(
            image_uri=job.algorithm_specification.training_image,
            s3_model_data_url=job.model_artifacts.s3_model_artifacts,
            role_arn=self.role,
            instance_type=INSTANCE,
            sagemaker_session=self.session,
            **more,
        )
        builder.build(model_name=f"flowers-{uuid4().hex[:8]}")
        return builder

    def questions(self) -> str:
        return "\n".join(f"{length},{width}" for _, length, width in self.test)

    def right(self, answers: list[str]) -> float:
        """How often the answers are the kinds of the flowers."""
        pairs = zip(answers, self.test, strict=True)
        return sum(float(answer) == kind for answer, (kind, *_) in pairs) / len(self.test)

    def ask(self, builder: ModelBuilder) -> float:
        """Hosts the model and asks it about the flowers that it has not seen."""
        endpoint: Any = builder.deploy(endpoint_name=builder.model_name, instance_type=INSTANCE)
        answer = endpoint.invoke(body=self.questions(), content_type="text/csv", accept="text/csv")
        found = answer.body.read().decode().replace(",", "\n").split()
        endpoint.delete()
        self.session.sagemaker_client.delete_endpoint_config(
            EndpointConfigName=endpoint.endpoint_config_name
        )
        self.session.sagemaker_client.delete_model(ModelName=builder.model_name)
        return self.right(found)

    def tune(self, channels: list[InputData]) -> HyperparameterTuner:
        """The best of four trainings."""
        tuner = HyperparameterTuner(
            self.xgboost(),
            "validation:merror",
            {"eta": ContinuousParameter(0.1, 0.5), "max_depth": IntegerParameter(1, 6)},
            objective_type="Minimize",
            max_jobs=4,
            max_parallel_jobs=2,
        )
        tuner.tune(channels, job_name=f"flowers-{uuid4().hex[:8]}", wait=True)
        return tuner

    def best(self, tuner: HyperparameterTuner) -> TrainingJob:
        return TrainingJob.get(tuner.best_training_job(), self.session.boto_session)

    def transform(self, model: str) -> float:
        """The same questions as a batch."""
        place = self.put("batch/flowers.csv", self.questions())
        output = f"{PREFIX}/transformed"
        transformer = Transformer(
            model_name=model,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{self.bucket}/{output}",
            assemble_with="Line",
            sagemaker_session=self.session,
        )
        transformer.transform(place, content_type="text/csv", split_type="Line", logs=False)
        return self.right(
            self.session.read_s3_file(self.bucket, f"{output}/flowers.csv.out").split()
        )

    def script(self) -> float:
        """A scikit-learn script of one's own, trained and hosted."""
        image = image_uris.retrieve("sklearn", self.region, version=SKLEARN, instance_type=INSTANCE)
        trainer = self.trainer(image, {"neighbors": 5}, source_code=SCRIPT)
        place = f"s3://{self.bucket}/{PREFIX}/train"
        data = InputData(channel_name="training", data_source=place)
        trainer.train(input_data_config=[data], wait=True, logs=False)
        return self.ask(self.model(ended(trainer), source_code=SCRIPT))

    def own_image(self, channels: list[InputData]) -> float:
        """An image of one's own, trained and hosted: its programs are `image/train` and `serve`."""
        registry = f"{self.session.account_id()}.dkr.ecr.{self.region}"
        trainer = self.trainer(f"{registry}.amazonaws.com/flowers:1", {"digits": 2})
        trainer.train(input_data_config=channels[:1], wait=True, logs=False)
        return self.ask(self.model(ended(trainer)))

    def process(self) -> str:
        """A script that counts the kinds of flowers."""
        processor = ScriptProcessor(
            role=self.role,
            image_uri=image_uris.retrieve(
                "sklearn", self.region, version=SKLEARN, instance_type=INSTANCE
            ),
            command=["python3"],
            instance_type=INSTANCE,
            instance_count=1,
            sagemaker_session=self.session,
        )
        folder = "/opt/ml/processing"
        place = f"s3://{self.bucket}/{PREFIX}"
        read = ProcessingS3Input(
            s3_uri=f"{place}/train",
            local_path=f"{folder}/input",
            s3_data_type="S3Prefix",
            s3_input_mode="File",
        )
        written = ProcessingS3Output(
            s3_uri=f"{place}/counted", local_path=f"{folder}/output", s3_upload_mode="EndOfJob"
        )
        processor.run(
            str(HERE / "source" / "count.py"),
            inputs=[ProcessingInput(input_name="flowers", s3_input=read)],
            outputs=[ProcessingOutput(output_name="kinds", s3_output=written)],
            logs=False,
        )
        return self.session.read_s3_file(self.bucket, f"{PREFIX}/counted/kinds.txt").strip()


def flowers(count: int, seed: int) -> list[Flower]:
    chance = random.Random(seed)
    return [
        (kind, round(chance.gauss(length, 0.3), 2), round(chance.gauss(width, 0.15), 2))
        for kind, (length, width) in ((one % 3, KINDS[one % 3]) for one in range(count))
    ]


def ended(trainer: ModelTrainer) -> TrainingJob:
    """The job that a trainer has waited for."""
    job: Any = trainer._latest_training_job  # noqa: SLF001 - what train() started
    job.refresh()
    return job


def main() -> None:
    example = Example()
    channels = example.channels()
    trainer = example.xgboost()
    trainer.train(input_data_config=channels, wait=True, logs=False)
    builder = example.model(ended(trainer))
    print(f"trained: {builder.s3_model_data_url}")
    print(f"the batch is right {example.transform(builder.model_name):.0%} of the time")
    print(f"the endpoint is right {example.ask(builder):.0%} of the time")
    tuner = example.tune(channels)
    errors = tuner.analytics().dataframe()["FinalObjectiveValue"]
    print(f"the best of {len(errors)} trainings, by its error of {min(errors):.0%}, ", end="")
    best = example.best(tuner)
    print(f"is {best.training_job_name}")
    print(f"it is right {example.ask(example.model(best)):.0%} of the time")
    print(f"flowers of each kind: {example.process()}")
    print(f"the script is right {example.script():.0%} of the time")
    print(f"the image is right {example.own_image(channels):.0%} of the time")


main()
