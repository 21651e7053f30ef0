"""Reading what a pipeline was compiled to: YAML or JSON, plain or in a .zip or .tar.gz.

A package is a PipelineSpec and, when it says something about Kubernetes, a PlatformSpec: two YAML
documents, or one document with both. What comes in is somebody else's: its size is bounded before
and after it is unpacked, and so are how deep it nests and how far its YAML aliases unfold.
"""

import gzip
import io
import json
import tarfile
import zipfile
import zlib
from typing import Any, cast

import yaml
from yaml import CSafeLoader

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir.deprecated import pipeline_spec as modern
from flowmaker.pipelines.ir.documents import DEEPEST, LIMIT, MEGABYTES, check, too_deep
from flowmaker.pipelines.records.catalog import Document

#: Keys, scalars, lists and objects in YAML: about 70 for each task with a component of its own.
MOST_VALUES = 1_000_000
#: Files in an archive.
MOST_FILES = 1000
#: A tar's own headers and padding, over what is in it.
TAR_OVERHEAD = 2 * 1024 * 1024

PREFERRED = ("pipeline.yaml", "pipeline.yml", "pipeline.json")
PIPELINE_FILES = (".yaml", ".yml", ".json")

Package = tuple[Document, Document]


def read(content: bytes) -> Package:
    """The pipeline spec and the platform spec (empty when there is none) of a package.

    Raises:
        InvalidInput: it is no package, or over a limit.
    """
    if len(content) > LIMIT:
        raise InvalidInput(f"The package is larger than {MEGABYTES}.")
    if content.startswith(b"PK"):
        content = _from_zip(content)
    elif content.startswith(b"\x1f\x8b"):
        content = _from_tar(content)
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise InvalidInput(
            "The package is no text in UTF-8, no .zip and no .tar.gz. Send what the KFP compiler"
            " wrote."
        ) from error
    documents = [document for document in _documents(text) if document is not None]
    for document in documents:
        check(document, "The package")
    return _package(documents)


def split(document: Document) -> Package:
    """The two specs of one document, as kfp.Client sends it: a spec alone, or both.

    The document must have passed `documents.check`.
    """
    return _package([document])


def _package(documents: list[Any]) -> Package:
    if not documents:
        raise InvalidInput("The package is empty.")
    if not all(isinstance(document, dict) for document in documents):
        raise InvalidInput("The package is no pipeline: each of its documents must be an object.")
    first, *others = cast("list[dict[str, Any]]", documents)
    if len(others) > 1:
        raise InvalidInput(
            f"The package has {len(documents)} documents; at most two are allowed: a pipeline spec"
            " and a platform spec."
        )
    pipeline_spec: Any = first
    platform_spec: Any = others[0] if others else {}
    for outer, platform in (("pipeline_spec", "platform_spec"), ("pipelineSpec", "platformSpec")):
        if outer in first:
            if others or first.keys() - {outer, platform}:
                raise InvalidInput(f"The package has more than {outer} and {platform} in it.")
            pipeline_spec, platform_spec = first[outer], first.get(platform) or {}
            break
    if not isinstance(pipeline_spec, dict) or not isinstance(platform_spec, dict):
        raise InvalidInput("The package's pipeline spec and platform spec must be objects.")
    pipeline_spec = cast("dict[str, Any]", pipeline_spec)
    _refuse_others(pipeline_spec)
    return modern(pipeline_spec), cast("dict[str, Any]", platform_spec)


def _refuse_others(document: Document) -> None:
    """Say so when it is something else that people have."""
    if str(document.get("apiVersion", "")).startswith("argoproj.io/"):
        raise InvalidInput(
            "This is an Argo Workflow, which KFP SDK 1.x compiled to. Compile the pipeline with"
            " KFP SDK 2.x; its program may stay as it is: flowmaker exec --kfp1 -- python FILE."
        )
    if "implementation" in document:
        raise InvalidInput(
            "This is a component's YAML, not a pipeline's. Load it with"
            " kfp.components.load_component_from_file and compile a pipeline that uses it."
        )


