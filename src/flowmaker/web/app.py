"""The web interface: the bundle of ui/, and the routes of its own that it reads beside KFP's."""

from dataclasses import dataclass
from html import escape
from pathlib import Path

from starlette.applications import Starlette
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route, WebSocketRoute
from starlette.staticfiles import StaticFiles

from flowmaker.aws.inside import Inside
from flowmaker.executors.executor import Environments
from flowmaker.store.database import Database
from flowmaker.web.accounts import AccountRoutes
from flowmaker.web.aws import AwsRoutes
from flowmaker.web.changes import Changes, Follow
from flowmaker.web.metrics import Measured
from flowmaker.web.permissions import Permissions
from flowmaker.web.runs import Drawings
from flowmaker.web.session import SIGN_IN, Session
from flowmaker.web.tables import Tables

#: Where hatch_build.py puts the bundle.
BUNDLE = Path(__file__).parent / "static"

#: Our own scripts and styles; what artifacts bring along is shown in frames that reach nothing.
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; frame-src 'self'; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-cache",
}

PLAIN = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>Flowmaker</title>
<style>
  :root {{ color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }}
  body {{ max-width: 44rem; margin: 4rem auto; padding: 0 1rem; }}
  pre {{ padding: 1rem; border: 1px solid #8888; border-radius: 6px; overflow-x: auto; }}
</style>
<h1>Flowmaker</h1>
<p>Kubeflow Pipelines and Amazon SageMaker on this machine, at <code>{url}</code>.</p>
<pre>eval "$(flowmaker env)"

kfp run list
aws s3 ls
aws sagemaker list-training-jobs
kubectl get secrets -n kubeflow</pre>
<p>This server answers the real clients. Its web interface was not built when it was installed:
install it again, where Node.js packages can be fetched, and restart the server.</p>
</html>
"""


@dataclass(frozen=True, kw_only=True, slots=True)
class Web:
    """What the interface is made with."""

    url: str
    database: Database
    inside: Inside
    session: Session
    permissions: Permissions
    accounts: AccountRoutes
    follow: Follow
    environments: Environments
    bundle: Path = BUNDLE


def create_app(web: Web) -> Starlette:
    """Everything that is behind no other door."""
    page = web.bundle / "index.html"

    assets = _Assets(directory=web.bundle / "assets", check_dir=False)

    async def home(request: Request) -> Response:
        del request
        if page.exists():
            return FileResponse(page, headers=_HEADERS)
        return HTMLResponse(PLAIN.format(url=escape(web.url)), headers=_HEADERS)

    return Starlette(
        routes=[
            Route("/", home),
            Route(SIGN_IN, web.session.sign_in),
            WebSocketRoute("/ui/changes", Changes(web.database, web.follow).serve),
            *Drawings(web.database).routes(),
            *Measured(web.database).routes(),
            *AwsRoutes(web.inside, web.session).routes(),
            *Tables(web.inside, web.environments).routes(web.session),
            *web.permissions.routes(web.session),
            *web.accounts.routes(web.session),
            Mount("/assets", GZipMiddleware(assets)),
            Route("/{rest:path}", _missing),
        ]
    )


class _Assets(StaticFiles):
    """Files whose names change with what is in them."""

    def file_response(self, *args: object, **kwargs: object) -> Response:
        response: Response = super().file_response(*args, **kwargs)  # type: ignore[arg-type]
        response.headers["Cache-Control"] = "public, max-age=31536000, immutable"
        response.headers["X-Content-Type-Options"] = "nosniff"
        return response


async def _missing(request: Request) -> Response:
    said = f"there is nothing at {request.url.path}"
    return JSONResponse({"code": 404, "message": said}, status_code=404)
