"""What the server that runs tells its owner about permissions."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx

from flowmaker.aws.auth.observed import Observation
from flowmaker.cli import running
from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound
from flowmaker.server.data_folder import DataFolder

_PATIENCE = 60.0
_MOST = 10_000
_NOT_FOUND = 404


class PermissionsApi:
    """Decisions of late, and explanations of such as were never made."""

    def __init__(self, data: Path) -> None:
        from flowmaker.web.session import cookie_of  # noqa: PLC0415 - imports what a server needs

        server = running.find(data)
        folder = DataFolder(data)
        key = folder.secret(folder.browser_key).decode()
        self._http = httpx.Client(
            base_url=server.url,
            cookies={cookie_of(server.url): key},
            timeout=_PATIENCE,
            trust_env=False,
        )

    def decisions(self, **wanted: str | datetime | None) -> list[Observation]:
        """The latest first: `since`, `until`, `principal`, `run`, `denied`."""
        query = {
            name: value.isoformat() if isinstance(value, datetime) else value
            for name, value in wanted.items()
            if value
        }
        found = self._json("/ui/iam/decisions", {"limit": str(_MOST), **query})["decisions"]
        return [_observation(one) for one in found]

    def explanation(
        self, principal: str, action: str, resource: str, context: Sequence[str]
    ) -> Mapping[str, Any]:
        asked = {"principal": principal, "action": action, "resource": resource}
        return self._json("/ui/iam/explanation", {**asked, "context": list(context)})

    def _json(self, path: str, query: Mapping[str, str | list[str]]) -> Mapping[str, Any]:
        try:
            answer = self._http.get(path, params=dict(query))
        except httpx.TransportError as error:
            where = self._http.base_url
            raise FailedPrecondition(f"{where} does not answer any more: {error}") from None
        if answer.is_success:
            return answer.json()
        said: str = answer.json().get("message", f"the server answered {answer.status_code}")
        raise NotFound(said) if answer.status_code == _NOT_FOUND else InvalidInput(said)


def _observation(told: Mapping[str, Any]) -> Observation:
    fields = {name: told[name] for name in Observation.__dataclass_fields__}
    for name in ("first_at", "last_at"):
        fields[name] = datetime.fromisoformat(told[name])
    return Observation(**fields)