def _documents(text: str) -> list[Any]:
    if text.lstrip().startswith("{"):
        try:
            return [json.loads(text)]
        except RecursionError as error:
            raise too_deep("The package") from error
        except ValueError:
            pass  # a YAML document may begin so too
    try:
        _check_shape(text)
        return list(yaml.load_all(text, Loader=_Loader))
    except yaml.YAMLError as error:
        raise InvalidInput(f"The package is not YAML: {_one_line(error)}") from error
    except (RecursionError, ValueError) as error:
        raise InvalidInput(f"The package is not YAML that means JSON: {error}") from error


class _Loader(CSafeLoader):
    """Safe YAML in which what looks like a date is a string, as it is to KFP."""


_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if not tag.endswith(":timestamp")]
    for first, resolvers in CSafeLoader.yaml_implicit_resolvers.items()
}


def _check_shape(text: str) -> None:
    """Before it is loaded: libyaml recurses on the C stack, and a node takes a kilobyte.

    Either would end the whole server.
    """
    depth = 0
    for count, event in enumerate(cast("Any", yaml).parse(text, Loader=CSafeLoader)):
        if count > MOST_VALUES:
            raise InvalidInput(f"The package has more than {MOST_VALUES} values. Send it as JSON.")
        if isinstance(event, (yaml.MappingStartEvent, yaml.SequenceStartEvent)):
            depth += 1
            if depth > DEEPEST:
                raise too_deep("The package")
        elif isinstance(event, (yaml.MappingEndEvent, yaml.SequenceEndEvent)):
            depth -= 1


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())


def _from_zip(content: bytes) -> bytes:
    try:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            entries = [entry for entry in archive.infolist() if not entry.is_dir()]
            name = _choose([entry.filename for entry in entries])
            with archive.open(name) as file:
                return _bounded(file.read(LIMIT + 1))
    except (zipfile.BadZipFile, RuntimeError, EOFError, zlib.error, OSError, ValueError) as error:
        raise InvalidInput(f"The package's .zip cannot be read: {error}") from error


def _from_tar(content: bytes) -> bytes:
    try:
        # Unpacked in one bounded step: a tar is read past what is not wanted, however much it is.
        with gzip.open(io.BytesIO(content)) as stream:
            tar = stream.read(LIMIT + TAR_OVERHEAD + 1)
        if len(tar) > LIMIT + TAR_OVERHEAD:
            raise InvalidInput(f"The package's .tar.gz unpacks to more than {MEGABYTES}.")
        with tarfile.open(fileobj=io.BytesIO(tar), mode="r:") as archive:
            members = {member.name: member for member in archive if member.isreg()}
            file = archive.extractfile(members[_choose(list(members))])
            assert file is not None, "a regular file"
            return _bounded(file.read(LIMIT + 1))
    except (tarfile.TarError, EOFError, zlib.error, OSError, ValueError) as error:
        raise InvalidInput(f"The package's .tar.gz cannot be read: {error}") from error


def _choose(names: list[str]) -> str:
    """Which file of an archive is the pipeline."""
    if len(names) > MOST_FILES:
        raise InvalidInput(f"The package has more than {MOST_FILES} files.")
    for preferred in PREFERRED:
        if preferred in names:
            return preferred
    pipelines = [name for name in names if name.endswith(PIPELINE_FILES)]
    if len(pipelines) != 1:
        raise InvalidInput(
            f"The package must hold pipeline.yaml, or exactly one .yaml, .yml or .json file; it"
            f" holds {len(pipelines)} of those."
        )
    return pipelines[0]


def _bounded(content: bytes) -> bytes:
    if len(content) > LIMIT:
        raise InvalidInput(f"The package unpacks to more than {MEGABYTES}.")
    return content
