"""Command lines of the published components: every input is `--name value`, empty if not set."""

import argparse
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import yaml

_TRUE = ("yes", "true", "t", "y", "1", "on")
_FALSE = ("no", "false", "f", "n", "0", "off", "")

#: What a parsed command line holds; the published components' inputs have all kinds of types.
Inputs = dict[str, Any]


def boolean(text: str) -> bool:
    """A Bool as any version of KFP writes it, e.g. `True`, `true`, `1`."""
    if text.lower() in _TRUE:
        return True
    if text.lower() in _FALSE:
        return False
    raise argparse.ArgumentTypeError(f"'{text}' is neither true nor false")


def integer(text: str) -> int:
    """An Integer; KFP 2 may write one as `1.0`."""
    number = float(text)
    if number != int(number):
        raise argparse.ArgumentTypeError(f"'{text}' is not a whole number")
    return int(number)


def _document(text: str) -> object:
    try:
        return cast("object", yaml.safe_load(text))
    except yaml.YAMLError as error:
        raise argparse.ArgumentTypeError(f"'{text}' is neither YAML nor JSON") from error


def mapping(text: str) -> dict[str, object]:
    """A JsonObject, in YAML or JSON; empty text is an empty one."""
    value = _document(text or "{}")
    if not isinstance(value, dict):
        raise argparse.ArgumentTypeError(f"'{text}' is not a mapping")
    return cast("dict[str, object]", value)


def sequence(text: str) -> list[object]:
    """A JsonArray, in YAML or JSON; empty text is an empty one."""
    value = _document(text or "[]")
    if not isinstance(value, list):
        raise argparse.ArgumentTypeError(f"'{text}' is not a list")
    return cast("list[object]", value)


@dataclass(frozen=True, slots=True)
class Input:
    """One input of a component."""

    name: str
    parse: Callable[[str], object] = str
    #: None: it must be given.
    default: object = None
    choices: tuple[str, ...] = ()


#: What every component has.
COMMON = (
    Input("region"),
    Input("endpoint_url", str, ""),
    Input("assume_role", str, ""),
    Input("tags", mapping, {}),
)
#: On what a job runs, and in which network, if it does not only predict.
INSTANCES = (
    Input("instance_type", str, "ml.m4.xlarge"),
    Input("instance_count", integer, 1),
    Input("volume_size", integer, 30),
    Input("resource_encryption_key", str, ""),
    Input("vpc_security_group_ids", str, ""),
    Input("vpc_subnets", str, ""),
    Input("network_isolation", boolean, default=True),
    Input("traffic_encryption", boolean, default=False),
)


def instances(values: Inputs) -> dict[str, object]:
    """The instances of a job, as any request has them."""
    return without_empty(
        {
            "InstanceType": values["instance_type"],
            "InstanceCount": values["instance_count"],
            "VolumeSizeInGB": values["volume_size"],
            "VolumeKmsKeyId": values["resource_encryption_key"],
        }
    )


def vpc(values: Inputs) -> dict[str, object]:
    """The VpcConfig of a request, where both its inputs are given."""
    groups, subnets = values["vpc_security_group_ids"], values["vpc_subnets"]
    if not groups or not subnets:
        return {}
    return {
        "VpcConfig": {"SecurityGroupIds": groups.split(","), "Subnets": subnets.split(",")},
    }


def tags(values: dict[str, object]) -> list[dict[str, str]]:
    """Tags as AWS takes them."""
    return [{"Key": key, "Value": str(value)} for key, value in values.items()]


def without_empty(request: dict[str, object]) -> dict[str, object]:
    """A request without the members that are not set."""
    return {name: value for name, value in request.items() if value not in ("", None, {}, [])}


def parse(inputs: Sequence[Input], outputs: Sequence[str], argv: Sequence[str]) -> Inputs:
    """The values; exits with usage when the command line is wrong."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for one in inputs:
        parser.add_argument(
            f"--{one.name}",
            type=one.parse,
            default=one.default,
            required=one.default is None,
            choices=one.choices or None,
        )
    for name in outputs:
        parser.add_argument(f"--{name}_output_path", default=f"/tmp/{name}")  # noqa: S108 - theirs
    return vars(parser.parse_args(argv))


def write_outputs(values: Inputs, outputs: dict[str, object]) -> None:
    """Each output in the file that the command line names for it."""
    for name, value in outputs.items():
        path = Path(values[f"{name}_output_path"])
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(value if isinstance(value, str) else json.dumps(value))
