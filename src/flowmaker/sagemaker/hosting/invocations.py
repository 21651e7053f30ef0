"""Requests to endpoints, and their answers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from flowmaker.sagemaker.container.model_client import INVOCATION_SECONDS, ModelAnswer
from flowmaker.sagemaker.container.model_stream import ModelStream
from flowmaker.sagemaker.hosting import refusals
from flowmaker.sagemaker.records.hosting import Variant

#: Members that are passed on as headers of the same meaning.
HEADERS = {
    "ContentType": "Content-Type",
    "Accept": "Accept",
    "CustomAttributes": "X-Amzn-SageMaker-Custom-Attributes",
    "InferenceId": "X-Amzn-SageMaker-Inference-Id",
    "TargetModel": "X-Amzn-SageMaker-Target-Model",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class Invocation:
    """A request to an endpoint."""

    body: bytes
    #: As the container gets them.
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    target_variant: str = ""
    target_model: str = ""
    target_container: str = ""
    #: What each container has for its answer.
    seconds: float = INVOCATION_SECONDS
    #: It came by InvokeEndpointAsync.
    asynchronous: bool = False


@dataclass(frozen=True, kw_only=True, slots=True)
class Answered:
    """The model's answer, and who gave it."""

    variant: Variant
    answer: ModelAnswer


@dataclass(frozen=True, kw_only=True, slots=True)
class Streamed:
    """The same, while it comes."""

    variant: Variant
    answer: ModelStream


def passed_on(invocation: Invocation, answer: ModelAnswer) -> Invocation:
    """What the next container of an inference pipeline gets: the answer of the one before."""
    headers = {**invocation.headers, "Content-Type": answer.headers.get("content-type", "")}
    return replace(invocation, body=answer.body, headers=headers)


def check_targets(variant: Variant, invocation: Invocation) -> None:
    """It names one model and container where there are several, and none where there are not.

    Raises:
        AwsError: it does not.
    """
    if variant.multi_model and not invocation.target_model:
        raise refusals.invalid(
            f"Variant {variant.name} serves several models: name one by TargetModel."
        )
    if invocation.target_model and not variant.multi_model:
        raise refusals.invalid(
            f"TargetModel: the variant {variant.name} serves one model; leave TargetModel out."
        )
    if variant.direct and not invocation.target_container:
        raise refusals.invalid(
            f"The model of variant {variant.name} is invoked directly: name one of its containers "
            "by TargetContainerHostname."
        )
    if invocation.target_container and not variant.direct:
        raise refusals.invalid(
            "TargetContainerHostname: the model's InferenceExecutionConfig is not Direct; leave "
            "TargetContainerHostname out."
        )
