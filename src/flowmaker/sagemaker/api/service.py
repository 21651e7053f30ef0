"""`sagemaker`: the service as the gateway sees it."""

from collections.abc import Iterable, Mapping
from typing import Any

from flowmaker.aws.identity import Authorizer, Sessions
from flowmaker.aws.service import Call, Need, Operation
from flowmaker.clock import Clock
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
        return operations

    async def _list(self, call: Call) -> Mapping[str, Any]:
        return await lists.listed(self._desk, call)


async def _list_needs(call: Call) -> Iterable[Need]:
    return [need(call, "*")]
