"""Amazon SageMaker with its SDK v2, from data to predictions: on this machine, or on AWS.

    IMAGE=000000000000.dkr.ecr.us-east-1.amazonaws.com/flowers:1
    flowmaker image add $IMAGE --source examples/sagemaker/image
    flowmaker exec -- python examples/sagemaker/sdk_v2.py

On AWS the image is built and pushed with Docker to the account's registry, and the script runs as
it is, with an execution role.

It trains XGBoost on flowers, hosts the model and asks it, transforms a batch, tunes the model,
processes data, and trains and hosts a scikit-learn script and an image of one's own. It removes
the endpoints that it made.
"""

from pathlib import Path

import numpy as np
import sagemaker
from sagemaker.deserializers import CSVDeserializer, JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.inputs import TrainingInput
from sagemaker.processing import ProcessingInput, ProcessingOutput
from sagemaker.serializers import CSVSerializer
from sagemaker.sklearn import SKLearn, SKLearnProcessor
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
from sklearn.datasets import load_iris

HERE = Path(__file__).parent
INSTANCE = "ml.m5.large"
PREFIX = "flowmaker-example"
#: The version of scikit-learn's image.
SKLEARN = "1.2-1"


class Example:
    """The steps, which share a session, a role and the data."""

    def __init__(self) -> None:
        self.session = sagemaker.Session()
        self.role = sagemaker.get_execution_role()
        self.bucket = self.session.default_bucket()
        self.flowers, self.kinds = load_iris(return_X_y=True)
        order = np.random.default_rng(0).permutation(len(self.flowers))
        self.train, self.test = order[:100], order[100:]

    def upload(self) -> dict[str, TrainingInput]:
        """The data as XGBoost takes it: the label first, no header."""
        channels: dict[str, TrainingInput] = {}
        for name, rows in (("train", self.train), ("validation", self.test)):
            table = np.column_stack([self.kinds[rows], self.flowers[rows]])
            text = "\n".join(",".join(f"{value:g}" for value in row) for row in table)
            key = f"{PREFIX}/{name}/data.csv"
            self.session.upload_string_as_file_body(text, self.bucket, key)
            place = f"s3://{self.bucket}/{PREFIX}/{name}"
            channels[name] = TrainingInput(place, content_type="text/csv")
        return channels

    def estimator(self) -> Estimator:
        """Built-in XGBoost."""
        region = self.session.boto_region_name
        return Estimator(
            sagemaker.image_uris.retrieve("xgboost", region, version="1.7-1"),
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{self.bucket}/{PREFIX}/models",
            sagemaker_session=self.session,
            hyperparameters={
                "num_round": 20,
                "objective": "multi:softmax",
                "num_class": 3,
                "eval_metric": "merror",
            },
        )

    def ask(self, estimator: Estimator | HyperparameterTuner) -> float:
        """Hosts a model, asks it about the flowers that it has not seen: how often it is right."""
        predictor = estimator.deploy(
            1, INSTANCE, serializer=CSVSerializer(), deserializer=JSONDeserializer()
        )
        answers = predictor.predict(self.flowers[self.test])["predictions"]
        predictor.delete_model()
        predictor.delete_endpoint()
        found = [answer["score"] for answer in answers]
        return float(np.mean(np.equal(found, self.kinds[self.test])))

    def transform(self, estimator: Estimator) -> float:
        """The same questions as a batch."""
        rows = "\n".join(",".join(map(str, row)) for row in self.flowers[self.test])
        self.session.upload_string_as_file_body(rows, self.bucket, f"{PREFIX}/batch/flowers.csv")
        output = f"{PREFIX}/transformed"
        transformer = estimator.transformer(
            1, INSTANCE, output_path=f"s3://{self.bucket}/{output}", assemble_with="Line"
        )
        transformer.transform(
            f"s3://{self.bucket}/{PREFIX}/batch",
            content_type="text/csv",
            split_type="Line",
            logs=False,
        )
        transformer.delete_model()
        text = self.session.read_s3_file(self.bucket, f"{output}/flowers.csv.out")
        found = [float(line) for line in text.split()]
        return float(np.mean(np.equal(found, self.kinds[self.test])))

    def tune(self, channels: dict[str, TrainingInput]) -> HyperparameterTuner:
        """The best of four trainings."""
        tuner = HyperparameterTuner(
            self.estimator(),
            "validation:merror",
            {"eta": ContinuousParameter(0.1, 0.5), "max_depth": IntegerParameter(1, 6)},
            objective_type="Minimize",
            max_jobs=4,
            max_parallel_jobs=2,
        )
        tuner.fit(channels)
        return tuner

    def process(self) -> str:
        """A script that counts the kinds of flowers."""
        processor = SKLearnProcessor(
            SKLEARN,
            role=self.role,
            instance_type=INSTANCE,
            instance_count=1,
            sagemaker_session=self.session,
        )
        folder = "/opt/ml/processing"
        processor.run(
            str(HERE / "source" / "count.py"),
            inputs=[ProcessingInput(f"s3://{self.bucket}/{PREFIX}/train", f"{folder}/input")],
            outputs=[
                ProcessingOutput(
                    source=f"{folder}/output", destination=f"s3://{self.bucket}/{PREFIX}/counted"
                )
            ],
            logs=False,
        )
        return self.session.read_s3_file(self.bucket, f"{PREFIX}/counted/kinds.txt").strip()

    def script(self, channels: dict[str, TrainingInput]) -> float:
        """A scikit-learn script of one's own, trained and hosted."""
        sklearn = SKLearn(
            "flowers.py",
            framework_version=SKLEARN,
            source_dir=str(HERE / "source"),
            role=self.role,
            instance_count=1,
            instance_type=INSTANCE,
            hyperparameters={"neighbors": 5},
            sagemaker_session=self.session,
        )
        sklearn.fit(channels["train"], logs=False)
        predictor = sklearn.deploy(1, INSTANCE)
        found = predictor.predict(self.flowers[self.test])
        predictor.delete_model()
        predictor.delete_endpoint()
        return float(np.mean(np.equal(found, self.kinds[self.test])))

    def own_image(self, channels: dict[str, TrainingInput]) -> float:
        """An image of one's own, trained and hosted: its programs are `image/train` and `serve`."""
        registry = f"{self.session.account_id()}.dkr.ecr.{self.session.boto_region_name}"
        estimator = Estimator(
            f"{registry}.amazonaws.com/flowers:1",
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{self.bucket}/{PREFIX}/models",
            sagemaker_session=self.session,
            hyperparameters={"digits": 2},
        )
        estimator.fit({"train": channels["train"]}, logs=False)
        predictor = estimator.deploy(
            1, INSTANCE, serializer=CSVSerializer(), deserializer=CSVDeserializer()
        )
        found = [float(kind) for (kind,) in predictor.predict(self.flowers[self.test])]
        predictor.delete_model()
        predictor.delete_endpoint()
        return float(np.mean(np.equal(found, self.kinds[self.test])))


def main() -> None:
    example = Example()
    channels = example.upload()
    estimator = example.estimator()
    estimator.fit(channels, logs=False)
    print(f"trained: {estimator.model_data}")
    print(f"the endpoint is right {example.ask(estimator):.0%} of the time")
    print(f"the batch is right {example.transform(estimator):.0%} of the time")
    tuner = example.tune(channels)
    print(f"the best of the tuning is {tuner.best_training_job()}")
    print(f"it is right {example.ask(tuner):.0%} of the time")
    print(f"flowers of each kind: {example.process()}")
    print(f"the script is right {example.script(channels):.0%} of the time")
    print(f"the image is right {example.own_image(channels):.0%} of the time")


main()
