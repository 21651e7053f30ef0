"""The application that answers /apis/v2beta1, and what is asked of a run's single tasks."""

from collections.abc import Callable

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from flowmaker import __version__
from flowmaker.clock import Clock
from flowmaker.errors import Unsupported
from flowmaker.pipelines.api import refusals, requests
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.experiments import Experiments
from flowmaker.pipelines.api.fetched import Fetched
from flowmaker.pipelines.api.logs import NodeRoutes
from flowmaker.pipelines.api.pipelines import Pipelines
from flowmaker.pipelines.api.recurring import RecurringRuns
from flowmaker.pipelines.api.runs import Runs
from flowmaker.pipelines.api.status import answering, no_route
from flowmaker.pipelines.api.uploads import Uploads
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database


def create_app(
    database: Database,
    hints: Hints,
    clock: Clock,
    *,
    known_image: Callable[[str], object],
    nodes: NodeRoutes | None = None,
    multi_user: bool = False,
) -> Starlette:
    """KFP's API on a database.

    Args:
        database: where what is wanted is recorded.
        hints: told of each run that was made or changed, on the topic `run`.
        clock: the time of what is made.
        known_image: raises Unsupported for an image that no environment stands for.
        nodes: what is asked of single tasks; None where nothing executes them.
        multi_user: KFP's multi-user mode; refused, since there is no one to tell users apart.
    """
    if multi_user:
        raise Unsupported("Flowmaker has no multi-user mode: it serves one user, on their machine.")
    context = Context(
        database=database,
        hints=hints,
        clock=clock,
        known_image=known_image,
        waits_for=nodes.waits_for if nodes else lambda _: "",
    )
    v2 = [
        Route("/healthz", _healthz, methods=["GET"]),
        Route("/auth", answering(_authorize), methods=["GET"]),
        *Experiments(context).routes(),
        *Uploads(context).routes(),
        *Fetched(context).routes(),
        *(nodes.v2beta1() if nodes else ()),
        *RecurringRuns(context).routes(),
        *refusals.v2_routes(),
        *Pipelines(context).routes(),
        *Runs(context).routes(),
    ]
    return Starlette(
        routes=[
            Mount("/apis/v2beta1", routes=v2),
            Mount("/apis/v1beta1", routes=refusals.v1_routes()),
            Mount("/apis/v1alpha1", routes=nodes.v1alpha1() if nodes else []),
            Mount("/flowmaker/v1", routes=nodes.flowmaker() if nodes else []),
        ],
        exception_handlers={HTTPException: no_route},
    )


async def _authorize(request: Request) -> Response:
    """With one user everything is allowed, which KFP says with an empty answer."""
    requests.parameters(request, ("namespace", "resources", "verb"))
    return JSONResponse({})


async def _healthz(request: Request) -> Response:
    """Alive; kfp.Client asks it once to learn whether there are several users."""
    del request
    return JSONResponse(
        {
            "commit_sha": f"flowmaker-{__version__}",
            "tag_name": "2.17.0",
            "multi_user": False,
            "pipeline_store": "database",
        }
    )
