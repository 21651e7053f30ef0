"""Predictions over HTTP, as SageMaker's XGBoost container gives them."""

import os
import sys
from http import HTTPStatus
from pathlib import Path

import numpy as np
import xgboost as xgb
from numpy.typing import NDArray

from flowmaker.sagemaker.algorithms import answers, recordio, tables
from flowmaker.sagemaker.algorithms.xgboost import libsvm
from flowmaker.sagemaker.algorithms.xgboost.ensemble import Ensemble
from flowmaker.sagemaker.algorithms.xgboost.ensemble import load as read
from flowmaker.sagemaker.algorithms.xgboost.libsvm import Features
from flowmaker.sagemaker.algorithms.xgboost.selected import Selection
from flowmaker.sagemaker.serving import server
from flowmaker.sagemaker.serving.model import Answer, Refused


class Booster:
    """A trained model, ready to predict."""

    def __init__(self, ensemble: Ensemble, *, batch: bool, selection: Selection | None) -> None:
        self._ensemble = ensemble
        self._batch = batch
        self._selection = selection
        self._features = ensemble.features

    def warm_up(self) -> None:
        """The first prediction is the slow one: XGBoost sets itself up in it."""
        self._ensemble.predict(np.zeros((1, self._features), dtype=np.float32))

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        """Answers a request; see the protocol."""
        wanted = answers.accepted(accept, answers.OFFERED, tables.CSV)
        kind, features = _read(body, content_type)
        self._check(kind, features.shape[1])
        predicted = self._ensemble.predict(features)
        if self._selection:
            return self._selection.encode(predicted, wanted)
        return self._encode(predicted, wanted)

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

    def _encode(self, predicted: NDArray[np.float32], wanted: str) -> Answer:
        rows: list[float] | list[list[float]] = predicted.tolist()
        if wanted != tables.CSV:
            return answers.encode([{"score": row} for row in rows], wanted)
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


def load(folder: Path) -> Booster:
    """The model of a folder, answering as the environment says.

    Raises:
        FileNotFoundError: there is none, or which one cannot be told.
        ValueError: SAGEMAKER_INFERENCE_OUTPUT wants what there is not.
        xgboost.core.XGBoostError: it is no model that XGBoost reads.
    """
    ensemble = read(folder)
    selection = None
    if chosen := os.environ.get("SAGEMAKER_INFERENCE_OUTPUT"):
        selection = Selection.of(chosen, ensemble.objective, ensemble.classes)
        if selection.incompatible:
            print(  # noqa: T201 - the log
                f"Selected key(s) {selection.incompatible} incompatible for objective "
                f"'{ensemble.objective}': they are NaN.",
                flush=True,
            )
    batch = os.environ.get("SAGEMAKER_BATCH", "").lower() == "true"
    return Booster(ensemble, batch=batch, selection=selection)


def serve(folder: Path) -> int:
    """Serves the model of a folder until it is told to end, or several as they are asked for."""
    if server.serves_several():
        server.serve_several(load)
        return 0
    try:
        booster = load(folder)
    except (OSError, ValueError, xgb.core.XGBoostError) as error:
        reason = str(error).splitlines()[0]
        print(f"Unable to load model: {reason}", file=sys.stderr)  # noqa: T201 - the log
        return 1
    booster.warm_up()
    server.serve(booster)
    return 0
