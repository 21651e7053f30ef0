"""Create, read, change and delete namespaces, secrets and config maps."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.errors import (
    FailedPrecondition,
    FlowmakerError,
    InvalidInput,
    NotFound,
    PermissionDenied,
)
from flowmaker.kubernetes import content, json_patch, ownership, repository, volumes
from flowmaker.kubernetes.api import body, given, object_watch, status
from flowmaker.kubernetes.api.object_watch import ObjectWatch
from flowmaker.kubernetes.records import (
    KINDS,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    Kind,
    KubernetesObject,
    Owners,
)
from flowmaker.kubernetes.repository import changes
from flowmaker.kubernetes.selectors import NAMES, Selection, selection
from flowmaker.kubernetes.table import table
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database, Transaction
from flowmaker.store.news import News

APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"
PATCHES = frozenset(
    {"application/strategic-merge-patch+json", "application/merge-patch+json", JSON_PATCH, APPLY}
)
#: Kubernetes keeps it, too.
LASTING = "default"


@dataclass(frozen=True, slots=True)
class Resources:
    """The handlers, one for each verb."""

    database: Database
    clock: Clock
    hints: Hints
    news: News

    async def collection(self, request: Request) -> Response:
        """GET lists, POST creates."""
        kind, namespace, _ = _address(request)
        try:
            if request.method == "POST":
                return await self._create(request, kind, namespace)
            return await self._list(request, kind, namespace)
        except FlowmakerError as error:
            return status.from_error(error, kind=kind.plural)

    async def item(self, request: Request) -> Response:
        """GET, PUT, PATCH, DELETE of one object."""
        kind, namespace, name = _address(request)
        verbs = {"GET": self._get, "PUT": self._put, "PATCH": self._patch, "DELETE": self._delete}
        try:
            return await verbs[request.method](request, kind, namespace, name)
        except FlowmakerError as error:
            return status.from_error(error, name=name, kind=kind.plural)

    async def _list(self, request: Request, kind: Kind, namespace: str) -> Response:
        parameters = request.query_params
        labels, fields = parameters.get("labelSelector", ""), parameters.get("fieldSelector", "")
        chosen = selection(labels, fields, kind.plural, NAMES | kind.selected_by.keys())
        if given.flag(request, "watch"):
            return await self._watch(request, kind, namespace, chosen)
        found, version = await self.database.read(_listing, kind, namespace)
        items = [each for each in found if chosen.of(each)]
        if given.wants_table(request):
            return JSONResponse(table(kind.name, items, self.clock.now(), version))
        return JSONResponse(
            {
                "kind": f"{kind.name}List",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": version},
                "items": [ownership.shown(item) for item in items],
            }
        )

    async def _watch(
        self, request: Request, kind: Kind, namespace: str, chosen: Selection
    ) -> Response:
        if given.flag(request, "sendInitialEvents"):
            return status.no_watch_list()
        parameters = request.query_params
        version = given.number("resourceVersion", parameters.get("resourceVersion") or "0")
        watch = ObjectWatch(
            kind=kind,
            namespace=namespace,
            chosen=chosen,
            version=version,
            as_table=given.wants_table(request),
            seconds=given.number("timeoutSeconds", parameters.get("timeoutSeconds", "0")),
        )
        if await self.database.read(object_watch.events, watch, version) is None:
            return status.expired(f"too old resource version: {version}")
        events = object_watch.lines(self.database, self.clock, self.news, watch)
        return StreamingResponse(events, media_type="application/json")

    async def _get(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        found = await self.database.read(_existing, kind, namespace, name)
        if given.wants_table(request):
            version = str(found.resource_version)
            return JSONResponse(table(kind.name, [found], self.clock.now(), version))
        return JSONResponse(ownership.shown(found))

    async def _create(self, request: Request, kind: Kind, namespace: str) -> Response:
        manifest = content.named(await body.manifest(request))
        made = self._from_manifest(kind, namespace, manifest)
        return await self._store(request, _owned(request, None, made), new=True)

    async def _put(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        manifest = await body.manifest(request)
        before = await self.database.read(_existing, kind, namespace, name)
        return await self._change(request, before, manifest)

    async def _apply(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        manager = request.query_params.get("fieldManager")
        if not manager:
            raise InvalidInput("the parameter fieldManager is required for an apply patch")
        manifest = content.plain(kind, await body.manifest(request))
        content.check_manifest(kind, manifest)
        before = await self.database.read(repository.get, kind, namespace, name)
        wanted, owners = ownership.applied(
            before.to_json() if before else {},
            before.owners if before else {},
            manifest,
            manager,
            force=given.flag(request, "force"),
        )
        if before:
            return await self._change(request, before, wanted, owners)
        made = replace(self._from_manifest(kind, namespace, wanted), owners=owners)
        return await self._store(request, made, new=True)

    async def _patch(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        type_ = request.headers.get("content-type", "").partition(";")[0]
        if type_ not in PATCHES:
            return status.failure(
                415,
                "UnsupportedMediaType",
                f"{type_} is not supported; use one of {sorted(PATCHES)}",
            )
        if type_ == APPLY:
            return await self._apply(request, kind, namespace, name)
        patch = await body.value(request)
        before = await self.database.read(_existing, kind, namespace, name)
        if type_ == JSON_PATCH:
            changed = json_patch.patched(ownership.shown(before), patch)
        else:
            changed = content.merge(before.to_json(), content.mapping(patch, "the body"))
        return await self._change(request, before, changed)

    async def _delete(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        found = await self.database.read(_existing, kind, namespace, name)
        if (kind, name) == (NAMESPACE, LASTING):
            raise PermissionDenied(
                f'namespaces "{name}" is forbidden: this namespace may not be deleted'
            )
        if not _is_dry(request):
            await self.database.write(repository.remove, kind, namespace, name)
            if kind in (PERSISTENT_VOLUME_CLAIM, NAMESPACE):
                self.hints.hint(volumes.TOPIC, volumes.ALL)
        return status.success(name, kind.plural, found.uid)

    async def _change(
        self,
        request: Request,
        before: KubernetesObject,
        manifest: dict[str, Any],
        owners: Owners | None = None,
    ) -> Response:
        """Store the object as the manifest has it, for an apply with who owns its fields."""
        after = self._from_manifest(before.kind, before.namespace, manifest)
        if after.name != before.name:
            raise InvalidInput(
                f"the name of the object ({after.name}) does not match the name on the URL "
                f"({before.name})"
            )
        content.check_change(before.kind, before.document, after.document)
        asked = manifest.get("metadata", {}).get("resourceVersion")
        if asked and asked != str(before.resource_version):
            raise FailedPrecondition(
                f'Operation cannot be fulfilled on {before.kind.plural} "{before.name}": the '
                "object has been modified; please apply your changes to the latest version and "
                "try again"
            )
        kept = replace(
            after,
            uid=before.uid,
            created_at=before.created_at,
            resource_version=before.resource_version,
        )
        if owners is not None:
            return await self._store(request, replace(kept, owners=owners), new=False)
        return await self._store(request, _owned(request, before, kept), new=False)

    async def _store(self, request: Request, made: KubernetesObject, *, new: bool) -> Response:
        code = 201 if new else 200
        if _is_dry(request):
            return JSONResponse(ownership.shown(made), status_code=code)
        stored = await self.database.write(_store, made, new=new)
        return JSONResponse(ownership.shown(stored), status_code=code)

    def _from_manifest(
        self, kind: Kind, namespace: str, manifest: dict[str, Any]
    ) -> KubernetesObject:
        content.check_manifest(kind, manifest)
        meta = manifest["metadata"]
        said = meta.get("namespace")
        if said and said != namespace:
            raise InvalidInput(
                f"the namespace of the object ({said}) does not match the namespace on the URL "
                f"({namespace})"
            )
        return KubernetesObject(
            kind=kind,
            namespace=namespace,
            name=meta["name"],
            uid=ids.new(),
            created_at=self.clock.now(),
            labels=meta.get("labels") or {},
            annotations=meta.get("annotations") or {},
            document=content.settle(kind, manifest),
        )


def _store(tx: Transaction, made: KubernetesObject, *, new: bool) -> KubernetesObject:
    if made.namespace and not repository.get(tx, NAMESPACE, "", made.namespace):
        raise NotFound(
            f'namespaces "{made.namespace}" not found: '
            f"create it with `kubectl create namespace {made.namespace}`"
        )
    return repository.create(tx, made) if new else repository.replace(tx, made)


def _existing(tx: Transaction, kind: Kind, namespace: str, name: str) -> KubernetesObject:
    found = repository.get(tx, kind, namespace, name)
    if found is None:
        raise NotFound(f'{kind.plural} "{name}" not found')
    return found


def _address(request: Request) -> tuple[Kind, str, str]:
    parts = request.path_params
    return KINDS[parts["plural"]], parts.get("namespace", ""), parts.get("name", "")


def _listing(tx: Transaction, kind: Kind, namespace: str) -> tuple[Sequence[KubernetesObject], str]:
    """The objects, and the version that they are of."""
    return repository.listing(tx, kind, namespace), str(changes.version(tx))


def _owned(
    request: Request, before: KubernetesObject | None, after: KubernetesObject
) -> KubernetesObject:
    """The object with who owns its fields, as it was written by a request that is no apply."""
    agent = request.headers.get("user-agent", "").partition("/")[0]
    manager = request.query_params.get("fieldManager") or agent or "unknown"
    was = before.to_json() if before else {}
    owners: Owners = before.owners if before else {}
    return replace(after, owners=ownership.updated(was, owners, after.to_json(), manager))


def _is_dry(request: Request) -> bool:
    return "All" in request.query_params.getlist("dryRun")
