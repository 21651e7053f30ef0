"""The controllers of the SageMaker half: they fulfil what the API has recorded."""

from flowmaker.aws.inside import Inside
from flowmaker.reconcile.loop import Controller
from flowmaker.sagemaker.controllers.async_inference import AsyncInferences
from flowmaker.sagemaker.controllers.endpoint import Endpoints
from flowmaker.sagemaker.controllers.model_server import ModelServers
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.pipeline_execution import PipelineExecutions
from flowmaker.sagemaker.controllers.pipeline_jobs import PipelineJobs
from flowmaker.sagemaker.controllers.processing_job import ProcessingJobs
from flowmaker.sagemaker.controllers.training_job import TrainingJobs
from flowmaker.sagemaker.controllers.transform_job import TransformJobs
from flowmaker.sagemaker.controllers.tuning_job import TuningJobs
from flowmaker.sagemaker.hosting.capture import Captures
from flowmaker.sagemaker.hosting.instances import Instances
from flowmaker.sagemaker.hosting.measures import Measures
from flowmaker.sagemaker.hosting.multi_model import MultiModels
from flowmaker.sagemaker.hosting.router import Router
from flowmaker.sagemaker.hosting.routes import Routes

__all__ = ["Parts", "controllers", "new_router"]


def controllers(parts: Parts, router: Router, inside: Inside) -> list[Controller]:
    """All of them. Close `parts.models` after their loops."""
    servers = ModelServers(parts)
    return [
        TrainingJobs(parts),
        TuningJobs(parts),
        Endpoints(parts, servers, router),
        AsyncInferences(parts, router),
        TransformJobs(parts, servers),
        ProcessingJobs(parts),
        PipelineExecutions(parts, PipelineJobs(parts=parts, inside=inside)),
    ]


def new_router(parts: Parts) -> Router:
    """What invocations go through: the controllers' and the runtime service's alike."""
    return Router(
        routes=Routes(parts.database, parts.hints),
        hints=parts.hints,
        client=parts.models,
        instances=Instances(),
        multi_models=MultiModels(parts.models, parts.storages, parts.folder),
        captures=Captures(parts.folder, parts.clock),
        measures=Measures(parts.database, parts.clock),
    )
