"""Server-side apply: who wrote which fields, and what follows from it. Pure.

An `Apply` says all that its manager wants of an object: what it does not say any more goes, unless
somebody else wants it as well; what somebody else wrote otherwise is a conflict. Whatever is
written in other ways, an `Update`, is the field's owner from then on.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, cast

from flowmaker.errors import FailedPrecondition
from flowmaker.kubernetes.content import merge
from flowmaker.kubernetes.records import (
    APPLIED,
    Document,
    KubernetesObject,
    Owner,
    Owners,
    Path,
)

#: `kubectl apply` without --server-side. As kubectl has it, what it wrote becomes its own when it
#: applies with --server-side.
CLIENT_SIDE = ("Update", "kubectl-client-side-apply")
SERVER_SIDE = ("Apply", "kubectl")
#: What kubectl itself remembers is nobody's field.
_REMEMBERED = ("metadata", "annotations", APPLIED)


class FieldConflict(FailedPrecondition):
    """Somebody else wrote a field otherwise."""

    def __init__(self, found: Mapping[Path, Owner]) -> None:
        #: The managers and their fields, as Kubernetes writes both.
        self.causes = [(manager, written(path)) for path, (_, manager) in found.items()]
        count = f"{len(found)} conflict{'s' if len(found) > 1 else ''}"
        told = ", ".join(f'conflict with "{by}" using v1: {field}' for by, field in self.causes)
        super().__init__(f"Apply failed with {count}: {told}")


def applied(
    before: Document, owners: Owners, manifest: Document, manager: str, *, force: bool
) -> tuple[dict[str, Any], Owners]:
    """The object as a manager wants it, and who owns its fields then.

    Raises:
        FieldConflict: somebody else wrote a field otherwise, and it is not to be forced.
    """
    me = ("Apply", manager)
    mine = {me, CLIENT_SIDE} if me == SERVER_SIDE else {me}
    wanted, there = leaves(manifest), leaves(before)
    others = {owner: paths for owner, paths in owners.items() if owner not in mine}
    differing = {path for path, value in wanted.items() if there.get(path, value) != value}
    conflicts = {path: owner for owner, paths in others.items() for path in paths & differing}
    if conflicts and not force:
        raise FieldConflict(dict(sorted(conflicts.items())))
    owned = frozenset[Path]().union(*(owners.get(owner, frozenset()) for owner in mine))
    kept = frozenset(wanted).union(*others.values())
    left = without(before, owned - kept)
    now = {owner: paths - differing for owner, paths in others.items()}
    now[me] = frozenset(wanted)
    return merge(left, manifest), _some(now)


def updated(before: Document, owners: Owners, after: Document, manager: str) -> Owners:
    """Who owns the fields after a write that is no apply."""
    me = ("Update", manager)
    was, there = leaves(before), leaves(after)
    written_now = frozenset(path for path, value in there.items() if was.get(path) != value)
    changed = written_now | (was.keys() - there.keys())
    now = {owner: paths - changed for owner, paths in owners.items()}
    now[me] = now.get(me, frozenset()) | written_now
    return _some(now)


def shown(found: KubernetesObject) -> dict[str, Any]:
    """The object as the API writes it, with who wrote its fields; when is not known."""
    told = found.to_json()
    fields = [
        {
            "manager": manager,
            "operation": operation,
            "apiVersion": "v1",
            "fieldsType": "FieldsV1",
            "fieldsV1": _tree(paths),
        }
        for (operation, manager), paths in sorted(found.owners.items())
    ]
    if fields:
        told["metadata"]["managedFields"] = fields
    return told


def _tree(paths: Iterable[Path]) -> dict[str, Any]:
    """Fields as Kubernetes writes sets of them: `{"f:data": {"f:KEY": {}}}`."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        branch = tree
        for part in path:
            branch = branch.setdefault(f"f:{part}", {})
    return tree


def leaves(document: Document) -> dict[Path, Any]:
    """The fields that somebody may own, with their values: lists are one field."""
    meta = cast("Document", document.get("metadata") or {})
    found = {key: meta[key] for key in ("labels", "annotations") if meta.get(key)}
    rest = {
        key: value
        for key, value in document.items()
        if key not in ("apiVersion", "kind", "metadata", "status")
    }
    both = {"metadata": found, **rest}
    return {path: value for path, value in _leaves(both, ()) if path != _REMEMBERED}


def without(document: Document, paths: Iterable[Path]) -> dict[str, Any]:
    """The document without these fields."""
    left = dict(document)
    for first, *rest in paths:
        if rest and isinstance(left.get(first), dict):
            left[first] = without(cast("Document", left[first]), [tuple(rest)])
        elif not rest:
            left.pop(first, None)
    return left


def written(path: Path) -> str:
    """A field as Kubernetes writes it: `.data.KEY`."""
    return "".join(f".{part}" for part in path)


def _leaves(value: Document, at: Path) -> Iterator[tuple[Path, Any]]:
    for key, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(cast("Document", inner), (*at, key))
        elif inner is not None:
            yield (*at, key), inner


def _some(owners: Owners) -> Owners:
    return {owner: paths for owner, paths in owners.items() if paths}
