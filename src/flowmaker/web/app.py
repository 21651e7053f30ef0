"""The page at `/`: what this server is, and what to copy to talk to it."""

from html import escape

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

#: Nothing but our own style; no script, no frame, no request to anywhere.
POLICY = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; frame-ancestors 'none'"

PAGE = """<!doctype html>
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
<p>This server answers the real clients. A web interface is not part of this version.</p>
</html>
"""


def create_app(url: str) -> Starlette:
    """Everything that is behind no other door."""

    async def home(request: Request) -> Response:
        del request
        page = PAGE.format(url=escape(url))
        return HTMLResponse(page, headers={"Content-Security-Policy": POLICY})

    async def missing(request: Request) -> Response:
        return JSONResponse(
            {"code": 404, "message": f"there is nothing at {request.url.path}"}, status_code=404
        )

    return Starlette(routes=[Route("/", home), Route("/{rest:path}", missing)])
