"""AWS's own managed policies, as AWS publishes them, read out of the data of the package moto.

Of its file (4.7 MB, 1,582 policies) only the names and where each begins are kept; a policy is
read when it is asked for. Nothing of moto is imported. All of this blocks: call it in a thread.
"""

import base64
import hashlib
import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

_ENTRY = re.compile(rb'^ "([^"]+)":\{$', re.MULTILINE)
#: What ends an entry: a brace at the depth of its name.
_END = b"\n }"
PREFIX = "arn:aws:iam::aws:policy"


@dataclass(frozen=True, kw_only=True, slots=True)
class AwsPolicy:
    """A policy that AWS manages."""

    name: str
    arn: str
    policy_id: str
    path: str
    default_version: str
    created_at: datetime
    updated_at: datetime
    #: As JSON text.
    document: str


def find(arn: str) -> AwsPolicy | None:
    """The policy of that ARN, if AWS has one."""
    if not arn.startswith(f"{PREFIX}/"):
        return None
    policy = _named(arn.rsplit("/", 1)[-1])
    return policy if policy is not None and policy.arn == arn else None


def every() -> Iterable[AwsPolicy]:
    """All of them by name, one in memory at a time."""
    with _file().open("rb") as file:
        for name, (start, end) in sorted(_index().items()):
            file.seek(start)
            yield _policy(name, file.read(end - start))


@lru_cache(maxsize=64)
def _named(name: str) -> AwsPolicy | None:
    place = _index().get(name)
    if place is None:
        return None
    with _file().open("rb") as file:
        file.seek(place[0])
        return _policy(name, file.read(place[1] - place[0]))


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


def _policy(name: str, raw: bytes) -> AwsPolicy:
    fields: dict[str, Any] = json.loads(raw)
    path: str = fields["Path"]
    return AwsPolicy(
        name=name,
        arn=f"{PREFIX}{path}{name}",
        policy_id=f"ANPA{_letters(name)}",
        path=path,
        default_version=fields["DefaultVersionId"],
        created_at=datetime.fromisoformat(fields["CreateDate"]),
        updated_at=datetime.fromisoformat(fields["UpdateDate"]),
        document=json.dumps(fields["Document"], indent=4),
    )


def _letters(name: str) -> str:
    """The rest of an id that the data lacks: always the same for the same policy."""
    return base64.b32encode(hashlib.sha256(name.encode()).digest()).decode()[:17]
