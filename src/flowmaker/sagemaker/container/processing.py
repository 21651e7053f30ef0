"""The folder that an instance of a processing job sees as `/opt/ml`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from flowmaker.sagemaker.container.training import OPT_ML, hosts

#: Inputs and outputs are below this, as AWS has it.
PROCESSING = OPT_ML / "processing"
#: More of the message is not read; ExitMessage has at most so many characters.
LONGEST_MESSAGE = 1024
#: Members of the request that processingjobconfig.json has as they came.
CONFIGURED = (
    "AppSpecification",
    "Environment",
    "ProcessingInputs",
    "ProcessingOutputConfig",
    "ProcessingResources",
    "RoleArn",
    "StoppingCondition",
    "NetworkConfig",
)


def is_inside(local_path: str) -> bool:
    """Whether it is a place for an input or output."""
    place = PurePosixPath(local_path)
    return place.is_relative_to(PROCESSING) and place != PROCESSING and ".." not in place.parts


@dataclass(frozen=True, kw_only=True, slots=True)
class ProcessingFolder:
    """`/opt/ml` of one instance, on this machine."""

    root: Path

    def place(self, local_path: str) -> Path:
        """Where `/opt/ml/processing/…` is."""
        return self.root / PurePosixPath(local_path).relative_to(OPT_ML)

    def make(self, request: Mapping[str, Any], job_arn: str, index: int) -> None:
        """All of it but the inputs' files. Blocking."""
        for folder in ("config", "output", "processing"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        for output in outputs(request):
            self.place(output["S3Output"]["LocalPath"]).mkdir(parents=True, exist_ok=True)
        names = hosts(count(request))
        configuration: dict[str, Any] = {
            "ProcessingJobArn": job_arn,
            "ProcessingJobName": request["ProcessingJobName"],
            **{name: request[name] for name in CONFIGURED if name in request},
        }
        for name, content in (
            ("processingjobconfig", configuration),
            ("resourceconfig", {"current_host": names[index], "hosts": names}),
        ):
            (self.root / "config" / f"{name}.json").write_text(json.dumps(content))

    def message(self) -> str:
        """What the program wrote of how it ended; empty if nothing. Blocking."""
        try:
            with (self.root / "output" / "message").open("rb") as file:
                return file.read(4 * LONGEST_MESSAGE).decode("utf-8", "replace").strip()
        except OSError:
            return ""

    def files(self, output: Mapping[str, Any]) -> Iterator[tuple[Path, str]]:
        """The files of an output, and their names below it. Symbolic links are not followed."""
        folder = self.place(output["S3Output"]["LocalPath"])
        for path in sorted(folder.rglob("*")):
            if path.is_file() and not path.is_symlink():
                yield path, path.relative_to(folder).as_posix()


def count(request: Mapping[str, Any]) -> int:
    """How many instances it has."""
    return request["ProcessingResources"]["ClusterConfig"].get("InstanceCount", 1)


def outputs(request: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """What is uploaded where."""
    return request.get("ProcessingOutputConfig", {}).get("Outputs", [])
