"""What the server that runs tells its owner about permissions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

from flowmaker.aws.auth.observed import Observation
from flowmaker.cli.owner_api import OwnerApi

_MOST = 10_000


class PermissionsApi:
    """Decisions of late, and explanations of such as were never made."""

    def __init__(self, data: Path) -> None:
        self._owner = OwnerApi(data)

    def decisions(self, **wanted: str | datetime | None) -> list[Observation]:
        """The latest first: `since`, `until`, `principal`, `run`, `denied`."""
        query = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in wanted.items()
            if value
        }
        found = self._owner.get("/ui/iam/decisions", {"limit": str(_MOST), **query})["decisions"]
        return [_observation(one) for one in found]

    def explanation(
        self, principal: str, action: str, resource: str, context: Sequence[str]
    ) -> Mapping[str, Any]:
        asked = {"principal": principal, "action": action, "resource": resource}
        return self._owner.get("/ui/iam/explanation", {**asked, "context": list(context)})


def _observation(told: Mapping[str, Any]) -> Observation:
    fields = {name: told[name] for name in Observation.__dataclass_fields__}
    for name in ("first_at", "last_at"):
        fields[name] = datetime.fromisoformat(told[name])
    return Observation(**fields)
