"""Pods for kubectl: the processes of pipelines' tasks."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from flowmaker.executors.executor import Observation
from flowmaker.kubernetes.pods import Mark, Pod, Scope
from flowmaker.pipelines.api.logs import NodeRoutes
from flowmaker.pipelines.records.run import RuntimeState
from flowmaker.pipelines.repository import started
from flowmaker.pipelines.repository.started import Among, Started
from flowmaker.store.database import Database, Transaction

#: Where the runs of a single user are, whose namespace has no name: their tasks see it so, too.
NAMESPACE = "kubeflow"
_PHASES = {
    RuntimeState.PENDING: "Pending",
    RuntimeState.SUCCEEDED: "Succeeded",
    RuntimeState.SKIPPED: "Succeeded",
    RuntimeState.FAILED: "Failed",
    RuntimeState.CANCELED: "Failed",
}


@dataclass(frozen=True, kw_only=True, slots=True)
class TaskPods:
    """Implements `PodSource`."""

    database: Database
    nodes: NodeRoutes
    #: What is known of a process, by its id.
    observe: Callable[[str], Awaitable[Observation]]

    async def page(self, scope: Scope, size: int, after: str) -> tuple[Sequence[Pod], str] | None:
        found = await self.database.read(started.page, _among(scope), size + 1, after)
        if found is None:
            return None
        shown = found[:size]
        following = shown[-1].task_id if len(found) > size else ""
        return [await self._pod(each) for each in shown], following

    async def named(self, names: Iterable[str]) -> Mapping[str, Pod]:
        found = await self.database.read(started.by_process, names)
        return {each.process_id: await self._pod(each) for each in found}

    async def marks(self, scope: Scope) -> Mapping[str, Mark]:
        return await self.database.read(_marks, _among(scope))

    async def log(self, name: str, run_id: str) -> tuple[Path | None, AsyncIterator[bytes]]:
        return await self.nodes.log_of_pod(run_id, name)

    async def _pod(self, task: Started) -> Pod:
        exit_code = 0 if task.state is RuntimeState.SUCCEEDED else None
        outcome = None
        if task.state in (RuntimeState.FAILED, RuntimeState.CANCELED):
            outcome = (await self.observe(task.process_id)).outcome
            exit_code = _as_shells_tell(outcome.exit_code) if outcome else None
        return Pod(
            name=task.process_id,
            mark=_mark(task.namespace, task.run_id, task.state),
            task_id=task.task_id,
            task=task.display_name or task.name,
            created_at=task.created_at,
            started_at=task.started_at,
            ended_at=task.ended_at,
            exit_code=exit_code,
            out_of_memory=outcome is not None and outcome.reason == "memory",
            message=task.error,
        )


def _as_shells_tell(exit_code: int) -> int:
    """As Kubernetes shows it: 128 + n when signal n ended the process."""
    return exit_code if exit_code >= 0 else 128 - exit_code


def _marks(tx: Transaction, among: Among) -> dict[str, Mark]:
    """They may be many, and most are alike: each is made once."""
    made: dict[tuple[str, str, RuntimeState], Mark] = {}
    told: dict[str, Mark] = {}
    for name, namespace, run_id, state in started.states(tx, among):
        alike = (namespace, run_id, state)
        if alike not in made:
            made[alike] = _mark(namespace, run_id, state)
        told[name] = made[alike]
    return told


def _mark(namespace: str, run_id: str, state: RuntimeState) -> Mark:
    phase = _PHASES.get(state, "Running")
    return Mark(namespace=namespace or NAMESPACE, run_id=run_id, phase=phase)


def _among(scope: Scope) -> Among:
    own = ("",) if scope.namespace == NAMESPACE else ()
    namespaces = (scope.namespace, *own) if scope.namespace else ()
    return Among(namespaces=namespaces, run_id=scope.run_id)
