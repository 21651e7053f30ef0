"""The first page of a server whose web interface was not built."""

import asyncio
from pathlib import Path
from typing import Any, cast

from starlette.requests import Request

from flowmaker.web.app import Web, create_app
from flowmaker.web.session import Session


class Commits:
    """Stands in for a database that nobody writes to."""

    def on_commit(self, listener: object) -> None:
        pass


class NoRoutes:
    """Has no routes."""

    def routes(self, session: Session) -> list[Any]:
        del session
        return []


def test_it_says_what_to_copy_and_what_is_missing(tmp_path: Path) -> None:
    url = "http://127.0.0.1:8080"
    web = Web(
        url=url,
        database=cast("Any", Commits()),
        inside=cast("Any", None),
        permissions=cast("Any", NoRoutes()),
        accounts=cast("Any", NoRoutes()),
        session=Session("key", url),
        follow=cast("Any", None),
        environments=cast("Any", None),
        bundle=tmp_path,
    )
    app = create_app(web)
    home: Any = next(route for route in app.routes if getattr(route, "path", "") == "/")
    request = Request({"type": "http", "method": "GET", "path": "/", "headers": []})
    response = asyncio.run(home.endpoint(request))
    text = response.body.decode()
    assert url in text
    assert "flowmaker env" in text
    assert "was not built" in text
