"""What pipelines' tasks left in SageMaker, told by the names among their outputs."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Database, Transaction

_ARN = "arn:aws:sagemaker:"
_ARN_PARTS = 6
#: Kind, account, region and name.
_Named = tuple[Kind, str, str, str]
#: The end of an output parameter's name, and what its value is the name of.
_NAMED = {
    "endpoint_config_name": (Kind.ENDPOINT_CONFIG,),
    "endpoint_name": (Kind.ENDPOINT,),
    "model_name": (Kind.MODEL,),
    "job_name": (Kind.TRAINING_JOB, Kind.TRANSFORM_JOB, Kind.PROCESSING_JOB),
}


@dataclass(frozen=True, kw_only=True, slots=True)
class SageMakerEffects:
    """Implements `RunSettings.effects`."""

    database: Database
    account: str
    region: str

    async def __call__(self, outputs: Mapping[str, Any]) -> Mapping[str, str]:
        named = list(self._named(outputs))
        if not named:
            return {}
        return await self.database.read(self._states, named)

    def _named(self, outputs: Mapping[str, Any]) -> Iterator[_Named]:
        """Everything that the outputs may mean."""
        for parameter, value in outputs.items():
            if not isinstance(value, str) or not value:
                continue
            if value.startswith(_ARN):
                yield from _of_arn(value)
                continue
            for ending, kinds in _NAMED.items():
                if parameter.lower().endswith(ending):
                    yield from ((kind, self.account, self.region, value) for kind in kinds)
                    break

    def _states(self, tx: Transaction, named: list[_Named]) -> dict[str, str]:
        states: dict[str, str] = {}
        for kind, account, region, name in named:
            found = resources.find(tx, kind, account, region, name)
            of = "" if account == self.account else f"{account}/"
            states[f"{kind}/{of}{region}/{name}"] = "" if found is None else _state(found)
        return states


def _of_arn(arn: str) -> Iterator[_Named]:
    parts = arn.split(":", _ARN_PARTS - 1)
    kind, _, name = parts[-1].partition("/")
    if len(parts) == _ARN_PARTS and kind in set(Kind) and name:
        yield Kind(kind), parts[4], parts[3], name


def _state(found: Resource) -> str:
    """Changes when it is made anew, ends otherwise, or is given another configuration."""
    material = [found.id, found.status, found.state.get("config_name", "")]
    return hashlib.sha256(json.dumps(material).encode()).hexdigest()
