"""Service quotas: how many instances of a type may be in use at once, and for what."""

from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from flowmaker.sagemaker.lifecycle import trial_requests
from flowmaker.sagemaker.records.document import decode
from flowmaker.sagemaker.records.hosting import EndpointState
from flowmaker.sagemaker.records.quota import NAME
from flowmaker.sagemaker.records.resource import Kind, Resource

_TRAINING = (Kind.TRAINING_JOB, Kind.TUNING_JOB)
#: Of a quota's use, the kinds of the resources that use it.
_KINDS = {
    "training job": _TRAINING,
    "spot training job": _TRAINING,
    "processing job": (Kind.PROCESSING_JOB,),
    "transform job": (Kind.TRANSFORM_JOB,),
    "endpoint": (Kind.ENDPOINT,),
}


def kinds_of(name: str) -> tuple[Kind, ...]:
    """The kinds of the resources that use a quota."""
    found = NAME.fullmatch(name)
    assert found is not None, "quotas' names are checked when they are set"
    return _KINDS[found["use"]]


def needed(resource: Resource) -> Counter[str]:
    """Of each quota, how many instances the resource needs while it is open.

    What a tuning job's trials need is the tuning job's, from its beginning.
    """
    if resource.parent and resource.kind is Kind.TRAINING_JOB:
        return Counter()
    count = _COUNTS.get(resource.kind)
    return count(resource) if count else Counter()


def refusal(name: str, limit: int, current: int, more: int) -> str:
    """Why there may not be more, in AWS's words; empty if there may."""
    if current + more <= limit or more <= 0:
        return ""
    return (
        f"The account-level service limit '{name}' is {limit} Instances, with current utilization "
        f"of {current} Instances and a request delta of {more} Instances. Please use AWS Service "
        "Quotas to request an increase for this quota. (Here: flowmaker up --quota "
        f"'{name}={current + more}')"
    )


def _training(resources: Mapping[str, Any], request: Mapping[str, Any]) -> Counter[str]:
    spot = request.get("EnableManagedSpotTraining", False)
    return _of("spot training job" if spot else "training job", resources)


def _tuning(job: Resource) -> Counter[str]:
    """What its trials need together: the largest of its definitions, as often as it may run."""
    most: Counter[str] = Counter()
    for search in trial_requests.searches(job.request):
        definition = trial_requests.definition(job.request, search)
        most |= _training(trial_requests.resource_config(definition), definition)
    limits = job.request["HyperParameterTuningJobConfig"]["ResourceLimits"]
    return Counter({name: each * limits["MaxParallelTrainingJobs"] for name, each in most.items()})


def _hosting(endpoint: Resource) -> Counter[str]:
    """All instances that are up or come up: while it is updated, the old ones and the new."""
    state = decode(EndpointState, endpoint.state)
    counted: Counter[str] = Counter()
    for fleet in (state.fleet, state.pending):
        for variant in fleet.variants if fleet else ():
            if not variant.serverless:
                count = max(variant.count, variant.desired_count)
                counted[f"{variant.instance_type} for endpoint usage"] += count
    return counted


def _of(use: str, resources: Mapping[str, Any]) -> Counter[str]:
    name = f"{resources['InstanceType']} for {use} usage"
    return Counter({name: resources.get("InstanceCount", 1)})


_COUNTS: Mapping[Kind, Callable[[Resource], Counter[str]]] = {
    Kind.TRAINING_JOB: lambda job: _training(job.request["ResourceConfig"], job.request),
    Kind.TUNING_JOB: _tuning,
    Kind.PROCESSING_JOB: lambda job: _of(
        "processing job", job.request["ProcessingResources"]["ClusterConfig"]
    ),
    Kind.TRANSFORM_JOB: lambda job: _of("transform job", job.request["TransformResources"]),
    Kind.ENDPOINT: _hosting,
}
