"""`kubectl auth`: who asks, and what they may.

There are no users here beside the server's owner: whoever reaches this door may do all that it can
do (see `flowmaker.server.front_doors`). What may be done is what is there.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from flowmaker.errors import FlowmakerError, InvalidInput
from flowmaker.kubernetes import content
from flowmaker.kubernetes.api import body, discovery, status

#: Whom kubectl is told that it is.
USER = {"username": "owner", "groups": ["system:authenticated"]}
_AUTHENTICATION, _AUTHORIZATION = "authentication.k8s.io", "authorization.k8s.io"
#: The kinds of each group, by their plural.
_KINDS = {
    _AUTHENTICATION: {"selfsubjectreviews": "SelfSubjectReview"},
    _AUTHORIZATION: {
        "selfsubjectaccessreviews": "SelfSubjectAccessReview",
        "selfsubjectrulesreviews": "SelfSubjectRulesReview",
    },
}


async def _who(request: Request, manifest: dict[str, Any]) -> dict[str, Any]:
    del request, manifest
    return {"status": {"userInfo": USER}}


async def _may(request: Request, manifest: dict[str, Any]) -> dict[str, Any]:
    del request
    spec = dict(content.mapping(manifest.get("spec"), "spec"))
    on = spec.get("resourceAttributes")
    path = spec.get("nonResourceAttributes")
    if (on is None) == (path is None):
        raise InvalidInput("spec: one of resourceAttributes and nonResourceAttributes is required")
    if on is not None:
        why = _why_not(content.mapping(on, "spec.resourceAttributes"))
    else:
        asked = content.mapping(path, "spec.nonResourceAttributes")
        known = (asked.get("verb"), asked.get("path")) in discovery.PATHS
        why = "" if known else f"there is no {asked.get('verb')} {asked.get('path')} here"
    return {"spec": spec, "status": {"allowed": not why, **({"reason": why} if why else {})}}


def _why_not(asked: content.Document) -> str:
    group, verb = asked.get("group") or "", asked.get("verb") or ""
    name = "/".join(part for part in (asked.get("resource"), asked.get("subresource")) if part)
    verbs = _verbs().get(name) if not group else None
    if verbs is None:
        return f"there are no {name}{f'.{group}' if group else ''} here"
    return "" if verb in verbs else f"{name} have no {verb} here, only {', '.join(verbs)}"


async def _rules(request: Request, manifest: dict[str, Any]) -> dict[str, Any]:
    del request
    rules = [
        {"verbs": verbs, "apiGroups": [""], "resources": [name]} for name, verbs in _verbs().items()
    ]
    paths = [{"verbs": [verb], "nonResourceURLs": [path]} for verb, path in discovery.PATHS]
    told = {"resourceRules": rules, "nonResourceRules": paths, "incomplete": False}
    return {"spec": manifest.get("spec") or {}, "status": told}


def _verbs() -> dict[str, list[str]]:
    return {one["name"]: one["verbs"] for one in discovery.core_resources()}


_ANSWERS = {
    "SelfSubjectReview": _who,
    "SelfSubjectAccessReview": _may,
    "SelfSubjectRulesReview": _rules,
}


def _reviewing(group: str, kind: str) -> Any:  # noqa: ANN401 - a handler
    async def review(request: Request) -> Response:
        try:
            answered = await _ANSWERS[kind](request, await body.manifest(request))
        except FlowmakerError as error:
            return status.from_error(error)
        head: dict[str, Any] = {"kind": kind, "apiVersion": f"{group}/v1", "metadata": {}}
        return JSONResponse({**head, **answered}, status_code=201)

    return review


def _listing(group: str) -> Any:  # noqa: ANN401 - a handler
    async def resources(request: Request) -> Response:
        del request
        listed = [
            {
                "name": plural,
                "singularName": kind.lower(),
                "namespaced": False,
                "kind": kind,
                "verbs": ["create"],
            }
            for plural, kind in _KINDS[group].items()
        ]
        head = {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": f"{group}/v1"}
        return JSONResponse({**head, "resources": listed})

    return resources


async def _groups(request: Request) -> Response:
    del request
    groups = [
        {"name": group, "versions": [version], "preferredVersion": version}
        for group in _KINDS
        for version in [{"groupVersion": f"{group}/v1", "version": "v1"}]
    ]
    return JSONResponse({"kind": "APIGroupList", "apiVersion": "v1", "groups": groups})


async def _no_tokens(request: Request) -> Response:
    name = request.path_params["name"]
    return status.failure(
        404,
        "NotFound",
        f'serviceaccounts "{name}" not found: there are no service accounts here, and no tokens of '
        "theirs. Who reaches this server may do all that it can do; from another machine the token "
        "is FLOWMAKER_TOKEN",
        name=name,
        kind="serviceaccounts",
    )


routes = [
    Route("/apis", _groups),
    *(Route(f"/apis/{group}/v1", _listing(group)) for group in _KINDS),
    *(
        Route(f"/apis/{group}/v1/{plural}", _reviewing(group, kind), methods=["POST"])
        for group, kinds in _KINDS.items()
        for plural, kind in kinds.items()
    ),
    Route(
        "/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token", _no_tokens, methods=["POST"]
    ),
]
