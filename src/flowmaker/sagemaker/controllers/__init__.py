"""The controllers of the SageMaker half: they fulfil what the API has recorded."""

from flowmaker.reconcile.loop import Controller
from flowmaker.sagemaker.controllers.endpoint import Endpoints
from flowmaker.sagemaker.controllers.model_server import ModelServers
from flowmaker.sagemaker.controllers.parts import Parts
from flowmaker.sagemaker.controllers.training_job import TrainingJobs
from flowmaker.sagemaker.controllers.transform_job import TransformJobs

__all__ = ["Parts", "controllers"]


def controllers(parts: Parts) -> list[Controller]:
    """All of them. Close `parts.models` after their loops."""
    servers = ModelServers(parts)
    return [TrainingJobs(parts), Endpoints(parts, servers), TransformJobs(parts, servers)]
