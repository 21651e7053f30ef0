"""What a user of SageMaker's SDK v2 writes; it prints one JSON object of what it saw, last.

A script of its own, for `flowmaker exec`: the SDK is as installed, only its session does not wait
out its pauses.
"""

import json
import logging
from collections.abc import Callable
from typing import Any

import numpy as np
import sagemaker
from botocore.exceptions import ClientError
from sagemaker.deserializers import JSONDeserializer
from sagemaker.estimator import Estimator
from sagemaker.exceptions import UnexpectedStatusException
from sagemaker.inputs import TrainingInput
from sagemaker.lambda_helper import Lambda
from sagemaker.serializers import CSVSerializer
from sagemaker.tuner import ContinuousParameter, HyperparameterTuner, IntegerParameter
from sagemaker.workflow.lambda_step import LambdaStep
from sagemaker.workflow.pipeline import Pipeline
from sagemaker_pauses import Clock

logging.disable()


sagemaker.session.time = Clock()

INSTANCE = "ml.m5.large"
POINTS = np.random.default_rng(0).normal(size=(60, 3)) + np.repeat([[0], [20]], 30, axis=0)


class Script:
    """One session, and the steps that use it."""

    def __init__(self) -> None:
        self.session = sagemaker.Session()
        self.bucket = self.session.default_bucket()
        self.role = sagemaker.get_execution_role()
        self.train, self.batch = self._upload()

    def _upload(self) -> tuple[str, str]:
        rows = [f"{a},{b}" for a in range(10) for b in range(10)]
        labelled = [f"{int(a + b > 9)},{a},{b}" for a in range(10) for b in range(10)]
        for name, lines in (("train.csv", labelled), ("records.csv", rows)):
            with open(name, "w") as file:
                file.write("\n".join(lines))
        train = self.session.upload_data("train.csv", key_prefix="sdk/train")
        return train, self.session.upload_data("records.csv", key_prefix="sdk/batch")

    def estimator(self) -> Estimator:
        region = self.session.boto_region_name
        return Estimator(
            sagemaker.image_uris.retrieve("xgboost", region, version="1.7-1"),
            self.role,
            instance_count=1,
            instance_type=INSTANCE,
            output_path=f"s3://{self.bucket}/sdk/out",
            sagemaker_session=self.session,
            hyperparameters={
                "num_round": 10,
                "objective": "binary:logistic",
                "eval_metric": "error",
                "min_child_weight": 0,
            },
        )

    def fit(self) -> tuple[Estimator, dict[str, Any]]:
        estimator = self.estimator()
        channel = TrainingInput(self.train, content_type="text/csv")
        estimator.fit({"train": channel, "validation": channel}, logs=True)
        job = estimator.latest_training_job.describe()
        attached = Estimator.attach(job["TrainingJobName"], sagemaker_session=self.session)
        return estimator, {
            "job": job["TrainingJobName"],
            "model_data": estimator.model_data,
            "attached": [attached.model_data, attached.hyperparameters()],
            "metrics": {one["MetricName"]: one["Value"] for one in job["FinalMetricDataList"]},
        }

    def analytics(self, job: str) -> dict[str, list[float]]:
        table = sagemaker.TrainingJobAnalytics(
            job, period=1, sagemaker_session=self.session
        ).dataframe()
        return {name: list(part["value"]) for name, part in table.groupby("metric_name")}

    def endpoint(self, estimator: Estimator) -> dict[str, Any]:
        predictor = estimator.deploy(
            1, INSTANCE, serializer=CSVSerializer(), deserializer=JSONDeserializer()
        )
        answer = predictor.predict([[9, 9], [0, 0]])
        predictor.delete_model()
        predictor.delete_endpoint()
        return {"endpoint": predictor.endpoint_name, "predictions": answer["predictions"]}

    def transform(self, estimator: Estimator) -> list[float]:
        output = f"s3://{self.bucket}/sdk/transformed"
        transformer = estimator.transformer(
            1, INSTANCE, output_path=output, assemble_with="Line", accept="text/csv"
        )
        transformer.transform(
            self.batch, content_type="text/csv", split_type="Line", wait=True, logs=True
        )
        transformer.delete_model()
        text = self.session.read_s3_file(self.bucket, "sdk/transformed/records.csv.out")
        return [float(line) for line in text.split()]

    def kmeans(self) -> dict[str, Any]:
        kmeans = sagemaker.KMeans(
            role=self.role,
            instance_count=1,
            instance_type=INSTANCE,
            k=2,
            output_path=f"s3://{self.bucket}/sdk/kmeans",
            sagemaker_session=self.session,
        )
        points = POINTS.astype("float32")
        records = kmeans.record_set(points)
        kmeans.fit(records)
        predictor = kmeans.deploy(1, INSTANCE)
        answer = predictor.predict(points)
        predictor.delete_model()
        predictor.delete_endpoint()
        clusters = [one.label["closest_cluster"].float32_tensor.values[0] for one in answer]
        return {"input": records.s3_data_type, "clusters": clusters}

    def failure(self) -> str:
        self.session.upload_string_as_file_body("x,y\n1,2\n", self.bucket, "sdk/bad/header.csv")
        channel = TrainingInput(f"s3://{self.bucket}/sdk/bad", content_type="text/csv")
        try:
            self.estimator().fit({"train": channel})
        except UnexpectedStatusException as failed:
            return str(failed)
        return ""

    def tuned(self) -> dict[str, Any]:
        """A Bayesian search, what its analytics tell, its best model hosted; and one stopped."""
        channel = TrainingInput(self.train, content_type="text/csv")
        channels = {"train": channel, "validation": channel}
        ranges = {
            "eta": ContinuousParameter(0.1, 0.9),
            "max_depth": IntegerParameter(1, 4),
        }
        tuner = HyperparameterTuner(
            self.estimator(),
            "validation:error",
            ranges,
            objective_type="Minimize",
            max_jobs=4,
            max_parallel_jobs=2,
        )
        tuner.fit(channels, wait=True)
        table = tuner.analytics().dataframe()
        best = tuner.best_estimator()
        predictor = tuner.deploy(
            1, INSTANCE, serializer=CSVSerializer(), deserializer=JSONDeserializer()
        )
        answer = predictor.predict([[9, 9], [0, 0]])
        predictor.delete_endpoint()
        stopped = HyperparameterTuner(
            self.estimator(),
            "validation:error",
            ranges,
            objective_type="Minimize",
            max_jobs=50,
            base_tuning_job_name="stopped",
        )
        stopped.fit(channels, wait=False)
        stopped.stop_tuning_job()
        attached = HyperparameterTuner.attach(
            tuner.latest_tuning_job.name, sagemaker_session=self.session
        )
        warm = attached.identical_dataset_and_algorithm_tuner()
        warm.max_jobs = 2
        warm.fit(channels, job_name="warm", wait=True)
        return {
            "attached": attached.best_training_job(),
            "warm": len(warm.analytics().dataframe()),
            "overall": "OverallBestTrainingJob" in warm.describe(),
            "job": tuner.latest_tuning_job.name,
            "best": tuner.best_training_job(),
            "best_model": best.model_data,
            "values": sorted(table["FinalObjectiveValue"]),
            "columns": sorted(table.columns),
            "predictions": answer["predictions"],
            "stopped": stopped.describe()["HyperParameterTuningJobStatus"],
        }

    def refusals(self) -> dict[str, str]:
        """What each class of the SDK that is not supported is told."""
        function = Lambda(function_arn="arn:aws:lambda:us-east-1:000000000000:function:f")
        step = LambdaStep("Call", lambda_func=function)
        pipeline = Pipeline("refused", steps=[step], sagemaker_session=self.session)
        return {"Pipeline": refusal(lambda: pipeline.create(self.role))}


def refusal(act: Callable[[], object]) -> str:
    """The error of AWS that it ends with; empty if it does not."""
    try:
        act()
    except ClientError as refused:
        return str(refused)
    return ""


def main() -> None:
    script = Script()
    estimator, trained = script.fit()
    seen = {
        "bucket": script.bucket,
        "role": script.role,
        "trained": trained,
        "analytics": script.analytics(trained["job"]),
        "hosted": script.endpoint(estimator),
        "transformed": script.transform(estimator),
        "kmeans": script.kmeans(),
        "failure": script.failure(),
        "tuned": script.tuned(),
        "refused": script.refusals(),
    }
    print()
    print(json.dumps(seen))


main()
