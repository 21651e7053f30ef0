"""Input artifacts that are elsewhere: fetched when a component asks for their path, not before."""

import os
import shutil
import urllib.request
from typing import Any, Dict, Set  # noqa: UP035 - Python 3.8 has no dict[…]

_WEB = ("http://", "https://")
#: Stores that `kfp.dsl` has folders for, which nothing fills here.
_ABSENT = ("gs://", "oci://")


def teach(artifact_types: Any, executor_input: Dict[str, Any], folder: str) -> None:  # noqa: ANN401, UP006
    """Let `Artifact.path` of such an input be a file, or say why it cannot be."""
    uris = _elsewhere(executor_input)
    if not uris:
        return
    original = artifact_types.Artifact._get_path  # noqa: SLF001

    def get_path(artifact: Any) -> Any:  # noqa: ANN401
        uri = artifact.uri
        if uri not in uris or getattr(artifact, "custom_path", ""):
            return original(artifact)
        if uri.startswith(_ABSENT):
            raise FileNotFoundError(
                f"Artifact {uri} is in a store that Flowmaker does not read. Copy it to s3://, or "
                "read it by its .uri with a client of your own"
            )
        return _fetched(uri, folder)

    artifact_types.Artifact._get_path = get_path  # noqa: SLF001


def _elsewhere(executor_input: Dict[str, Any]) -> Set[str]:  # noqa: UP006
    inputs = executor_input.get("inputs", {}).get("artifacts", {})
    uris = {each.get("uri", "") for one in inputs.values() for each in one.get("artifacts", ())}
    return {uri for uri in uris if uri.startswith(_WEB + _ABSENT)}


def _fetched(uri: str, folder: str) -> str:
    target = os.path.join(folder, *uri.split("://", 1))  # noqa: PTH118
    if not os.path.exists(target):  # noqa: PTH110
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        part = target + ".part"
        # It is http or https, by `_elsewhere`.
        with urllib.request.urlopen(uri, timeout=60) as answer, open(part, "wb") as file:  # noqa: PTH123, S310
            shutil.copyfileobj(answer, file)
        os.replace(part, target)  # noqa: PTH105
    return target
