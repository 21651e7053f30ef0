"""What KFP 1's tasks could be told, in the words of today's."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

import importlib
from collections.abc import Callable
from typing import Any

from flowmaker.compat.refusal import NotInKfp2Error, refuse, refusing

_KUBERNETES = "kfp.kubernetes"
_NO_EQUIVALENT = "say it with kfp.kubernetes if it has that, or leave it out."

#: Refused when they are called.
REFUSED = (
    "add_affinity",
    "add_init_container",
    "add_pvolumes",
    "add_sidecar",
    "add_volume",
    "add_volume_mount",
    "add_volume_devices",
    "set_security_context",
    "set_ephemeral_storage_limit",
    "set_ephemeral_storage_request",
)


def kubernetes() -> Any:
    """`kfp.kubernetes`, which is a package of its own."""
    try:
        return importlib.import_module(_KUBERNETES)
    except ModuleNotFoundError as error:
        raise NotInKfp2Error(
            "This needs kfp-kubernetes, which says to today's SDK what KFP 1 said of pods: "
            "pip install kfp-kubernetes"
        ) from error


def apply(task: Any, function: Callable[[Any], Any]) -> Any:
    """`.apply`: calls the function with the task."""
    return function(task) or task


def add_env_variable(task: Any, variable: Any) -> Any:
    """`.add_env_variable` and `.container.add_env_variable`, with a V1EnvVar."""
    source = getattr(variable, "value_from", None)
    if source is None:
        return task.set_env_variable(variable.name, str(variable.value or ""))
    if secret := getattr(source, "secret_key_ref", None):
        return kubernetes().use_secret_as_env(task, secret.name, {secret.key: variable.name})
    if config := getattr(source, "config_map_key_ref", None):
        return kubernetes().use_config_map_as_env(task, config.name, {config.key: variable.name})
    if fields := getattr(source, "field_ref", None):
        return kubernetes().use_field_path_as_env(task, variable.name, fields.field_path)
    return refuse(
        f"The environment variable {variable.name}", "its source is none that is known here."
    )


def add_toleration(task: Any, toleration: Any) -> Any:
    """`.add_toleration`, with a V1Toleration."""
    return kubernetes().add_toleration(
        task,
        key=toleration.key or "",
        operator=toleration.operator or "Equal",
        value=toleration.value or "",
        effect=toleration.effect or "",
        toleration_seconds=toleration.toleration_seconds,
    )


def add_node_selector_constraint(task: Any, label_name: Any, value: Any = None) -> Any:
    """`.add_node_selector_constraint`, with KFP 1's label and value or with an accelerator."""
    if value is None:
        return task.set_accelerator_type(label_name)
    return kubernetes().add_node_selector(task, label_key=label_name, label_value=value)


def set_retry(task: Any, num_retries: int, policy: str | None = None, **options: Any) -> Any:
    """`.set_retry`; KFP 1's policies are Argo's."""
    if policy not in (None, "Always", "OnFailure", "OnError"):
        refuse(f"set_retry's policy {policy}", "a task is tried again whenever it fails.")
    return task.kfp2_set_retry(num_retries=num_retries, **options)


class _CachingStrategy:
    """`.execution_options.caching_strategy`: `P0D` means that no result is taken from before."""

    def __init__(self, task: Any) -> None:
        object.__setattr__(self, "_task", task)

    def __setattr__(self, name: str, value: object) -> None:
        if name != "max_cache_staleness" or value not in ("P0D", None):
            refuse(
                f"caching_strategy.{name} = {value!r}",
                "a result is taken from before however old it is, or (P0D) never.",
            )
        self._task.set_caching_options(value is None)  # pyright: ignore[reportAttributeAccessIssue]


class _ExecutionOptions:
    def __init__(self, task: Any) -> None:
        self.caching_strategy = _CachingStrategy(task)


class _Container:
    """`.container`: what was said of the container is said of the task."""

    def __init__(self, task: Any) -> None:
        self._task = task

    def __getattr__(self, name: str) -> Any:
        return getattr(self._task, name)


def extend(task_class: Any, outputs: Callable[[Any], Any]) -> None:
    """Give tasks what KFP 1's had."""
    task_class.kfp2_set_retry = task_class.set_retry
    task_class.set_retry = set_retry
    task_class.apply = apply
    task_class.add_env_variable = add_env_variable
    task_class.add_toleration = add_toleration
    task_class.add_node_selector_constraint = add_node_selector_constraint
    task_class.add_pod_label = lambda task, name, value: kubernetes().add_pod_label(
        task, name, value
    )
    task_class.add_pod_annotation = lambda task, name, value: kubernetes().add_pod_annotation(
        task, name, value
    )
    task_class.set_timeout = lambda task, seconds: kubernetes().set_timeout(task, seconds)
    task_class.set_image_pull_policy = lambda task, policy: kubernetes().set_image_pull_policy(
        task, policy
    )
    task_class.container = property(_Container)
    task_class.execution_options = property(_ExecutionOptions)
    task_class.outputs = property(outputs)
    for name in REFUSED:
        setattr(task_class, name, refusing(f"ContainerOp.{name}", _NO_EQUIVALENT))
