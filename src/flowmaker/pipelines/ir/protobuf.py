"""KFP's own protobuf messages, as the judge of what is well-formed IR."""

import importlib.metadata
import importlib.util
from functools import cache, reduce
from types import ModuleType
from typing import Any, cast

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.records.catalog import Document


def canonical(document: Document, message: str, where: str) -> dict[str, Any]:
    """`document` with the names that proto3 JSON gives its fields, when it is a `message`.

    Raises:
        InvalidInput: it has a field that the message lacks, or a value of another type.
    """
    from google.protobuf import json_format  # noqa: PLC0415 - 50 ms, for the first run only

    shape: Any = reduce(getattr, message.split("."), cast("Any", _messages()))()
    try:
        json_format.ParseDict(dict(document), shape)
    except json_format.ParseError as error:
        raise InvalidInput(f"{where} is not a valid {message}: {error}") from None
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"{where} is not a valid {message}: {error}") from None
    return json_format.MessageToDict(shape)


@cache
def _messages() -> ModuleType:
    """The generated module, by its file.

    Importing it by its name would import the package `kfp` that it lives in: where the SDK is
    installed too, that is the whole SDK, most of a second.
    """
    file = importlib.metadata.distribution("kfp-pipeline-spec").locate_file(
        "kfp/pipeline_spec/pipeline_spec_pb2.py"
    )
    spec = importlib.util.spec_from_file_location("_kfp_pipeline_spec_pb2", str(file))
    assert spec is not None, file
    assert spec.loader is not None, file
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
