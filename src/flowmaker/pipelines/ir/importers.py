"""Importers (dsl.importer): executors that run nothing, and only say where an artifact is."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any
from urllib.parse import unquote, urlsplit

from flowmaker.errors import InvalidInput, Unsupported
from flowmaker.pipelines.ir.deprecated import constant_of
from flowmaker.pipelines.records.catalog import Document

#: What the SDK leaves of f"{parameter}" where it expects none.
_UNFILLED = "{{channel:"


@dataclass(frozen=True, kw_only=True, slots=True)
class Importer:
    """ImporterSpec."""

    #: The one output of its component.
    output: str
    #: Where the artifact is: known when it was compiled, or the input that says it.
    uri: str
    uri_parameter: str
    #: KFP's ArtifactTypeSchema.
    type: Document
    #: With placeholders in its keys and values.
    metadata: Document
    #: The pipeline's workspace gets a copy.
    to_workspace: bool


def importer_of(document: Document, component: Document) -> Importer:
    """The importer that an ExecutorSpec's `importer` is."""
    source: Mapping[str, Any] = document.get("artifactUri", {})
    uri = constant_of(source)
    return Importer(
        output=next(iter(component.get("outputDefinitions", {}).get("artifacts", {})), ""),
        uri=uri if isinstance(uri, str) else "",
        uri_parameter=source.get("runtimeParameter", ""),
        type=document.get("typeSchema", {}),
        metadata=document.get("metadata", {}),
        to_workspace=document.get("downloadToWorkspace", False),
    )


def located(uri: str) -> str:
    """`uri`, as `kfp.dsl` understands it: what is on this machine is a plain path.

    Raises:
        InvalidInput: it is neither a URI nor an absolute path, or not filled in.
        Unsupported: it is in a registry of images.
    """
    if _UNFILLED in uri:
        raise InvalidInput(
            f"Artifact {uri!r}: the SDK does not fill in values in an importer's artifact_uri. "
            "Give it a parameter or a task's output that is the whole URI"
        )
    scheme = urlsplit(uri).scheme
    if scheme == "oci":
        raise Unsupported(
            f"Artifact {uri!r}: Flowmaker pulls no images. Import the model's files from s3://, "
            "https:// or a path of this machine"
        )
    if scheme == "file":
        uri = unquote(urlsplit(uri).path)
    if not uri:
        raise InvalidInput("The importer has no artifact_uri")
    if not urlsplit(uri).scheme and not PurePosixPath(uri).is_absolute():
        raise InvalidInput(
            f"Artifact {uri!r} is neither a URI nor an absolute path of the machine that runs it"
        )
    return uri
