"""Artifacts, and which tasks made and read each: told from what the tasks exchanged. Pure."""

from collections.abc import Iterable
from typing import Any

from flowmaker.pipelines.repository.exchanges import Exchange

#: Tasks that are named of those that read an artifact, or made it; the rest is counted.
NAMED = 50


def lineage(exchanges: Iterable[Exchange]) -> list[dict[str, Any]]:
    """The artifacts, the newest first, if the exchanges are; one for each address."""
    found: dict[str, dict[str, Any]] = {}
    for exchange in exchanges:
        for side, artifacts in (("made_by", exchange.made), ("read_by", exchange.read)):
            for name, artifact in _each(artifacts):
                told = found.setdefault(artifact["uri"], _told(name, artifact, exchange))
                if side == "made_by":
                    # What its maker calls it says more than what a reader does.
                    told["name"] = name
                _add(told, side, _task(exchange, name))
    return list(found.values())


def _each(artifacts: dict[str, list[dict[str, Any]]]) -> Iterable[tuple[str, dict[str, Any]]]:
    for name, several in artifacts.items():
        for artifact in several:
            if artifact.get("uri"):
                yield name, artifact


def _told(name: str, artifact: dict[str, Any], exchange: Exchange) -> dict[str, Any]:
    kind = artifact.get("type", {}).get("schemaTitle") or "system.Artifact"
    return {
        "uri": artifact["uri"],
        "name": name,
        "type": kind,
        "at": exchange.created_at,
        "made_by": [],
        "made_by_count": 0,
        "read_by": [],
        "read_by_count": 0,
    }


def _task(exchange: Exchange, name: str) -> dict[str, Any]:
    return {
        "run_id": exchange.run_id,
        "run_name": exchange.run_name,
        "task_id": exchange.task_id,
        "task_name": exchange.task_name,
        "as": name,
        "cached_from": exchange.cached_from,
    }


def _add(told: dict[str, Any], side: str, task: dict[str, Any]) -> None:
    told[f"{side}_count"] += 1
    if len(told[side]) < NAMED:
        told[side].append(task)
