"""The folder that an instance of a training job sees as `/opt/ml`."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

OPT_ML = PurePosixPath("/opt/ml")
#: Where checkpoints are unless the request says otherwise.
CHECKPOINTS = "/opt/ml/checkpoints"
#: More of the failure file is not read; FailureReason has at most so many characters.
LONGEST_FAILURE = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class TrainingFolder:
    """`/opt/ml` of one instance, on this machine."""

    root: Path

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def output(self) -> Path:
        return self.root / "output" / "data"

    @property
    def code(self) -> Path:
        """Script mode's source folder."""
        return self.root / "code"

    def channel(self, name: str) -> Path:
        return self.root / "input" / "data" / name

    def make(self, request: Mapping[str, Any], index: int) -> None:
        """All of it but the channels' files."""
        config = self.root / "input" / "config"
        for folder in (config, self.model, self.output, self.root / "input" / "data"):
            folder.mkdir(parents=True, exist_ok=True)
        for name, content in (
            ("hyperparameters", request.get("HyperParameters", {})),
            ("inputdataconfig", channel_configuration(request)),
            ("resourceconfig", resource_configuration(request["ResourceConfig"], index)),
        ):
            (config / f"{name}.json").write_text(json.dumps(content))
        if checkpoints := checkpoint_configuration(request):
            (config / "checkpointconfig.json").write_text(json.dumps(checkpoints))
            self.checkpoints(request).mkdir(parents=True, exist_ok=True)

    def checkpoints(self, request: Mapping[str, Any]) -> Path:
        """Their folder: beside `/opt/ml`, not in it, if the program has them elsewhere."""
        place = checkpoint_place(request)
        if place.is_relative_to(OPT_ML):
            return self.root / place.relative_to(OPT_ML)
        return self.root.with_name(f"{self.root.name}.checkpoints")

    def failure(self) -> str:
        """What the algorithm wrote of its failure; empty if nothing."""
        try:
            with (self.root / "output" / "failure").open("rb") as file:
                return file.read(4 * LONGEST_FAILURE).decode("utf-8", "replace").strip()
        except OSError:
            return ""


def hosts(count: int) -> list[str]:
    """The names of the instances."""
    return [f"algo-{number}" for number in range(1, count + 1)]


def addresses(count: int, owner: str) -> dict[str, str]:
    """Where each of the instances listens: addresses of this machine's loopback.

    They follow from the `owner`, a job's id: what listens on a fixed port, as PyTorch's processes
    do, does not meet that of another job. At most 250 instances.
    """
    digest = hashlib.sha256(owner.encode()).digest()
    # Not 127.0: that is where the machine's own programs listen.
    network = f"127.{digest[0] % 254 + 1}.{digest[1]}"
    return {name: f"{network}.{number}" for number, name in enumerate(hosts(count), start=1)}


def checkpoint_configuration(request: Mapping[str, Any]) -> dict[str, str]:
    """checkpointconfig.json: S3Uri and LocalPath; empty if the job has no checkpoints."""
    given = request.get("CheckpointConfig")
    return {"LocalPath": CHECKPOINTS, **given} if given else {}


def checkpoint_place(request: Mapping[str, Any]) -> PurePosixPath:
    """Where the program has its checkpoints."""
    return PurePosixPath(checkpoint_configuration(request).get("LocalPath", CHECKPOINTS))


def is_uncompressed(output: Mapping[str, Any]) -> bool:
    """Whether an OutputDataConfig wants the model's files as they are, not as an archive."""
    return output.get("CompressionType") == "NONE"


def input_mode(request: Mapping[str, Any], channel: Mapping[str, Any]) -> str:
    """A channel's: File, FastFile or Pipe."""
    return channel.get("InputMode") or request["AlgorithmSpecification"]["TrainingInputMode"]


def channel_configuration(request: Mapping[str, Any]) -> dict[str, Any]:
    """inputdataconfig.json."""
    configuration: dict[str, Any] = {}
    for channel in request.get("InputDataConfig", ()):
        source = channel["DataSource"]["S3DataSource"]
        mode = input_mode(request, channel)
        one = {
            # FastFile differs from File only in when the bytes come, and here none has to come.
            "TrainingInputMode": "File" if mode == "FastFile" else mode,
            "S3DistributionType": source.get("S3DataDistributionType", "FullyReplicated"),
            "RecordWrapperType": channel.get("RecordWrapperType", "None"),
        }
        if content_type := channel.get("ContentType"):
            one["ContentType"] = content_type
        configuration[channel["ChannelName"]] = one
    return configuration


def resource_configuration(resources: Mapping[str, Any], index: int) -> dict[str, Any]:
    """resourceconfig.json. The interface is the loopback: that is where the hosts are."""
    names: Sequence[str] = hosts(resources.get("InstanceCount", 1))
    kind = resources.get("InstanceType", "")
    group = {
        "instance_group_name": "homogeneousCluster",
        "instance_type": kind,
        "hosts": names,
    }
    return {
        "current_host": names[index],
        "current_instance_type": kind,
        "current_group_name": "homogeneousCluster",
        "hosts": sorted(names),
        "instance_groups": [group],
        "network_interface_name": "lo",
    }
