"""KFP 1's client on today's: the same calls, and answers with the attributes that they had."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import functools
import importlib
from typing import Any

from flowmaker.compat.packages import string_parameters
from flowmaker.compat.pipelines import OldPipeline, as_pipeline
from flowmaker.compat.refusal import refuse
from flowmaker.compat.wire import text

#: Today's attribute of an answer for each of KFP 1's.
_ALIASES = {
    "V2beta1Experiment": {"id": "experiment_id", "name": "display_name"},
    "V2beta1Run": {"id": "run_id", "name": "display_name", "status": "kfp1_status"},
    "V2beta1Pipeline": {"id": "pipeline_id", "name": "display_name"},
    "V2beta1PipelineVersion": {"id": "pipeline_version_id", "name": "display_name"},
    "V2beta1RecurringRun": {"id": "recurring_run_id", "name": "display_name"},
}
#: The client's method for each that `client.runs` and its like had.
_SERVICES = {
    "RunServiceApi": {
        "terminate_run": "run_service_terminate_run",
        "archive_run": "run_service_archive_run",
        "unarchive_run": "run_service_unarchive_run",
        "delete_run": "run_service_delete_run",
        "retry_run": "run_service_retry_run",
        "get_run": "run_service_get_run",
        "list_runs": "run_service_list_runs",
    },
    "ExperimentServiceApi": {
        "get_experiment": "experiment_service_get_experiment",
        "list_experiment": "experiment_service_list_experiments",
        "delete_experiment": "experiment_service_delete_experiment",
    },
    "PipelineServiceApi": {
        "get_pipeline": "pipeline_service_get_pipeline",
        "list_pipelines": "pipeline_service_list_pipelines",
        "delete_pipeline": "pipeline_service_delete_pipeline",
    },
}
#: Argo's words for what a run comes to.
_STATUS = {
    "SUCCEEDED": "Succeeded",
    "FAILED": "Failed",
    "RUNNING": "Running",
    "SKIPPED": "Skipped",
    "PENDING": "Pending",
    "CANCELED": "Terminated",
}


def _status(run: Any) -> str | None:
    return _STATUS.get(run.state, run.state)


def extend(client_class: Any) -> None:
    """Give the client, and what it answers, what KFP 1's had."""
    api: Any = importlib.import_module("kfp_server_api")
    api.V2beta1Run.kfp1_status = property(_status)
    api.V2beta1Run.run = property(lambda run: run)
    for model, aliases in _ALIASES.items():
        for old, new in aliases.items():
            if not hasattr(getattr(api, model), old):
                setattr(getattr(api, model), old, _alias(new))
    for service, methods in _SERVICES.items():
        for old, new in methods.items():
            if new in vars(getattr(api, service)) and not hasattr(getattr(api, service), old):
                setattr(getattr(api, service), old, vars(getattr(api, service))[new])
    _take_strings(client_class)
    for name in (
        "create_run_from_pipeline_func",
        "upload_pipeline_from_pipeline_func",
        "upload_pipeline_version_from_pipeline_func",
    ):
        setattr(client_class, name, _of_function(getattr(client_class, name)))


def _alias(name: str) -> property:
    return property(lambda answer: getattr(answer, name))


def _take_strings(client_class: Any) -> None:
    """Parameters go out as strings, unless the package says that they are something else.

    A pipeline without a version is the newest of its versions.
    """
    create = client_class._create_job_config

    @functools.wraps(create)
    def create_job_config(client: Any, *args: Any, **kwargs: Any) -> Any:
        params = dict(kwargs.get("params") or {})
        package = kwargs.get("pipeline_package_path")
        if kwargs.get("pipeline_id") and not kwargs.get("version_id"):
            kwargs["version_id"] = _newest_version(client, kwargs["pipeline_id"])
        strings = string_parameters(package) if package else set(params)
        kwargs["params"] = {k: text(v) if k in strings else v for k, v in params.items()}
        return create(client, *args, **kwargs)

    client_class._create_job_config = create_job_config


def _newest_version(client: Any, pipeline_id: str) -> str | None:
    answer = client.list_pipeline_versions(pipeline_id, page_size=1, sort_by="created_at desc")
    versions = answer.pipeline_versions
    return versions[0].pipeline_version_id if versions else None


def _of_function(method: Any) -> Any:
    """A method that takes a pipeline's function takes any, with KFP 1's arguments."""

    @functools.wraps(method)
    def called(client: Any, pipeline_func: Any, *args: Any, **kwargs: Any) -> Any:
        pipeline = as_pipeline(pipeline_func)
        conf = kwargs.pop("pipeline_conf", None)
        if conf is not None and isinstance(pipeline, OldPipeline):
            pipeline.conf.extend(conf)
        for name in ("mode", "launcher_image"):
            if kwargs.pop(name, None) is not None:
                refuse(f"{method.__name__}'s {name}", "leave it out, there is one mode.")
        return method(client, pipeline, *args, **kwargs)

    return called
