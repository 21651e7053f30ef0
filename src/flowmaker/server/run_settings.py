"""What the steps of a pipeline are given by the rest of the house."""

import base64
from collections.abc import Mapping, Sequence

from flowmaker import ids
from flowmaker.kubernetes import repository as kubernetes_objects
from flowmaker.kubernetes.records import CONFIG_MAP, SECRET
from flowmaker.pipelines.controllers.settings import RunSettings
from flowmaker.server.claims import Claims
from flowmaker.server.effects import SageMakerEffects
from flowmaker.server.ground import Ground
from flowmaker.server.worker import REGION, Worker


def run_settings(ground: Ground, worker: Worker) -> RunSettings:
    async def secret(namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = await ground.database.read(kubernetes_objects.get, SECRET, namespace, name)
        if found is None:
            return None
        return {key: base64.b64decode(text) for key, text in found.document["data"].items()}

    async def config_map(namespace: str, name: str) -> Mapping[str, bytes] | None:
        found = await ground.database.read(kubernetes_objects.get, CONFIG_MAP, namespace, name)
        if found is None:
            return None
        texts: Mapping[str, str] = found.document.get("data", {})
        binaries: Mapping[str, str] = found.document.get("binaryData", {})
        return {key: text.encode() for key, text in texts.items()} | {
            key: base64.b64decode(text) for key, text in binaries.items()
        }

    async def places(kind: str, name: str) -> Sequence[str]:
        return await ground.database.read(kubernetes_objects.namespaces_of, kind, name)

    claims = Claims(
        database=ground.database,
        hints=ground.hints,
        clock=ground.clock,
        volumes=ground.folder.volumes,
    )
    return RunSettings(
        worker_environment=worker.environment,
        secret=secret,
        config_map=config_map,
        claim=claims.folder,
        make_claim=claims.make,
        remove_claim=claims.remove,
        claims=claims.all,
        places=places,
        endpoint=ground.url,
        hidden=ground.folder.secrets,
        owner=ids.ACCOUNT,
        region=REGION,
        effects=SageMakerEffects(database=ground.database, account=ids.ACCOUNT, region=REGION),
        asked_for_identity=worker.was_asked,
        room=ground.task_room,
    )
