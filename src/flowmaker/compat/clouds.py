"""`kfp.aws`, `kfp.gcp` and `kfp.onprem`: what they did to a task, done by kfp-kubernetes."""
# pyright: reportUnknownArgumentType=false, reportUnknownVariableType=false
# pyright: reportUnknownMemberType=false, reportUnknownLambdaType=false

from collections.abc import Callable, Mapping
from types import ModuleType
from typing import Any

from flowmaker.compat.refusal import refusing
from flowmaker.compat.tasks import kubernetes

Modifier = Callable[[Any], Any]

_GPU = "nvidia.com/gpu"
_NODES = "there are no Google nodes here; leave it out."


def use_aws_secret(
    secret_name: str = "aws-secret",  # noqa: S107 - the name of a Secret
    aws_access_key_id_name: str = "AWS_ACCESS_KEY_ID",
    aws_secret_access_key_name: str = "AWS_SECRET_ACCESS_KEY",  # noqa: S107 - a key's name
    aws_region: str | None = None,
) -> Modifier:
    """The access key of a Secret as the environment variables that AWS clients read."""

    def modify(task: Any) -> Any:
        kubernetes().use_secret_as_env(
            task,
            secret_name,
            {
                aws_access_key_id_name: "AWS_ACCESS_KEY_ID",
                aws_secret_access_key_name: "AWS_SECRET_ACCESS_KEY",
            },
        )
        if aws_region:
            task.set_env_variable("AWS_REGION", aws_region)
        return task

    return modify


def use_gcp_secret(
    secret_name: str = "user-gcp-sa",  # noqa: S107 - the name of a Secret
    secret_file_path_in_volume: str | None = None,
    volume_name: str | None = None,
    secret_volume_mount_path: str = "/secret/gcp-credentials",  # noqa: S107 - a path
) -> Modifier:
    """The key file of a Secret, where Google's clients are told to look for it."""
    del volume_name  # volumes have no names any more
    path = secret_volume_mount_path + (secret_file_path_in_volume or f"/{secret_name}.json")

    def modify(task: Any) -> Any:
        kubernetes().use_secret_as_volume(task, secret_name, secret_volume_mount_path)
        task.set_env_variable("GOOGLE_APPLICATION_CREDENTIALS", path)
        return task.set_env_variable("CLOUDSDK_AUTH_CREDENTIAL_FILE_OVERRIDE", path)

    return modify


def use_k8s_secret(secret_name: str, k8s_secret_key_to_env: Mapping[str, str]) -> Modifier:
    """Keys of a Secret as environment variables."""
    return lambda task: kubernetes().use_secret_as_env(
        task, secret_name, dict(k8s_secret_key_to_env)
    )


def mount_pvc(
    pvc_name: str = "pipeline-claim",
    volume_name: str = "pipeline",
    volume_mount_path: str = "/mnt/pipeline",
) -> Modifier:
    """A PersistentVolumeClaim as a folder."""
    del volume_name  # volumes have no names any more
    return lambda task: kubernetes().mount_pvc(task, pvc_name, volume_mount_path)


def _add_gpu_toleration(
    key: str = _GPU, value: str = "true", effect: str = "NoSchedule"
) -> Modifier:
    return lambda task: kubernetes().add_toleration(
        task, key=key, operator="Equal", value=value, effect=effect
    )


def modules() -> dict[str, ModuleType]:
    """The modules, by the names in `kfp` that they had."""
    contents: dict[str, dict[str, Any]] = {
        "aws": {"use_aws_secret": use_aws_secret},
        "gcp": {
            "use_gcp_secret": use_gcp_secret,
            "add_gpu_toleration": _add_gpu_toleration,
            "use_tpu": refusing("kfp.gcp.use_tpu", _NODES),
            "use_preemptible_nodepool": refusing("kfp.gcp.use_preemptible_nodepool", _NODES),
        },
        "onprem": {
            "use_k8s_secret": use_k8s_secret,
            "mount_pvc": mount_pvc,
            "add_default_resource_spec": refusing(
                "kfp.onprem.add_default_resource_spec",
                "call set_cpu_limit and set_memory_limit of each task.",
            ),
        },
    }
    made: dict[str, ModuleType] = {}
    for name, attributes in contents.items():
        made[name] = ModuleType(f"kfp.{name}", "What KFP 1 had there, done by kfp-kubernetes.")
        vars(made[name]).update(attributes)
    return made
