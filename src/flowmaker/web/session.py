"""Who a browser acts for: the owner of the data folder, once it has presented the folder's key.

The pages and what KFP shows are for every program of this machine, as KFP's API is. AWS is not:
it asks everybody who he is, and a web page must not be a way around that. So a browser signs in
with a key that only the owner can read, and keeps it in a cookie that no script can see.
"""

import hmac
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlencode, urlsplit

from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response

from flowmaker.web.answers import Endpoint, answering, error

SIGN_IN = "/ui/sign-in"
#: Seconds that a browser stays signed in.
_LASTS = 365 * 86400
_SIGN_IN_FIRST = "Sign in first: `flowmaker open` opens the interface with your key."


class Session:
    """Tells the owner's browser from others."""

    def __init__(self, key: str, url: str) -> None:
        self._key = key
        # Browsers keep one set of cookies for all ports of a host.
        self._cookie = cookie_of(url)

    def is_of_owner(self, headers: Mapping[str, str]) -> bool:
        """Whether a request's headers, names in lower case, have the cookie."""
        try:
            found = SimpleCookie(headers.get("cookie", "")).get(self._cookie)
        except CookieError:
            return False
        return found is not None and self._is_key(found.value)

    def guarding(self, endpoint: Endpoint) -> Endpoint:
        """The endpoint, for the owner alone; its errors are answers."""
        answer = answering(endpoint)

        async def guarded(request: Request) -> Response:
            if not self.is_of_owner(request.headers):
                return error(401, "SignInFirst", _SIGN_IN_FIRST)
            return await answer(request)

        return guarded

    async def sign_in(self, request: Request) -> Response:
        """Gives the cookie to who presents the key, and shows him the first page."""
        if not self._is_key(request.query_params.get("key", "")):
            said = "This is not the key of this server. `flowmaker open` opens the right link.\n"
            return PlainTextResponse(said, status_code=403)
        response = RedirectResponse("/", status_code=303)
        response.set_cookie(
            self._cookie, self._key, max_age=_LASTS, httponly=True, samesite="strict", path="/"
        )
        return response

    def _is_key(self, given: str) -> bool:
        return hmac.compare_digest(given.encode(), self._key.encode())


def cookie_of(url: str) -> str:
    """The name of the cookie that a server at `url` looks for."""
    return f"flowmaker-{urlsplit(url).port or 80}"


def link(url: str, key: str) -> str:
    """What a browser opens to sign in."""
    return f"{url}{SIGN_IN}?{urlencode({'key': key})}"
