"""A training job as the program inside it sees it: the folder that SageMaker calls /opt/ml.

    input/config/hyperparameters.json   input/data/<channel>/…   model/   output/failure
    input/config/inputdataconfig.json
    input/config/resourceconfig.json    input/data/<channel>_<epoch>, pipes, in Pipe mode

`SAGEMAKER_BASE_DIR` names the folder where it is not /opt/ml.
"""

import json
import os
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import cast

from flowmaker.sagemaker.algorithms.hyperparameters import Schema, Value

#: The exit codes of AWS's algorithms: whose fault it was.
ALGORITHM_ERROR = 1
CUSTOMER_ERROR = 2

#: What SageMaker keeps of /opt/ml/output/failure.
_FAILURE_LENGTH = 1024


class CustomerError(Exception):
    """The data or the settings are wrong; the message says what to change."""


@dataclass(frozen=True, kw_only=True, slots=True)
class Channel:
    """One named input of the job."""

    name: str
    folder: Path
    #: As the user declared it, parameters and all; empty if not at all.
    content_type: str
    #: In Pipe mode its data comes through pipes.
    piped: bool = False
    _epochs: Iterator[int] = field(default_factory=count, repr=False, compare=False)

    def contents(self) -> Iterator[tuple[str, bytes]]:
        """The name and the bytes of each data file.

        In Pipe mode it is all files as one, and each time that it is read another epoch.
        """
        if self.piped:
            pipe = self.folder.with_name(f"{self.name}_{next(self._epochs)}")
            yield pipe.name, pipe.read_bytes()
            return
        for path in self._files():
            yield path.name, path.read_bytes()

    def _files(self) -> list[Path]:
        """All its data files, in subfolders too, in one order everywhere."""
        found = (path for path in self.folder.rglob("*") if path.is_file())
        hidden = (".", "_")
        return sorted(
            path
            for path in found
            if not any(part.startswith(hidden) for part in path.relative_to(self.folder).parts)
        )


@dataclass(frozen=True, kw_only=True, slots=True)
class Job:
    """What the job was given."""

    base: Path
    hyperparameters: Mapping[str, Value]
    channels: Mapping[str, Channel]
    #: All instances, e.g. `algo-1`, `algo-2`; the first leads.
    hosts: tuple[str, ...]
    host: str

    @property
    def model(self) -> Path:
        return self.base / "model"

    @property
    def leads(self) -> bool:
        return self.host == self.hosts[0]

    def integer(self, name: str, default: int) -> int:
        """The value of an integer hyperparameter; the default, too, where it is `auto`."""
        return cast("int", self._given(name, default))

    def number(self, name: str, default: float) -> float:
        """The value of a hyperparameter that is a number; the default, too, where it is `auto`."""
        return cast("float", self._given(name, default))

    def _given(self, name: str, default: Value) -> Value:
        value = self.hyperparameters.get(name, default)
        return default if value == "auto" else value

    def flag(self, name: str, *, default: bool) -> bool:
        """The value of a hyperparameter that is a BOOLEAN, or a word like `auto`: the default."""
        word = self.text(name).lower()
        return word == "true" if word in ("true", "false") else default

    def text(self, name: str, default: str = "") -> str:
        """The value of a hyperparameter as text."""
        return str(self.hyperparameters.get(name, default))

    def words(self, name: str) -> list[str]:
        """The value of a hyperparameter that is a list of words; empty if not given."""
        return cast("list[str]", self.hyperparameters.get(name, []))


def say(message: str) -> None:
    """A line in the job's log, with its time as AWS's containers write it."""
    stamp = time.strftime("%Y-%m-%d:%H:%M:%S", time.gmtime())
    print(f"[{stamp}:INFO] {message}", flush=True)  # noqa: T201 - the log of a job is its stdout


def _read(folder: Path, name: str) -> dict[str, object]:
    path = folder / name
    if not path.exists():
        return {}
    return cast("dict[str, object]", json.loads(path.read_text()))


def _channels(base: Path, declared: Mapping[str, object]) -> dict[str, Channel]:
    channels: dict[str, Channel] = {}
    for name, value in declared.items():
        config = cast("dict[str, str]", value)
        channels[name] = Channel(
            name=name,
            folder=base / "input" / "data" / name,
            content_type=config.get("ContentType", "") or "",
            piped=config.get("TrainingInputMode") == "Pipe",
        )
    return channels


def load(base: Path, schema: Schema) -> Job:
    """Reads the job's folder.

    Raises:
        CustomerError: hyperparameters or channels are wrong.
    """
    config = base / "input" / "config"
    given = {name: str(value) for name, value in _read(config, "hyperparameters.json").items()}
    values, problems = schema.parse(given)
    if problems:
        raise CustomerError("; ".join(problems))
    resources = _read(config, "resourceconfig.json")
    hosts = cast("list[str]", resources.get("hosts") or ["algo-1"])
    return Job(
        base=base,
        hyperparameters=values,
        channels=_channels(base, _read(config, "inputdataconfig.json")),
        hosts=tuple(hosts),
        host=str(resources.get("current_host") or hosts[0]),
    )


def base_folder() -> Path:
    """Where /opt/ml is for this process."""
    return Path(os.environ.get("SAGEMAKER_BASE_DIR") or "/opt/ml")


def run(schema: Schema, train: Callable[[Job], None]) -> int:
    """Trains, and gives the exit code. What goes wrong is in output/failure, and in the log."""
    base = base_folder()
    try:
        train(load(base, schema))
    except CustomerError as error:
        return _fail(base, str(error), CUSTOMER_ERROR)
    except Exception as error:  # noqa: BLE001 - the last stop: whatever it is goes into the file
        traceback.print_exc()
        return _fail(base, f"{type(error).__name__}: {error}", ALGORITHM_ERROR)
    return 0


def _fail(base: Path, message: str, code: int) -> int:
    print(f"ERROR: {message}", file=sys.stderr, flush=True)  # noqa: T201 - the job's log
    output = base / "output"
    output.mkdir(parents=True, exist_ok=True)
    (output / "failure").write_text(message[:_FAILURE_LENGTH])
    return code
