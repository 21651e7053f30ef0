"""AWS accounts, for the owner of the data folder.

* `GET /ui/accounts` lists those beside the first: name and id.
* `POST /ui/accounts` with `{"name": …}` makes one, and tells its root user's keys.
"""

import json
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, cast

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.aws.iam.accounts import Opened
from flowmaker.aws.iam.records import Account
from flowmaker.errors import InvalidInput
from flowmaker.web.answers import json_response
from flowmaker.web.session import Session


@dataclass(frozen=True, slots=True)
class AccountRoutes:
    """The routes of accounts."""

    add: Callable[[str], Awaitable[Opened]]
    every: Callable[[], Awaitable[list[Account]]]

    def routes(self, session: Session) -> list[Route]:
        return [
            Route("/ui/accounts", session.guarding(self._list), methods=["GET"]),
            Route("/ui/accounts", session.guarding(self._add), methods=["POST"]),
        ]

    async def _list(self, request: Request) -> Response:
        del request
        found = await self.every()
        return json_response({"accounts": [{"name": one.name, "id": one.id} for one in found]})

    async def _add(self, request: Request) -> Response:
        opened = await self.add(_name(await request.body()))
        return json_response(
            {
                "name": opened.account.name,
                "id": opened.account.id,
                "access_key_id": opened.keys.access_key_id,
                "secret_access_key": opened.keys.secret_access_key,
            }
        )


def _name(body: bytes) -> str:
    try:
        given: Any = json.loads(body)
    except ValueError:
        given = None
    name = cast("dict[str, Any]", given).get("name") if isinstance(given, dict) else None
    if not isinstance(name, str):
        raise InvalidInput('The body must be JSON: {"name": …}.')
    return name
