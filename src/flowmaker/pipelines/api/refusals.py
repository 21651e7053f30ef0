"""What KFP's API has and Flowmaker does not: each is refused with its name and a way out."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.pipelines.api.status import Endpoint, Unimplemented, answering

VISUALIZATIONS = "Flowmaker has no visualization server."
REPORT = "Flowmaker runs pipelines without Argo: there are no workflows to report."
FILTERS = "This route only documents KFP's filters. Send them to the lists."

#: Method, path, why.
_V2 = (
    ("*", "/visualizations/{rest:path}", VISUALIZATIONS),
    ("*", "/workflows", REPORT),
    ("*", "/scheduledworkflows", REPORT),
    ("*", "/filters", FILTERS),
)

V1 = (
    "Flowmaker serves the API of KFP 2 (/apis/v2beta1). Use the KFP SDK 2.x: pip install"
    " 'kfp>=2,<3'. A program written for 1.x runs on it unchanged with: flowmaker exec --kfp1 --"
    " python pipeline.py"
)
METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def v2_routes() -> list[Route]:
    """Below /apis/v2beta1."""
    return [
        Route(path, _refusing(why), methods=METHODS if method == "*" else [method])
        for method, path, why in _V2
    ]


def v1_routes() -> list[Route]:
    """Below /apis/v1beta1: all of it."""
    return [Route("/{rest:path}", _refusing(V1), methods=METHODS)]


def _refusing(why: str) -> Endpoint:
    async def refuse(request: Request) -> Response:
        del request
        raise Unimplemented(why)

    return answering(refuse)
