"""AWS's own managed policies, as AWS publishes them, read out of the data of the package moto.

Of its file (4.7 MB, 1,582 policies) only the names and where each begins are kept; a document is
read when it is asked for. Nothing of moto is imported. All of this blocks: call it in a thread.
"""

import base64
import hashlib
import json
import re
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any, BinaryIO

_ENTRY = re.compile(rb'^ "([^"]+)":\{$', re.MULTILINE)
#: What ends an entry: a brace at the depth of its name.
_END = b"\n }"
PREFIX = "arn:aws:iam::aws:policy"


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsPolicy:
    """A policy that AWS manages, without its document."""

    name: str
    arn: str
    policy_id: str
    path: str
    default_version: str
    created_at: datetime
    updated_at: datetime


def find(arn: str) -> AwsPolicy | None:
    """The policy of that ARN, if AWS has one."""
    fields = _fields(arn)
    return _policy(_name(arn), fields) if fields is not None else None


def document(arn: str) -> str | None:
    """Its document as JSON text."""
    fields = _fields(arn)
    return json.dumps(fields["Document"], indent=4) if fields is not None else None


@cache
def every() -> tuple[AwsPolicy, ...]:
    """All of them by name."""
    with _file().open("rb") as file:
        return tuple(_policy(name, _read(file, place)) for name, place in sorted(_index().items()))


def _fields(arn: str) -> dict[str, Any] | None:
    place = _index().get(_name(arn)) if arn.startswith(f"{PREFIX}/") else None
    if place is None:
        return None
    with _file().open("rb") as file:
        fields = _read(file, place)
    return fields if arn == f"{PREFIX}{fields['Path']}{_name(arn)}" else None


def _read(file: BinaryIO, place: tuple[int, int]) -> dict[str, Any]:
    file.seek(place[0])
    return json.loads(file.read(place[1] - place[0]))


def _name(arn: str) -> str:
    return arn.rsplit("/", 1)[-1]


@cache
def _file() -> Path:
    spec = find_spec("moto")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package moto, whose data holds AWS's policies, is missing")
    return Path(spec.submodule_search_locations[0], "iam", "aws_managed_policies.py")


@cache
def _index() -> dict[str, tuple[int, int]]:
    """Each policy's name, and from where to where its JSON object is."""
    data = _file().read_bytes()
    places: dict[str, tuple[int, int]] = {}
    for found in _ENTRY.finditer(data):
        start = found.end() - 1
        places[found.group(1).decode()] = (start, data.index(_END, start) + len(_END))
    return places


def _policy(name: str, fields: dict[str, Any]) -> AwsPolicy:
    path: str = fields["Path"]
    return AwsPolicy(
        name=name,
        arn=f"{PREFIX}{path}{name}",
        policy_id=f"ANPA{_letters(name)}",
        path=path,
        default_version=fields["DefaultVersionId"],
        created_at=datetime.fromisoformat(fields["CreateDate"]),
        updated_at=datetime.fromisoformat(fields["UpdateDate"]),
    )


def _letters(name: str) -> str:
    """The rest of an id that the data lacks: always the same for the same policy."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
