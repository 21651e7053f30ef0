"""Who may do what: KFP's single-user mode, and its multi-user mode.

With a single user everything is in the one namespace, which has no name, and everybody may do all.

With several, each experiment, run and recurring run is in a Kubernetes namespace, and a pipeline is
in one or is shared. A request says who makes it in the header `kubeflow-userid`, which Kubeflow's
gateway sets. A namespace is that user's whom its annotation `owner` names, as Kubeflow's profiles
write it. The messages are KFP's.
"""

import hmac
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.errors import InvalidInput, NotFound, PermissionDenied
from flowmaker.pipelines.api.messages import RunRequest
from flowmaker.pipelines.api.status import Endpoint, Unauthenticated, answering
from flowmaker.pipelines.repository.conditions import Condition, Operation
from flowmaker.pipelines.repository.namespaces import namespace_of, namespace_of_version
from flowmaker.store.database import Database

USER = "kubeflow-userid"
#: Presented by the commands of the person who started the server, who may do all.
ADMINISTRATOR = "flowmaker-administrator"

EXPERIMENT = "An experiment"
RUN = "A run"
RECURRING_RUN = "a recurring run"

#: What a path names by its key. A pipeline without a namespace is shared.
_OWNED = {"experiment_id": EXPERIMENT, "run_id": RUN, "recurring_run_id": RECURRING_RUN}
_SHARED = "pipeline_id"


@dataclass(frozen=True, kw_only=True, slots=True)
class Users:
    """How users of a server are told apart."""

    #: Whose a namespace is; empty when it is nobody's, or not there.
    owner: Callable[[str], Awaitable[str]]
    #: The secret of the person who started the server.
    administrator: str


@dataclass(frozen=True, kw_only=True, slots=True)
class Access:
    """What the callers of one server may do."""

    #: None in single-user mode.
    users: Users | None = None

    def namespace(self, given: str) -> str:
        """The namespace that is meant: with a single user always the one."""
        return given if self.users else ""

    def within(self, namespace: str) -> tuple[Condition, ...]:
        """What narrows a list to a namespace: with a single user nothing."""
        if self.users is None:
            return ()
        return (Condition(column="namespace", operation=Operation.EQUALS, value=namespace),)

    async def narrow(
        self, request: Request, database: Database, given: Mapping[str, str], what: str
    ) -> tuple[Condition, ...]:
        """What narrows a list of runs to the experiment, or else the namespace, that is given.

        Raises:
            InvalidInput, Unauthenticated, PermissionDenied: as `check`.
            NotFound: there is no such experiment.
        """
        namespace, experiment_id = given.get("namespace", ""), given.get("experiment_id", "")
        if experiment_id:
            found = await database.read(namespace_of, "experiment_id", experiment_id)
            if found is None:
                raise NotFound(f"There is no experiment {experiment_id!r}: this must be its id.")
            namespace = found
        everywhere = self.users and not namespace and _is_administrator(request, self.users)
        if not everywhere:
            await self.check(request, namespace, what)
        if not experiment_id:
            return () if everywhere else self.within(namespace)
        column = "experiment_id"
        return (Condition(column=column, operation=Operation.EQUALS, value=experiment_id),)

    async def check(self, request: Request, namespace: str, what: str) -> None:
        """Whether the caller may work in a namespace that `what` must have.

        Raises:
            InvalidInput: there is no namespace.
            Unauthenticated, PermissionDenied: as `check_shared`.
        """
        if self.users and not namespace:
            raise InvalidInput(f"{what} cannot have an empty namespace in multi-user mode")
        await self.check_shared(request, namespace)

    async def check_shared(self, request: Request, namespace: str) -> None:
        """Whether the caller may work in a namespace, or with what is shared when it is empty.

        Raises:
            Unauthenticated: the request does not say whose it is.
            PermissionDenied: the namespace is not theirs.
        """
        if not self.users or not namespace or _is_administrator(request, self.users):
            return
        user = _user(request)
        if await self.users.owner(namespace) != user:
            raise PermissionDenied(
                f"User '{user}' is not authorized with reason: the annotation 'owner' of a "
                f"namespace '{namespace}' does not name them (request: {request.method} "
                f"{request.url.path}). Who administers the server lets them in with: kubectl "
                f"create namespace {namespace}; kubectl annotate namespace {namespace} owner={user}"
            )

    async def check_run(
        self, request: Request, database: Database, wanted: RunRequest, what: str, given: str = ""
    ) -> None:
        """Whether the caller may make a run of this: in its experiment, of its pipeline.

        `given` is the namespace that the request names beside its experiment.

        Raises:
            InvalidInput: it names no experiment, or one of another namespace.
            Unauthenticated, PermissionDenied: as `check_shared`.
        """
        if not self.users:
            return
        if not wanted.experiment_id:
            raise InvalidInput("Experiment id can not be empty in multi-user mode")
        namespace = await database.read(namespace_of, "experiment_id", wanted.experiment_id)
        if namespace is not None:
            await self.check(request, namespace, what)
            if given not in ("", namespace):
                raise InvalidInput(
                    f"Experiment {wanted.experiment_id} belongs to namespace '{namespace}' instead "
                    f"of '{given}'"
                )
        for found in (
            await database.read(namespace_of, _SHARED, wanted.pipeline_id),
            await database.read(namespace_of_version, wanted.pipeline_version_id),
        ):
            await self.check_shared(request, found or "")

    def guard(self, routes: Iterable[Route], database: Database) -> list[Route]:
        """The routes, each of which first asks whether the caller may have what its path names."""
        if not self.users:
            return list(routes)
        return [_guarded(route, self, database) for route in routes]


def _guarded(route: Route, access: Access, database: Database) -> Route:
    keys = [key for key in (*_OWNED, _SHARED) if key in route.param_convertors]
    if not keys:
        return route
    (key,) = keys
    endpoint: Endpoint = route.endpoint

    async def guarded(request: Request) -> Response:
        found = await database.read(namespace_of, key, request.path_params[key])
        if found is not None and key == _SHARED:
            await access.check_shared(request, found)
        elif found is not None:
            await access.check(request, found, _OWNED[key])
        return await endpoint(request)

    return Route(route.path, answering(guarded), methods=list(route.methods or ()))


def _is_administrator(request: Request, users: Users) -> bool:
    given = request.headers.get(ADMINISTRATOR, "")
    return hmac.compare_digest(given.encode(), users.administrator.encode())


def _user(request: Request) -> str:
    given = request.headers.getlist(USER)
    if len(given) > 1:
        raise Unauthenticated(
            "Request header error: unexpected number of user identity header. Expect 1 got "
            f"{len(given)}"
        )
    if not given or not given[0]:
        raise Unauthenticated(
            "Request header error: there is no user identity header. In multi-user mode a request "
            f"names its user in the header {USER}"
        )
    return given[0]
