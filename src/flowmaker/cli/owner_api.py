"""The routes that a server has for the owner of its data folder, and nobody else."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from flowmaker.cli import running
from flowmaker.errors import FailedPrecondition, InvalidInput, NotFound
from flowmaker.server.data_folder import DataFolder

_PATIENCE = 60.0
_NOT_FOUND = 404


class OwnerApi:
    """Asks with the key that only the owner can read."""

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

    def get(self, path: str, query: Mapping[str, str | list[str]]) -> Mapping[str, Any]:
        """What the route answers.

        Raises:
            NotFound, InvalidInput: in its words.
            FailedPrecondition: the server does not answer any more.
        """
        return self._answer("GET", path, params=dict(query))

    def post(self, path: str, content: Mapping[str, Any]) -> Mapping[str, Any]:
        """As `get`."""
        return self._answer("POST", path, json=dict(content))

    def _answer(self, method: str, path: str, **sent: Any) -> Mapping[str, Any]:  # noqa: ANN401
        try:
            answer = self._http.request(method, path, **sent)
        except httpx.TransportError as error:
            where = self._http.base_url
            raise FailedPrecondition(f"{where} does not answer any more: {error}") from None
        if answer.is_success:
            return answer.json()
        said: str = answer.json().get("message", f"the server answered {answer.status_code}")
        raise NotFound(said) if answer.status_code == _NOT_FOUND else InvalidInput(said)
