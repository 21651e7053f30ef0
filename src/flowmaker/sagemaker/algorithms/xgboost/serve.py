"""Predictions over HTTP, as SageMaker's XGBoost container gives them."""

import json
import os
import sys
from http import HTTPStatus
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import answers, recordio, tables
from flowmaker.sagemaker.algorithms.xgboost import libsvm
from flowmaker.sagemaker.algorithms.xgboost.libsvm import Features, SparseRows
from flowmaker.sagemaker.serving import server
from flowmaker.sagemaker.serving.model import Answer, Refused

_ACCEPTED = (tables.JSON, tables.JSON_LINES, tables.RECORDIO, tables.CSV)


class Booster:
    """A trained model, ready to predict."""

    def __init__(self, model: xgb.Booster, *, batch: bool) -> None:
        self._model = model
        self._batch = batch
        self._features = model.num_features()
        config = json.loads(model.save_config())["learner"]
        self._linear = config["learner_train_param"]["booster"] == "gblinear"
        best = model.attr("best_iteration")
        self._range = (0, int(best) + 1) if best and not self._linear else (0, 0)

    def warm_up(self) -> None:
        """The first prediction is the slow one: XGBoost sets itself up in it."""
        self._predict(np.zeros((1, self._features), dtype=np.float32))

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, _ACCEPTED, tables.CSV)
        kind, features = _read(body, content_type)
        self._check(kind, features.shape[1])
        return self._encode(self._predict(features), wanted)

    def _check(self, kind: str, given: int) -> None:
        if kind == tables.LIBSVM and given > self._features:
            why = "is larger than"
        elif kind != tables.LIBSVM and given != self._features:
            why = "is not consistent with"
        else:
            return
        raise Refused(
            HTTPStatus.BAD_REQUEST,
            f"Unable to evaluate payload provided: Feature size of {kind} inference data {given} "
            f"{why} feature size of trained model {self._features}.",
        )

    def _predict(self, features: Features) -> NDArray[np.float32]:
        if isinstance(features, SparseRows) or self._linear:
            matrix = libsvm.dmatrix(features, self._features, nthread=1)
            return self._model.predict(matrix, iteration_range=self._range, validate_features=False)
        return self._model.inplace_predict(
            features, iteration_range=self._range, validate_features=False
        )

    def _encode(self, predicted: NDArray[np.float32], wanted: str) -> Answer:
        rows: list[float] | list[list[float]] = predicted.tolist()
        if wanted == tables.JSON:
            return answers.json_of({"predictions": [{"score": row} for row in rows]})
        if wanted == tables.JSON_LINES:
            return answers.json_lines([{"score": row} for row in rows])
        if wanted == tables.RECORDIO:
            return Answer(
                b"".join(
                    recordio.write(label={"score": np.atleast_1d(np.asarray(row, np.float32))})
                    for row in rows
                ),
                tables.RECORDIO,
            )
        # In a batch each row is one field, a list in brackets; else each is a row of fields.
        lines = [
            ",".join(map(str, row)) if isinstance(row, list) and not self._batch else str(row)
            for row in rows
        ]
        return Answer("".join(f"{line}\n" for line in lines).encode(), tables.CSV)


def _read(body: bytes, content_type: str) -> tuple[str, Features]:
    kind, _ = tables.media_type(content_type or tables.CSV)
    try:
        if kind == tables.CSV:
            return "csv", tables.parse_csv(body.decode())
        if kind == tables.LIBSVM:
            return kind, libsvm.request(body.decode())
        if kind == tables.RECORDIO:
            return "recordio-protobuf", tables.stack(list(recordio.read(body)))
    except ValueError as error:
        raise Refused(
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
            f"Loading {kind} data failed with Exception, please ensure data is in {kind} format: "
            f"{error}",
        ) from error
    raise Refused(
        HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        f"Content-type {kind} not supported. Supported content-type is text/csv, text/libsvm, "
        "application/x-recordio-protobuf",
    )


def model_file(folder: Path) -> Path:
    """The file that is the model.

    Raises:
        FileNotFoundError: there is none, or which one cannot be told.
    """
    files = [path for path in folder.iterdir() if path.is_file() and path.name[0] not in "._"]
    named = [path for path in files if path.name == "xgboost-model"] or files
    if len(named) != 1:
        raise FileNotFoundError(
            f"The model archive must hold one file named xgboost-model; it holds "
            f"{', '.join(sorted(path.name for path in files)) or 'no file'}."
        )
    return named[0]


def load(folder: Path) -> Booster:
    """The model of a folder.

    Raises:
        FileNotFoundError: there is none, or which one cannot be told.
        xgboost.core.XGBoostError: it is no model that XGBoost reads.
    """
    # One thread per prediction: more would fight over the processors for small requests.
    model = xgb.Booster({"nthread": 1}, model_file=bytearray(model_file(folder).read_bytes()))
    return Booster(model, batch=os.environ.get("SAGEMAKER_BATCH", "").lower() == "true")


def serve(folder: Path) -> int:
    """Serves the model of a folder until it is told to end."""
    if os.environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
        print(  # noqa: T201 - the log
            "SAGEMAKER_INFERENCE_OUTPUT is not supported here. Unset it in the model's "
            "environment; a model of the objective multi:softprob gives all probabilities.",
            file=sys.stderr,
        )
        return 1
    try:
        booster = load(folder)
    except (OSError, xgb.core.XGBoostError) as error:
        reason = str(error).splitlines()[0]
        print(f"Unable to load model: {reason}", file=sys.stderr)  # noqa: T201 - the log
        return 1
    booster.warm_up()
    server.serve(booster)
    return 0
