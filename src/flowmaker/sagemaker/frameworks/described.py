"""What a script is told of its training job: the arguments and SM_* variables of script mode.

As SageMaker's training toolkit makes them of the files in /opt/ml/input/config.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

#: The hyperparameters that the SDK adds begin so; the script is not given them.
PREFIX = "sagemaker_"
_SETTINGS = {
    "sagemaker_program",
    "sagemaker_submit_directory",
    "sagemaker_enable_cloudwatch_metrics",
    "sagemaker_region",
    "sagemaker_container_log_level",
    "sagemaker_job_name",
    "sagemaker_s3_output",
}
_INFO = 20


@dataclass(frozen=True, kw_only=True)
class Described:
    """The job, from `/opt/ml`."""

    #: `/opt/ml`
    base: Path
    #: As they are meant: `"3"` is 3, `"\\"abc\\""` is abc.
    all_hyperparameters: Mapping[str, Any]
    channels: Mapping[str, Any]
    resources: Mapping[str, Any]
    framework: str
    job_name: str

    @classmethod
    def read(cls, base: Path, framework: str) -> "Described":
        """The job that `base` is of."""
        config = base / "input" / "config"
        given: Mapping[str, str] = _read(config / "hyperparameters.json")
        return cls(
            base=base,
            all_hyperparameters={name: meant(value) for name, value in given.items()},
            channels=_read(config / "inputdataconfig.json"),
            resources=_read(config / "resourceconfig.json"),
            framework=framework,
            job_name=os.environ.get("TRAINING_JOB_NAME", ""),
        )

    @property
    def code(self) -> Path:
        """Where the source folder is."""
        return self.base / "code"

    @property
    def program(self) -> str:
        """The entry point, below `code`."""
        return str(self.all_hyperparameters.get("sagemaker_program", ""))

    @property
    def hosts(self) -> list[str]:
        return self.resources["hosts"]

    @property
    def host(self) -> str:
        return self.resources["current_host"]

    @cached_property
    def hyperparameters(self) -> dict[str, Any]:
        """Those of the script."""
        return {
            name: value
            for name, value in self.all_hyperparameters.items()
            if not name.startswith(PREFIX) and name != "_tuning_objective_metric"
        }

    @cached_property
    def framework_parameters(self) -> dict[str, Any]:
        """Those that ask the framework for something, e.g. `sagemaker_mpi_enabled`."""
        return {
            name: value
            for name, value in self.all_hyperparameters.items()
            if name.startswith(PREFIX) and name not in _SETTINGS
        }

    def arguments(self) -> list[str]:
        """The script's arguments: `--name value`, and `-n value` where the name is one letter."""
        arguments: list[str] = []
        for name in sorted(self.hyperparameters):
            arguments += [f"--{name}" if len(name) > 1 else f"-{name}"]
            arguments += [_argument(self.hyperparameters[name])]
        return arguments

    def variables(self) -> dict[str, str]:
        """SM_* variables. Values that are no text are JSON."""
        told = self._told() | {
            "user_args": self.arguments(),
            "hps": self.hyperparameters,
            "channels": sorted(self.channels),
            "framework_params": self.framework_parameters,
            "training_env": self._training_environment(),
        }
        folders = {f"channel_{name}": place for name, place in self._folders().items()}
        values = {f"hp_{name}": value for name, value in self.hyperparameters.items()}
        every = told | folders | values
        return {f"SM_{name.upper()}": _variable(value) for name, value in every.items()}

    def _told(self) -> dict[str, Any]:
        """What has its name in SM_* and in SM_TRAINING_ENV alike."""
        groups: dict[str, dict[str, Any]] = {
            one["instance_group_name"]: one for one in self.resources.get("instance_groups", ())
        }
        group = self.resources.get("current_group_name", "homogeneousCluster")
        return {
            "hosts": self.hosts,
            "current_host": self.host,
            "network_interface_name": self.resources.get("network_interface_name", "eth0"),
            "current_instance_type": self.resources.get("current_instance_type", ""),
            "current_instance_group": group,
            "current_instance_group_hosts": groups[group]["hosts"] if group in groups else [],
            "instance_groups": list(groups),
            "instance_groups_dict": groups,
            "distribution_instance_groups": [],
            "is_hetero": len(groups) > 1,
            "resource_config": self.resources,
            "input_data_config": self.channels,
            "input_dir": str(self.base / "input"),
            "input_config_dir": str(self.base / "input" / "config"),
            "output_dir": str(self.base / "output"),
            "output_data_dir": str(self.base / "output" / "data"),
            "output_intermediate_dir": str(self.base / "output" / "intermediate"),
            "model_dir": str(self.base / "model"),
            "user_entry_point": self.program,
            "module_name": self.program.removesuffix(".py"),
            "module_dir": str(self.all_hyperparameters.get("sagemaker_submit_directory", "")),
            "framework_module": f"{self.framework}:main",
            "log_level": self.all_hyperparameters.get("sagemaker_container_log_level", _INFO),
            "num_cpus": len(os.sched_getaffinity(0)),
            "num_gpus": 0,
            "num_neurons": 0,
        }

    def _training_environment(self) -> dict[str, Any]:
        return self._told() | {
            "additional_framework_parameters": self.framework_parameters,
            "channel_input_dirs": self._folders(),
            "hyperparameters": self.hyperparameters,
            "is_master": self.host == self.hosts[0],
            "job_name": self.job_name,
            "master_hostname": self.hosts[0],
        }

    def _folders(self) -> dict[str, str]:
        data = self.base / "input" / "data"
        return {name: str(data / name) for name in self.channels}


def meant(value: str) -> Any:  # noqa: ANN401 - JSON
    """A hyperparameter's value: the SDK writes them as JSON; what is no JSON is itself."""
    try:
        return json.loads(value)
    except ValueError:
        return value


def _read(path: Path) -> dict[str, Any]:
    return json.loads(path.read_text()) if path.exists() else {}


def _argument(value: Any) -> str:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return ",".join(f"{name}={one}" for name, one in sorted(value.items()))  # type: ignore[misc]
    return "" if value is None else str(value)


def _variable(value: Any) -> str:  # noqa: ANN401 - JSON
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    return json.dumps(value, sort_keys=True, separators=(",", ":"))
