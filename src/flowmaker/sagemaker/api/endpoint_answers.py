"""What DescribeEndpoint says."""

from collections.abc import Mapping
from typing import Any

from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import Deployment, EndpointState, Fleet, Variant
from flowmaker.sagemaker.records.resource import Resource


def described(endpoint: Resource) -> dict[str, Any]:
    """The answer; members that say nothing are left out, which SDKs need."""
    state = decode(EndpointState, endpoint.state)
    shown = state.fleet or state.pending
    answer: dict[str, Any] = {
        "EndpointName": endpoint.name,
        "EndpointArn": endpoint.arn,
        "EndpointConfigName": shown.config_name
        if shown
        else endpoint.request["EndpointConfigName"],
        "EndpointStatus": endpoint.status,
        "FailureReason": state.failure_reason,
        "CreationTime": endpoint.created_at,
        "LastModifiedTime": endpoint.modified_at,
        "LastDeploymentConfig": state.last_policy,
    }
    if state.fleet:
        answer["ProductionVariants"] = [_summary(one) for one in state.fleet.production]
        answer["ShadowProductionVariants"] = [_summary(one) for one in state.fleet.shadows]
    if shown:
        answer["DataCaptureConfig"] = _capture(shown.capture)
        answer["AsyncInferenceConfig"] = shown.asynchronous
    if state.fleet and state.pending and state.deployment:
        answer["PendingDeploymentSummary"] = _pending(state.pending, state.deployment)
    return {name: value for name, value in answer.items() if value}


def _capture(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    if not config:
        return None
    enabled = config.get("EnableCapture", True)
    return {
        "EnableCapture": enabled,
        "CaptureStatus": "Started" if enabled else "Stopped",
        "CurrentSamplingPercentage": config["InitialSamplingPercentage"],
        "DestinationS3Uri": config["DestinationS3Uri"],
        "KmsKeyId": config.get("KmsKeyId", ""),
    }


def _summary(variant: Variant) -> dict[str, Any]:
    return {
        "VariantName": variant.name,
        "DeployedImages": [
            {"SpecifiedImage": one["Image"], "ResolvedImage": one["Image"]}
            for one in variant.containers
        ],
        "CurrentWeight": variant.weight,
        "DesiredWeight": variant.desired_weight,
    } | _size(variant)


def _size(variant: Variant) -> dict[str, Any]:
    if variant.serverless:
        return {
            "CurrentServerlessConfig": variant.serverless,
            "DesiredServerlessConfig": variant.serverless,
        }
    return {
        "CurrentInstanceCount": variant.count,
        "DesiredInstanceCount": variant.desired_count,
    }


def _pending(fleet: Fleet, deployment: Deployment) -> dict[str, Any]:
    answer = {
        "EndpointConfigName": fleet.config_name,
        "StartTime": deployment.began_at,
        "ProductionVariants": [_coming(one, deployment) for one in fleet.production],
        "ShadowProductionVariants": [_coming(one, deployment) for one in fleet.shadows],
    }
    return {name: value for name, value in answer.items() if value}


def _coming(variant: Variant, deployment: Deployment) -> dict[str, Any]:
    status = {"Status": deployment.stage.value, "StartTime": deployment.stage_at}
    summary = _summary(variant) | {"VariantStatus": [status]}
    return summary | ({"InstanceType": variant.instance_type} if variant.instance_type else {})
