"""`sagemaker`: the service as the gateway sees it."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from functools import partial
from typing import Any

from flowmaker.aws.errors import access_denied
from flowmaker.aws.identity import Authorizer, Sessions
from flowmaker.aws.service import Call, Need, Needs, Operation
from flowmaker.clock import Clock
from flowmaker.ids import account_of
from flowmaker.objects.objects import ObjectStore
from flowmaker.reconcile.hints import Hints
from flowmaker.sagemaker.api import lists
from flowmaker.sagemaker.api.desk import Desk, need
from flowmaker.sagemaker.api.endpoints import Endpoints
from flowmaker.sagemaker.api.experiments import Experiments
from flowmaker.sagemaker.api.model_package_groups import ModelPackageGroups
from flowmaker.sagemaker.api.model_packages import ModelPackages
from flowmaker.sagemaker.api.models import EndpointConfigs, Models
from flowmaker.sagemaker.api.pipeline_executions import PipelineExecutions
from flowmaker.sagemaker.api.pipeline_versions import PipelineVersions
from flowmaker.sagemaker.api.pipelines import Pipelines
from flowmaker.sagemaker.api.processing_jobs import ProcessingJobs
from flowmaker.sagemaker.api.quotas import Quotas
from flowmaker.sagemaker.api.search import SearchOperations
from flowmaker.sagemaker.api.tags import Tags
from flowmaker.sagemaker.api.training_jobs import TrainingJobs
from flowmaker.sagemaker.api.transform_jobs import TransformJobs
from flowmaker.sagemaker.api.trial_components import TrialComponents
from flowmaker.sagemaker.api.tuning_jobs import TuningJobs
from flowmaker.sagemaker.images import JobImages
from flowmaker.store.database import Database


class SageMakerService:
    """Jobs, models, endpoints, pipelines, the model registry and experiments."""

    name = "sagemaker"

    def __init__(  # noqa: PLR0913 - each is a part of the desk
        self,
        *,
        database: Database,
        objects: ObjectStore,
        authorizer: Authorizer,
        sessions: Sessions,
        hints: Hints,
        clock: Clock,
        images: JobImages | None = None,
        quotas: Mapping[str, int] | None = None,
    ) -> None:
        self._desk = Desk(
            database=database,
            objects=objects,
            authorizer=authorizer,
            sessions=sessions,
            hints=hints,
            clock=clock,
            images=images or JobImages(),
            quotas=Quotas(quotas or {}),
        )

    def operations(self) -> Mapping[str, Operation]:
        desk = self._desk
        groups = (
            TrainingJobs(desk),
            TuningJobs(desk),
            Models(desk),
            EndpointConfigs(desk),
            Endpoints(desk),
            TransformJobs(desk),
            ProcessingJobs(desk),
            Pipelines(desk),
            PipelineVersions(desk),
            PipelineExecutions(desk),
            ModelPackageGroups(desk),
            ModelPackages(desk),
            Experiments(desk),
            TrialComponents(desk),
            SearchOperations(desk),
            Tags(desk),
        )
        operations = {
            name: Operation(handler=self._list, needs=_list_needs) for name in lists.LISTINGS
        }
        for group in groups:
            operations |= group.operations()
        return {
            name: replace(operation, needs=partial(_of_own_account, operation.needs))
            for name, operation in operations.items()
        }

    async def _list(self, call: Call) -> Mapping[str, Any]:
        return await lists.listed(self._desk, call)


async def _of_own_account(needs: Needs, call: Call) -> Iterable[Need]:
    """What an ARN names must not be looked for under its name in the caller's account.

    Raises:
        AwsError: a parameter names what is another account's.
    """
    for member, value in call.parameters.items():
        if not member.endswith(("Name", "Arn")) or not isinstance(value, str):
            continue
        if value.startswith("arn:aws:sagemaker:") and account_of(value) not in ("", call.account):
            raise access_denied(
                f"User: {call.principal.arn} is not authorized to perform: "
                f"sagemaker:{call.operation} on resource: {value}. It is of another account, and "
                "Flowmaker does not share what is in SageMaker across accounts."
            )
    return await needs(call)


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
