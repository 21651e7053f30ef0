"""What `kubectl describe pvc` asks for: the pods that have a claim mounted.

There are no pods, so discovery does not name them; a task that runs with a claim is told as one.
"""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from flowmaker.kubernetes import repository
from flowmaker.kubernetes.records import PERSISTENT_VOLUME_CLAIM
from flowmaker.kubernetes.volumes import Held
from flowmaker.store.database import Database


@dataclass(frozen=True, slots=True)
class Pods:
    """The handler of one list."""

    database: Database
    held: Held

    async def list(self, request: Request) -> Response:
        namespace = request.path_params["namespace"]
        kind = PERSISTENT_VOLUME_CLAIM
        claims = await self.database.read(repository.listing, kind, namespace)
        version = str(await self.database.read(repository.version))
        holders = await self.held(claim.uid for claim in claims)
        pods: dict[str, dict[str, Any]] = {}
        for claim in claims:
            for name in holders.get(claim.uid, ()):
                pod = pods.setdefault(name, _pod(namespace, name))
                source = {"claimName": claim.name}
                pod["spec"]["volumes"].append({"name": claim.name, "persistentVolumeClaim": source})
        return JSONResponse(
            {
                "kind": "PodList",
                "apiVersion": "v1",
                "metadata": {"resourceVersion": version},
                "items": [*pods.values()],
            }
        )


def _pod(namespace: str, name: str) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"containers": [], "volumes": []},
        "status": {"phase": "Running"},
    }
