"""The application that answers /apis/v2beta1, and what is asked of a run's single tasks."""

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Mount, Route

from flowmaker import __version__
from flowmaker.clock import Clock
from flowmaker.errors import InvalidInput
from flowmaker.pipelines.api import refusals, requests
from flowmaker.pipelines.api.access import Access, Users
from flowmaker.pipelines.api.context import Context
from flowmaker.pipelines.api.experiments import Experiments
from flowmaker.pipelines.api.fetched import Fetched
from flowmaker.pipelines.api.logs import NodeRoutes
from flowmaker.pipelines.api.pipelines import Pipelines
from flowmaker.pipelines.api.recurring import RecurringRuns
from flowmaker.pipelines.api.runs import Runs
from flowmaker.pipelines.api.status import answering, no_route
from flowmaker.pipelines.api.uploads import Uploads
from flowmaker.pipelines.ir.validate import Machine
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database


def create_app(
    database: Database,
    hints: Hints,
    clock: Clock,
    *,
    machine: Machine,
    nodes: NodeRoutes | None = None,
    users: Users | None = None,
) -> Starlette:
    """KFP's API on a database.

    Args:
        database: where what is wanted is recorded.
        hints: told of each run that was made or changed, on the topic `run`.
        clock: the time of what is made.
        machine: what pipelines find where they run.
        nodes: what is asked of single tasks; None where nothing executes them.
        users: how users are told apart, in KFP's multi-user mode; None in its single-user mode.
    """
    access = Access(users=users)
    context = Context(
        database=database,
        hints=hints,
        clock=clock,
        access=access,
        machine=machine,
        waits_for=nodes.waits_for if nodes else lambda _: "",
    )
    server = _Server(access)
    v2 = [
        Route("/healthz", server.healthz, methods=["GET"]),
        Route("/auth", answering(server.authorize), methods=["GET"]),
        *Experiments(context).routes(),
        *Uploads(context).routes(),
        *Fetched(context).routes(),
        *(nodes.v2beta1() if nodes else ()),
        *RecurringRuns(context).routes(),
        *refusals.v2_routes(),
        *Pipelines(context).routes(),
        *Runs(context).routes(),
    ]
    v1alpha1 = nodes.v1alpha1() if nodes else []
    own = nodes.flowmaker() if nodes else []
    return Starlette(
        routes=[
            Mount("/apis/v2beta1", routes=access.guard(v2, database)),
            Mount("/apis/v1beta1", routes=refusals.v1_routes()),
            Mount("/apis/v1alpha1", routes=access.guard(v1alpha1, database)),
            Mount("/flowmaker/v1", routes=access.guard(own, database)),
        ],
        exception_handlers={HTTPException: no_route},
    )


class _Server:
    """What is asked of the server itself: KFP's HealthzService and AuthService."""

    def __init__(self, access: Access) -> None:
        self._access = access

    async def authorize(self, request: Request) -> Response:
        """What is allowed is an empty answer. With one user everything is."""
        given = requests.parameters(request, ("namespace", "resources", "verb"))
        if self._access.users:
            for name in ("namespace", "resources", "verb"):
                if not given.get(name):
                    raise InvalidInput(f"{name} is empty. Please specify a valid {name}")
            await self._access.check_shared(request, given["namespace"])
        return JSONResponse({})

    async def healthz(self, request: Request) -> Response:
        """Alive; kfp.Client asks it once to learn whether there are several users."""
        del request
        return JSONResponse(
            {
                "commit_sha": f"flowmaker-{__version__}",
                "tag_name": "2.17.0",
                "multi_user": self._access.users is not None,
                "pipeline_store": "database",
            }
        )
