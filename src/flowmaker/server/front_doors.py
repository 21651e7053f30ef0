"""One port, several doors: which of them a request is for, and whether it may come in.

* An AWS signature opens the AWS door: the signature is the proof, and covers the Host header.
  So does a browser's form for a bucket, from whatever page it comes: what it may put, and where,
  is signed. And so does a browser's question of what a page of another origin may ask, which the
  rules of a bucket answer; what the page then asks is looked at as any other request.
* Every other door takes requests from this machine's own programs. A web page that a browser
  shows must not reach them, not even by DNS rebinding: so the Host must be this machine's, and
  an Origin, where a browser sends one, must be ours.
* Where other machines can connect, those doors ask for a bearer token as well.
"""

import asyncio
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from starlette.types import ASGIApp, Message, Receive, Scope, Send

from flowmaker.aws.gateway import is_aws_request
from flowmaker.server.config import Settings
from flowmaker.web.session import SIGN_IN

LOOPBACK = frozenset({"127.0.0.1", "localhost", "::1"})
#: KFP's own, and what Flowmaker has beside it.
KFP = ("/apis/v2beta1", "/apis/v1beta1", "/apis/v1alpha1", "/flowmaker/v1")
#: What the policies of buckets show to everyone.
PUBLIC = "/s3/"
KUBERNETES = ("/api", "/apis", "/openapi", "/version", "/healthz", "/livez", "/readyz")


@dataclass(frozen=True, slots=True)
class Doors:
    """What is behind each door."""

    aws: ASGIApp
    kfp: ASGIApp
    kubernetes: ASGIApp
    worker: ASGIApp
    room: ASGIApp
    web: ASGIApp


@dataclass(frozen=True, slots=True)
class FrontDoors:
    """The whole server as one ASGI app."""

    doors: Doors
    settings: Settings
    #: Whether a request's headers are those of the owner's browser, which has signed in.
    is_of_owner: Callable[[Mapping[str, str]], bool]
    #: Set when the server begins to end.
    ending: asyncio.Event

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return
        if scope["type"] == "http" and _is_for_aws(scope):
            await self.doors.aws(scope, receive, send)
            return
        headers = {
            name.decode("latin-1").lower(): value.decode("latin-1")
            for name, value in scope["headers"]
        }
        refusal = self._refusal(headers, scope["path"])
        if refusal:
            await (_refuse(send, *refusal) if scope["type"] == "http" else _hang_up(send))
            return
        if _goes_on(scope):
            receive = _until(self.ending, receive)
        await self._door(scope["path"])(scope, receive, send)

    def _door(self, path: str) -> ASGIApp:
        if path == ROOM:
            return self.doors.room
        if _is_under(path, KFP):
            return self.doors.kfp
        if path.startswith(PUBLIC):  # unsigned: what a bucket's policy shows to everyone
            return self.doors.aws
        if _is_under(path, KUBERNETES):
            return self.doors.kubernetes
        if path == WORKER_CREDENTIALS:
            return self.doors.worker
        return self.doors.web

    def _refusal(self, headers: Mapping[str, str], path: str) -> tuple[int, str] | None:
        host = _host_name(headers.get("host", ""))
        if host not in LOOPBACK and host != self.settings.host and self.settings.is_loopback:
            return 403, (
                f"the Host header names {host!r}, which is not this server: "
                f"connect to http://{self.settings.host} or to localhost"
            )
        origin = headers.get("origin", "")
        foreign = origin and urlsplit(origin).netloc != headers.get("host")
        if foreign and not path.startswith(PUBLIC):  # there the bucket's rules decide
            return 403, f"web pages of {origin} may not ask this server"
        if not self.settings.is_loopback and path != SIGN_IN and not self._has_token(headers):
            return 401, "this server asks for `Authorization: Bearer <FLOWMAKER_TOKEN>`"
        return None

    def _has_token(self, headers: Mapping[str, str]) -> bool:
        if self.is_of_owner(headers):
            return True
        given = headers.get("authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), self.settings.token.encode())


#: What room there is, and who waits for it.
ROOM = "/flowmaker/v1/room"
#: Where a task finds the credentials of the worker node that it runs on.
WORKER_CREDENTIALS = "/worker/credentials"


def _is_under(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(root + "/") for root in roots)


def _is_for_aws(scope: Scope) -> bool:
    return (
        is_aws_request(scope)
        or _is_form_for_bucket(scope)
        or _is_preflight(scope)
        or _is_unsigned_query(scope)
    )


def _is_preflight(scope: Scope) -> bool:
    names = {name for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= names


def _is_unsigned_query(scope: Scope) -> bool:
    """What STS takes without a signature, which is refused there: in words that clients read."""
    content = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    is_query = content.lower().startswith(b"application/x-www-form-urlencoded")
    return scope["method"] == "POST" and scope["path"] == "/" and is_query


def _is_form_for_bucket(scope: Scope) -> bool:
    """A browser's form to a bucket: no other door takes one there, and its signature is inside."""
    path: str = scope["path"].strip("/")
    content = next((value for name, value in scope["headers"] if name == b"content-type"), b"")
    is_form = content.lower().startswith(b"multipart/form-data")
    return scope["method"] == "POST" and is_form and "/" not in path


def _goes_on(scope: Scope) -> bool:
    """Whether the answer goes on until the client leaves: it watches, or follows a log."""
    asked = parse_qs(scope.get("query_string", b"").decode("latin-1"))
    return any(asked.get(name, [""])[0] not in ("", "0", "false") for name in ("watch", "follow"))


def _until(ending: asyncio.Event, receive: Receive) -> Receive:
    """A `receive` that tells the app that its client has left, too, when the server ends.

    The answer breaks off, so that whoever follows a log sees that this was not its end.
    """

    async def either() -> Message:
        message = asyncio.ensure_future(receive())
        over = asyncio.ensure_future(ending.wait())
        try:
            await asyncio.wait((message, over), return_when=asyncio.FIRST_COMPLETED)
            return await message if message.done() else {"type": "http.disconnect"}
        finally:
            message.cancel()
            over.cancel()

    return either


def _host_name(host: str) -> str:
    """The name in a Host header, without its port and an IPv6 address's brackets."""
    return urlsplit(f"//{host}").hostname or ""


async def _hang_up(send: Send) -> None:
    """The answer to a WebSocket that may not be: HTTP's 403."""
    await send({"type": "websocket.close", "code": 1008})


async def _refuse(send: Send, status: int, message: str) -> None:
    """An answer that kubectl, KFP and people can all read."""
    body = json.dumps({"code": status, "message": message, "kind": "Status", "status": "Failure"})
    await send(
        {
            "type": "http.response.start",
            "status": status,
            "headers": [(b"content-type", b"application/json")],
        }
    )
    await send({"type": "http.response.body", "body": body.encode()})
