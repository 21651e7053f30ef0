"""Hosting as a user of SageMaker's SDK v2 writes it; it prints one JSON object of what it saw.

A script of its own, for `flowmaker exec`: the SDK is as installed, only its session does not wait
out its pauses.
"""

import json
import logging
import tarfile
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import sagemaker
import xgboost
from sagemaker.async_inference import AsyncInferenceConfig
from sagemaker.deserializers import CSVDeserializer
from sagemaker.exceptions import AsyncInferenceModelError, ObjectNotExistedError
from sagemaker.iterators import LineIterator
from sagemaker.model import Model
from sagemaker.model_monitor import DataCaptureConfig
from sagemaker.multidatamodel import MultiDataModel
from sagemaker.pipeline import PipelineModel
from sagemaker.predictor import Predictor
from sagemaker.serializers import CSVSerializer
from sagemaker.serverless import ServerlessInferenceConfig
from sagemaker_pauses import Clock

logging.disable()

sagemaker.session.time = Clock()

INSTANCE = {"initial_instance_count": 1, "instance_type": "ml.m5.large"}


class CsvPredictor(Predictor):
    """Rows of numbers, to and fro."""

    def __init__(self, endpoint_name: str, sagemaker_session: Any = None, **given: Any) -> None:
        csv = {"serializer": CSVSerializer(), "deserializer": CSVDeserializer()}
        super().__init__(endpoint_name, sagemaker_session, **(csv | given))


class Script:
    """One session, and a model that answers with its bias for every row."""

    def __init__(self) -> None:
        self.session = sagemaker.Session()
        self.bucket = self.session.default_bucket()
        self.role = sagemaker.get_execution_role()
        self.image = sagemaker.image_uris.retrieve("xgboost", "us-east-1", version="1.7-1")
        self.one, self.two = self._upload(1.0), self._upload(2.0)

    def _upload(self, bias: float) -> str:
        data = xgboost.DMatrix(np.array([[0.0], [1.0]]), label=[bias, bias])
        given = {"base_score": bias, "objective": "reg:squarederror"}
        xgboost.train(given, data, 1).save_model("xgboost-model.ubj")
        name = f"model-{bias:.0f}.tar.gz"
        with tarfile.open(name, "w:gz") as tar:
            tar.add("xgboost-model.ubj", arcname="xgboost-model")
        return self.session.upload_data(name, key_prefix="hosting/models")

    def model(self, data: str) -> Model:
        return Model(
            self.image,
            data,
            self.role,
            predictor_cls=CsvPredictor,
            sagemaker_session=self.session,
        )

    def updated(self) -> dict[str, Any]:
        capture = DataCaptureConfig(True, 100, f"s3://{self.bucket}/hosting/captured")
        predictor = self.model(self.one).deploy(**INSTANCE, data_capture_config=capture)
        first = predictor.predict([[1.0], [2.0]])
        stream = predictor.predict_stream([[1.0], [2.0]], iterator=LineIterator)
        streamed = [line.decode() for line in stream]
        predictor.disable_data_capture()
        predictor.predict([[3.0]])
        newer = self.model(self.two)
        newer.create(instance_type=INSTANCE["instance_type"])
        predictor.update_endpoint(**INSTANCE | {"initial_instance_count": 2}, model_name=newer.name)
        second = predictor.predict([[1.0]])
        described = self.session.describe_endpoint(predictor.endpoint_name)
        prefix = f"hosting/captured/{predictor.endpoint_name}/AllTraffic/"
        keys = until(lambda: self.session.list_s3_files(self.bucket, prefix))
        lines = [self.session.read_s3_file(self.bucket, key) for key in keys]
        predictor.delete_endpoint()
        return {
            "answers": [first, second],
            "streamed": streamed,
            "instances": described["ProductionVariants"][0]["CurrentInstanceCount"],
            "captured": [json.loads(line) for line in "".join(lines).splitlines()],
        }

    def serverless(self) -> Any:
        config = ServerlessInferenceConfig(memory_size_in_mb=2048, max_concurrency=2)
        predictor = self.model(self.one).deploy(serverless_inference_config=config)
        answer = predictor.predict([[1.0]])
        predictor.delete_endpoint()
        return answer

    def asynchronous(self) -> dict[str, Any]:
        config = AsyncInferenceConfig(
            output_path=f"s3://{self.bucket}/hosting/out",
            failure_path=f"s3://{self.bucket}/hosting/failed",
            max_concurrent_invocations_per_instance=2,
        )
        predictor = self.model(self.one).deploy(**INSTANCE, async_inference_config=config)
        waiting = predictor.predict_async([[1.0]])
        answer = until(lambda: result(waiting))
        wrong = predictor.predict_async([[1.0, 2.0]])
        try:
            failure = until(lambda: result(wrong))
        except AsyncInferenceModelError as error:
            failure = str(error)
        predictor.delete_endpoint()
        return {"answer": answer, "failure": failure}

    def multi_model(self) -> dict[str, Any]:
        many = MultiDataModel(
            name="many",
            model_data_prefix=f"s3://{self.bucket}/hosting/many/",
            model=self.model(self.one),
            sagemaker_session=self.session,
        )
        predictor = many.deploy(**INSTANCE)
        many.add_model(self.one, "one.tar.gz")
        many.add_model(self.two, "two.tar.gz")
        names = sorted(many.list_models())
        answers = [predictor.predict([[1.0]], target_model=name) for name in names]
        predictor.delete_endpoint()
        return {"names": names, "answers": answers}

    def pipeline(self) -> Any:
        models = [self.model(self.two), self.model(self.one)]
        both = PipelineModel(
            models, self.role, predictor_cls=CsvPredictor, sagemaker_session=self.session
        )
        predictor = both.deploy(**INSTANCE)
        answer = predictor.predict([[1.0], [1.0]])
        predictor.delete_endpoint()
        return answer


def result(waiting: Any) -> Any:
    """What an asynchronous request came to; None while it is not there."""
    try:
        return waiting.get_result()
    except ObjectNotExistedError:
        return None


def until(ask: Callable[[], Any]) -> Any:
    """What it answers, once that is something."""
    end = time.monotonic() + 60
    while not (answer := ask()):
        assert time.monotonic() < end, "nothing came"
        time.sleep(0.1)
    return answer


def main() -> None:
    script = Script()
    seen = {
        "updated": script.updated(),
        "serverless": script.serverless(),
        "asynchronous": script.asynchronous(),
        "multi_model": script.multi_model(),
        "pipeline": script.pipeline(),
    }
    print()
    print(json.dumps(seen))


main()
