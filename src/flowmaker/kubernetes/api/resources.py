"""Create, read, change and delete namespaces, secrets and config maps."""

from dataclasses import dataclass, replace
from typing import Any

import yaml
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flowmaker import ids
from flowmaker.clock import Clock
from flowmaker.errors import FailedPrecondition, FlowmakerError, InvalidInput, NotFound
from flowmaker.kubernetes import content, protobuf, repository, volumes
from flowmaker.kubernetes.api import status
from flowmaker.kubernetes.records import (
    KINDS,
    NAMESPACE,
    PERSISTENT_VOLUME_CLAIM,
    Kind,
    KubernetesObject,
)
from flowmaker.kubernetes.table import table
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database, Transaction

#: Bytes of a request at most, as the API server has it.
LARGEST_BODY = 3 * 1024 * 1024
PATCHES = frozenset(
    {
        "application/strategic-merge-patch+json",
        "application/merge-patch+json",
        "application/apply-patch+yaml",
    }
)


@dataclass(frozen=True, slots=True)
class Resources:
    """The handlers, one for each verb."""

    database: Database
    clock: Clock
    hints: Hints

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
        _refuse(request, "watch", "labelSelector", "fieldSelector")
        items = await self.database.read(repository.listing, kind, namespace)
        version = str(await self.database.read(repository.version))
        if _wants_table(request):
            return JSONResponse(table(kind.name, items, self.clock.now(), version))
        return JSONResponse(
            {
                "kind": f"{kind.name}List",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": version},
                "items": [item.to_json() for item in items],
            }
        )

    async def _get(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        found = await self.database.read(_existing, kind, namespace, name)
        if _wants_table(request):
            version = str(found.resource_version)
            return JSONResponse(table(kind.name, [found], self.clock.now(), version))
        return JSONResponse(found.to_json())

    async def _create(self, request: Request, kind: Kind, namespace: str) -> Response:
        made = self._from_manifest(kind, namespace, await _manifest(request))
        return await self._store(request, made, new=True)

    async def _put(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        manifest = await _manifest(request)
        before = await self.database.read(_existing, kind, namespace, name)
        return await self._change(request, before, manifest)

    async def _patch(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        type_ = request.headers.get("content-type", "").partition(";")[0]
        if type_ not in PATCHES:
            return status.failure(
                415,
                "UnsupportedMediaType",
                f"{type_} is not supported; use one of {sorted(PATCHES)}",
            )
        patch = await _manifest(request)
        before = await self.database.read(repository.get, kind, namespace, name)
        if before is None:
            if type_ != "application/apply-patch+yaml":
                raise NotFound(f'{kind.plural} "{name}" not found')
            return await self._store(request, self._from_manifest(kind, namespace, patch), new=True)
        return await self._change(request, before, content.merge(before.to_json(), patch))

    async def _delete(self, request: Request, kind: Kind, namespace: str, name: str) -> Response:
        found = await self.database.read(_existing, kind, namespace, name)
        if not _is_dry(request):
            await self.database.write(repository.remove, kind, namespace, name)
            if kind in (PERSISTENT_VOLUME_CLAIM, NAMESPACE):
                self.hints.hint(volumes.TOPIC, volumes.ALL)
        return status.success(name, kind.plural, found.uid)

    async def _change(
        self, request: Request, before: KubernetesObject, manifest: dict[str, Any]
    ) -> Response:
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
        return await self._store(request, kept, new=False)

    async def _store(self, request: Request, made: KubernetesObject, *, new: bool) -> Response:
        code = 201 if new else 200
        if _is_dry(request):
            return JSONResponse(made.to_json(), status_code=code)
        stored = await self.database.write(_store, made, new=new)
        return JSONResponse(stored.to_json(), status_code=code)

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


def _refuse(request: Request, *parameters: str) -> None:
    for parameter in parameters:
        if request.query_params.get(parameter, "false") not in ("false", "0", ""):
            raise InvalidInput(f"the parameter {parameter} is not supported")


def _is_dry(request: Request) -> bool:
    return "All" in request.query_params.getlist("dryRun")


def _wants_table(request: Request) -> bool:
    return "as=Table" in request.headers.get("accept", "")


async def _manifest(request: Request) -> dict[str, Any]:
    body = b""
    async for piece in request.stream():
        body += piece
        if len(body) > LARGEST_BODY:
            raise InvalidInput(f"the request is larger than {LARGEST_BODY} bytes")
    if request.headers.get("content-type", "").startswith(protobuf.CONTENT_TYPE):
        return protobuf.decode(body)
    try:
        manifest = yaml.safe_load(body)  # JSON is YAML, and an apply patch may be either
    except yaml.YAMLError as error:
        raise InvalidInput(f"the body is neither JSON nor YAML: {error}") from None
    return dict(content.mapping(manifest, "the body"))
