"""`kubectl get` as a table: the columns that kubectl prints when it asks for `as=Table`."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Any

from flowmaker.kubernetes.records import KubernetesObject

Column = tuple[str, str, Callable[[KubernetesObject], Any]]

_NAME: Column = ("Name", "string", lambda item: item.name)
_COLUMNS: dict[str, Sequence[Column]] = {
    "Namespace": (_NAME, ("Status", "string", lambda item: item.document["status"]["phase"])),
    "Secret": (
        _NAME,
        ("Type", "string", lambda item: item.document["type"]),
        ("Data", "integer", lambda item: len(item.document.get("data", {}))),
    ),
    "PersistentVolumeClaim": (
        _NAME,
        ("Status", "string", lambda item: item.document["status"]["phase"]),
        ("Volume", "string", lambda item: item.document["spec"]["volumeName"]),
        ("Capacity", "string", lambda item: item.document["status"]["capacity"]["storage"]),
        ("Access Modes", "string", lambda item: ",".join(item.document["spec"]["accessModes"])),
        ("StorageClass", "string", lambda item: item.document["spec"].get("storageClassName", "")),
    ),
    "ConfigMap": (_NAME, ("Data", "integer", lambda item: len(item.document.get("data", {})))),
}


def table(
    kind: str, items: Sequence[KubernetesObject], now: datetime, version: str
) -> dict[str, Any]:
    """A `meta.k8s.io/v1` Table of the items, which are all of one kind."""
    columns = _COLUMNS[kind]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": version},
        "columnDefinitions": [
            {"name": name, "type": type_, "format": "", "description": name, "priority": 0}
            for name, type_, _ in (*columns, ("Age", "string", None))
        ],
        "rows": [
            {
                "cells": [*(cell(item) for _, _, cell in columns), age(now - item.created_at)],
                "object": {
                    "kind": "PartialObjectMetadata",
                    "apiVersion": "meta.k8s.io/v1",
                    "metadata": item.to_json()["metadata"],
                },
            }
            for item in items
        ],
    }


def age(passed: timedelta) -> str:
    """As kubectl writes it: the two largest units at most, `90s`, `12m`, `3h`, `2d`."""
    seconds = max(0, int(passed.total_seconds()))
    for limit, unit, size in ((120, "s", 1), (7200, "m", 60), (172800, "h", 3600)):
        if seconds < limit:
            return f"{seconds // size}{unit}"
    return f"{seconds // 86400}d"
