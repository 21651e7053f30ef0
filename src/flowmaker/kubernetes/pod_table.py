"""`kubectl get pods` as a table, with the columns that the API server gives it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flowmaker.kubernetes.pods import ADDRESS, STATUS, Pod
from flowmaker.kubernetes.table import age

#: The name, the type, and the priority: columns above 0 are shown by `-o wide`.
_COLUMNS = (
    ("Name", "string", 0),
    ("Ready", "string", 0),
    ("Status", "string", 0),
    ("Restarts", "string", 0),
    ("Age", "string", 0),
    ("IP", "string", 1),
    ("Node", "string", 1),
    ("Nominated Node", "string", 1),
    ("Readiness Gates", "string", 1),
)


def pod_table(
    pods: Sequence[Pod], now: datetime, node: str, list_metadata: dict[str, str]
) -> dict[str, Any]:
    """A `meta.k8s.io/v1` Table of pods on the node."""
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": list_metadata,
        "columnDefinitions": [
            {"name": name, "type": type_, "format": "", "description": name, "priority": priority}
            for name, type_, priority in _COLUMNS
        ],
        "rows": [_row(pod, now, node) for pod in pods],
    }


def _row(pod: Pod, now: datetime, node: str) -> dict[str, Any]:
    phase = pod.mark.phase
    status = "ContainerCreating" if phase == "Pending" else STATUS.get(phase, phase)
    ready = "1/1" if phase == "Running" else "0/1"
    passed = age(now - pod.created_at)
    return {
        "cells": [pod.name, ready, status, "0", passed, ADDRESS, node, "<none>", "<none>"],
        "object": {
            "kind": "PartialObjectMetadata",
            "apiVersion": "meta.k8s.io/v1",
            "metadata": pod.metadata(),
        },
    }
