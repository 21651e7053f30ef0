"""How kubectl finds out what is here: `/version`, `/api`, `/apis`, `/openapi`."""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from flowmaker.kubernetes.api import schemas
from flowmaker.kubernetes.records import KINDS, Kind

VERBS = ["create", "delete", "get", "list", "patch", "update", "watch"]
#: Pods are looked at only: none of their fields is taken from anybody.
POD = Kind(name="Pod", plural="pods", short="po", namespaced=True, fields=frozenset())
_POD_VERBS = {"pods": ["get", "list", "watch"], "pods/log": ["get"]}
#: The Kubernetes release whose behaviour is followed.
MINOR = "32"


async def version(request: Request) -> Response:
    del request
    return JSONResponse(
        {
            "major": "1",
            "minor": MINOR,
            "gitVersion": f"v1.{MINOR}.0+flowmaker",
            "gitTreeState": "clean",
            "platform": "linux/amd64",
        }
    )


async def api_versions(request: Request) -> Response:
    address = request.headers.get("host", "")
    return JSONResponse(
        {
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": address}],
        }
    )


async def resources(request: Request) -> Response:
    del request
    return JSONResponse(
        {"kind": "APIResourceList", "groupVersion": "v1", "resources": core_resources()}
    )


def core_resources() -> list[dict[str, Any]]:
    """What there is of the core group."""
    return [*(_resource(kind) for kind in KINDS.values()), *_of_pods()]


async def openapi(request: Request) -> Response:
    del request
    return JSONResponse(
        {"paths": {"api/v1": {"serverRelativeURL": "/openapi/v3/api/v1?hash=flowmaker"}}}
    )


async def openapi_v1(request: Request) -> Response:
    """What `kubectl explain` tells, and one PATCH for each kind.

    kubectl looks there whether the server validates fields itself.
    """
    del request
    return JSONResponse(
        {
            "openapi": "3.0.0",
            "info": {"title": "Kubernetes", "version": f"v1.{MINOR}.0"},
            "paths": {_path(kind): {"patch": _patch(kind)} for kind in (*KINDS.values(), POD)},
            "components": {"schemas": schemas.all_of_them()},
        }
    )


def _resource(kind: Kind) -> dict[str, Any]:
    return {
        "name": kind.plural,
        "singularName": kind.name.lower(),
        "namespaced": kind.namespaced,
        "kind": kind.name,
        "verbs": VERBS,
        **({"shortNames": [kind.short]} if kind.short else {}),
    }


def _of_pods() -> list[dict[str, Any]]:
    pods = {**_resource(POD), "categories": ["all"], "verbs": _POD_VERBS["pods"]}
    log = {"name": "pods/log", "singularName": "", "namespaced": True, "kind": POD.name}
    return [pods, {**log, "verbs": _POD_VERBS["pods/log"]}]


def _path(kind: Kind) -> str:
    scope = "/namespaces/{namespace}" if kind.namespaced else ""
    return f"/api/v1{scope}/{kind.plural}/{{name}}"


def _patch(kind: Kind) -> dict[str, Any]:
    validation = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
    return {
        "operationId": f"patchCoreV1{kind.name}",
        "parameters": [{**validation}, {**validation, "name": "dryRun"}],
        "x-kubernetes-action": "patch",
        "x-kubernetes-group-version-kind": {"group": "", "version": "v1", "kind": kind.name},
        "responses": {"200": {"description": "OK"}},
    }


async def healthy(request: Request) -> Response:
    """Whoever is answered is answered by a server that is well."""
    del request
    return PlainTextResponse("ok")


#: What `kubectl get --raw` and probes ask.
HEALTH = ("/healthz", "/livez", "/readyz")
#: What may be asked beside resources: verbs and paths.
PATHS = tuple(
    ("get", path)
    for path in (
        *HEALTH,
        "/version",
        "/api",
        "/api/v1",
        "/apis",
        "/openapi/v3",
        "/openapi/v3/api/v1",
    )
)

routes = [
    *(Route(path, healthy) for path in HEALTH),
    Route("/version", version),
    Route("/api", api_versions),
    Route("/api/v1", resources),
    Route("/openapi/v3", openapi),
    Route("/openapi/v3/api/v1", openapi_v1),
]
