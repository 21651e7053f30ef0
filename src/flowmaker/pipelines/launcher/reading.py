"""Input artifacts that are elsewhere: fetched when a component asks for their path, not before.

Those that an importer put into the run's workspace are there already.
"""

import os
from typing import Any, Dict  # noqa: UP035 - Python 3.8 has no dict[…]

_WEB = ("http://", "https://")
#: Stores that `kfp.dsl` has folders for, which nothing fills here.
_ABSENT = ("gs://", "oci://")
#: Where `kfp.dsl` looks for what is in the workspace, and its mark in an artifact's metadata.
_WORKSPACE, _MARK = "/kfp-workspace/.artifacts", "_kfp_workspace"
_FOLDERS = {"gs": "gcs"}


def teach(artifact_types: Any, executor_input: Dict[str, Any], folder: str) -> None:  # noqa: ANN401, UP006
    """Let `Artifact.path` of such an input be a file, or say why it cannot be."""
    given = executor_input.get("inputs", {}).get("artifacts", {}).values()
    inputs = [each for one in given for each in one.get("artifacts", ())]
    uris = {each.get("uri", "") for each in inputs}
    uris = {uri for uri in uris if uri.startswith(_WEB + _ABSENT)}
    if not uris and not any(_MARK in each.get("metadata", {}) for each in inputs):
        return
    original = artifact_types.Artifact._get_path  # noqa: SLF001

    def get_path(artifact: Any) -> Any:  # noqa: ANN401
        uri = artifact.uri
        if artifact.metadata.get(_MARK) is True and not getattr(artifact, "custom_path", ""):
            return _in_workspace(uri)
        if uri not in uris or getattr(artifact, "custom_path", ""):
            return original(artifact)
        if uri.startswith(_ABSENT):
            raise FileNotFoundError(
                f"Artifact {uri} is in a store that Flowmaker does not read. Copy it to s3://, or "
                "read it by its .uri with a client of your own"
            )
        return _fetched(uri, folder)

    artifact_types.Artifact._get_path = get_path  # noqa: SLF001


def _in_workspace(uri: str) -> str:
    scheme, separator, rest = uri.partition("://")
    path = f"{_FOLDERS.get(scheme, scheme)}/{rest}" if separator else uri.lstrip("/")
    return f"{_WORKSPACE}/{path}"


def _fetched(uri: str, folder: str) -> str:
    # Few tasks need them, and every fork has what is imported before.
    import shutil  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    target = os.path.join(folder, *uri.split("://", 1))  # noqa: PTH118
    if not os.path.exists(target):  # noqa: PTH110
        os.makedirs(os.path.dirname(target), exist_ok=True)  # noqa: PTH103, PTH120
        part = target + ".part"
        # It is http or https, by `get_path`.
        with urllib.request.urlopen(uri, timeout=60) as answer, open(part, "wb") as file:  # noqa: PTH123, S310
            shutil.copyfileobj(answer, file)
        os.replace(part, target)  # noqa: PTH105
    return target
