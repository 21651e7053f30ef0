"""Pods, which can be looked at and no more: the processes of pipelines' tasks."""

import platform
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from flowmaker.clock import Clock
from flowmaker.errors import FlowmakerError, NotFound
from flowmaker.kubernetes import repository
from flowmaker.kubernetes.api import given, pod_logs, status
from flowmaker.kubernetes.api.pod_watch import Marks, Watch, Watches
from flowmaker.kubernetes.pod_table import pod_table
from flowmaker.kubernetes.pods import RUN, Pod, PodSource, Scope
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM
from flowmaker.kubernetes.selectors import NAMES, Selection, selection
from flowmaker.kubernetes.volumes import Held
from flowmaker.store.database import Database

#: Pods in an answer at most; the rest is asked for with `continue`, as kubectl does.
MOST = 500
#: What they are selected by.
FIELDS = NAMES | {"status.phase"}
_READ_ONLY = (
    "pods are the processes of pipelines' tasks: they are only looked at. Runs are made, "
    "terminated and deleted through Kubeflow Pipelines, e.g. client.terminate_run(RUN_ID); "
    "the RUN_ID is the pod's label pipeline/runid"
)

Items = list[dict[str, Any]]
Handler = Callable[[Request], Awaitable[Response]]


@dataclass(frozen=True, slots=True)
class Pods:
    """The handlers, for the verbs get, list and watch."""

    database: Database
    clock: Clock
    held: Held
    source: PodSource
    watches: Watches

    def routes(self) -> list[Route]:
        of_namespace = "/api/v1/namespaces/{namespace}/pods"
        routes = [
            Route("/api/v1/pods", _answering(self.list)),
            Route(of_namespace, _answering(self.list)),
            Route(f"{of_namespace}/{{name}}", _answering(self.get)),
            Route(f"{of_namespace}/{{name}}/log", _answering(self.log)),
        ]
        others = ["POST", "PUT", "PATCH", "DELETE"]
        return [*routes, *(Route(route.path, _read_only, methods=others) for route in routes)]

    async def list(self, request: Request) -> Response:
        scope, chosen = _asked(request)
        if given.flag(request, "watch"):
            return self._watch(request, scope, chosen)
        size = min(given.number("limit", request.query_params.get("limit", "0")) or MOST, MOST)
        version, _, after = request.query_params.get("continue", "").rpartition("/")
        found = await self.source.page(scope, size, after)
        if found is None:
            return status.expired(
                "the provided continue parameter is too old: what it followed has gone"
            )
        version = version or await self.watches.version(scope)
        pods, following = [pod for pod in found[0] if _is_chosen(pod, chosen)], found[1]
        meta = {"resourceVersion": version}
        if following:
            meta["continue"] = f"{version}/{following}"
        if given.wants_table(request):
            return JSONResponse(pod_table(pods, self.clock.now(), platform.node(), meta))
        items = [pod.to_json(platform.node()) for pod in pods]
        is_whole = not after and not following and not chosen.labels and not chosen.fields
        items = await self._with_claims(scope.namespace, items, is_whole=is_whole)
        return JSONResponse(
            {"kind": "PodList", "apiVersion": "v1", "metadata": meta, "items": items}
        )

    def _watch(self, request: Request, scope: Scope, chosen: Selection) -> Response:
        parameters = request.query_params
        if given.flag(request, "sendInitialEvents"):
            return status.no_watch_list()
        version = parameters.get("resourceVersion", "0")
        known: Marks | None = {} if version in ("", "0") else self.watches.told(version, scope)
        if known is None:
            return status.expired(f"too old resource version: {version}")
        watch = Watch(
            scope=scope,
            chosen=chosen,
            known=known,
            as_table=given.wants_table(request),
            seconds=given.number("timeoutSeconds", parameters.get("timeoutSeconds", "0")),
        )
        return StreamingResponse(self.watches.lines(watch), media_type="application/json")

    async def get(self, request: Request) -> Response:
        pod = await self._existing(request)
        if given.wants_table(request):
            return JSONResponse(pod_table([pod], self.clock.now(), platform.node(), {}))
        made = [pod.to_json(platform.node())]
        (told,) = await self._with_claims(pod.mark.namespace, made, is_whole=False)
        return JSONResponse(told)

    async def log(self, request: Request) -> Response:
        return await pod_logs.answer(request, await self._existing(request), self.source)

    async def _existing(self, request: Request) -> Pod:
        name, namespace = request.path_params["name"], request.path_params["namespace"]
        pod = (await self.source.named([name])).get(name)
        if pod is None or pod.mark.namespace != namespace:
            raise NotFound(f'pods "{name}" not found')
        return pod

    async def _with_claims(self, namespace: str, items: "Items", *, is_whole: bool) -> "Items":
        """The claims that pods have mounted, which `kubectl describe pvc` looks for.

        Other processes may have one as well, e.g. a debug session: a whole list has them, too.
        """
        kind = PERSISTENT_VOLUME_CLAIM
        claims = await self.database.read(repository.listing, kind, namespace)
        holders = await self.held(claim.uid for claim in claims)
        by_name = {item["metadata"]["name"]: item for item in items}
        for claim in claims:
            for name in holders.get(claim.uid, ()):
                if name not in by_name and is_whole:
                    by_name[name] = _other(claim.namespace, name)
                if name in by_name:
                    source = {"claimName": claim.name}
                    volume = {"name": claim.name, "persistentVolumeClaim": source}
                    by_name[name]["spec"]["volumes"].append(volume)
        return [*by_name.values()]


def _other(namespace: str, name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [], "volumes": []},
        "status": {"phase": "Running"},
    }


def _asked(request: Request) -> tuple[Scope, Selection]:
    parameters = request.query_params
    labels, fields = parameters.get("labelSelector", ""), parameters.get("fieldSelector", "")
    chosen = selection(labels, fields, "pods", FIELDS)
    namespace = request.path_params.get("namespace", "")
    return Scope(namespace=namespace, run_id=chosen.only(RUN)), chosen


def _is_chosen(pod: Pod, chosen: Selection) -> bool:
    return chosen.has(pod.mark.labels, pod.mark.fields(pod.name))


def _answering(handler: Handler) -> Handler:
    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except FlowmakerError as error:
            name = request.path_params.get("name", "")
            return status.from_error(error, name=name, kind="pods")

    return answer


async def _read_only(request: Request) -> Response:
    del request
    return status.failure(405, "MethodNotAllowed", _READ_ONLY, kind="pods")
