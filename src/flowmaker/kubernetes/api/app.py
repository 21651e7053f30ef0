"""The Kubernetes door: discovery and the objects of the core group."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.kubernetes import content, repository
from flowmaker.kubernetes.api import access, discovery, status
from flowmaker.kubernetes.api.pod_watch import Watches
from flowmaker.kubernetes.api.pods import Pods
from flowmaker.kubernetes.api.resources import Resources
from flowmaker.kubernetes.pods import PodSource
from flowmaker.kubernetes.records import KINDS, NAMESPACE, KubernetesObject
from flowmaker.kubernetes.volumes import Held
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database, Transaction
from flowmaker.store.news import News

#: The namespaces that a new cluster with Kubeflow in it has.
NAMESPACES = ("default", "kubeflow")


async def bootstrap(database: Database, clock: Clock) -> None:
    """Make the namespaces that must be there. Again does nothing."""
    for name in NAMESPACES:
        made = KubernetesObject(
            kind=NAMESPACE,
            namespace="",
            name=name,
            uid=ids.new(),
            created_at=clock.now(),
            document=content.settle(NAMESPACE, {}),
        )
        await database.write(_ensure, made)


def _ensure(tx: Transaction, made: KubernetesObject) -> None:
    if not repository.get(tx, made.kind, "", made.name):
        repository.create(tx, made)


def create_app(
    database: Database, hints: Hints, clock: Clock, held: Held, pods: PodSource
) -> Starlette:
    """The ASGI app for `/api`, `/apis`, `/openapi` and `/version`; `held` tells who has volumes."""
    news = News(database)
    watches = Watches(news, clock, pods)
    resources = Resources(database, clock, hints, news)
    routes = [
        *discovery.routes,
        *access.routes,
        *Pods(database, clock, held, pods, watches).routes(),
    ]
    for kind in KINDS.values():
        routes.extend(_routes(kind.plural, resources, namespaced=kind.namespaced))
    return Starlette(routes=[*routes, Route("/{rest:path}", _not_found, methods=METHODS)])


METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"]


def _routes(plural: str, resources: Resources, *, namespaced: bool) -> list[Route]:
    async def collection(request: Request) -> Response:
        request.path_params["plural"] = plural
        return await resources.collection(request)

    async def item(request: Request) -> Response:
        request.path_params["plural"] = plural
        return await resources.item(request)

    scope = "/api/v1/namespaces/{namespace}" if namespaced else "/api/v1"
    made = [
        Route(f"{scope}/{plural}", collection, methods=["GET", "POST"]),
        Route(f"{scope}/{plural}/{{name}}", item, methods=["GET", "PUT", "PATCH", "DELETE"]),
    ]
    if namespaced:
        made.append(Route(f"/api/v1/{plural}", collection, methods=["GET"]))
    return made


async def _not_found(request: Request) -> Response:
    return status.failure(
        404,
        "NotFound",
        f"the server could not find the requested resource {request.url.path}: Flowmaker has "
        "namespaces, secrets, configmaps, persistentvolumeclaims and pods of the core group",
    )
