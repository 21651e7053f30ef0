"""Compiling to what KFP 1 compiled to: a `.zip` or a `.tar.gz` with the pipeline in it."""

import importlib
import tarfile
import tempfile
import zipfile
from pathlib import Path
from typing import Any

from flowmaker.compat.pipelines import OldPipeline, as_pipeline

MEMBER = "pipeline.yaml"


def compile_pipeline(
    compiler: Any,
    pipeline_func: Any,
    package_path: str,
    type_check: Any = True,  # noqa: FBT002 - its signature is KFP 1's
    pipeline_conf: Any = None,
    **options: Any,
) -> None:
    """`Compiler().compile` with KFP 1's arguments; `compiler` is the SDK's own `compile`."""
    pipeline = as_pipeline(pipeline_func)
    if pipeline_conf is not None and isinstance(pipeline, OldPipeline):
        pipeline.conf.extend(pipeline_conf)
    options["type_check"] = bool(type_check)
    path = str(package_path)
    if not path.endswith((".zip", ".tar.gz", ".tgz")):
        compiler(pipeline, path, **options)
        return
    with tempfile.TemporaryDirectory() as folder:
        written = Path(folder) / MEMBER
        compiler(pipeline, str(written), **options)
        _pack(written, path)


def _pack(written: Path, path: str) -> None:
    if path.endswith(".zip"):
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(written, MEMBER)
        return
    with tarfile.open(path, "w:gz") as archive:
        archive.add(written, MEMBER)


def string_parameters(package_path: str) -> set[str]:
    """The parameters of a package that are strings."""
    read = importlib.import_module("kfp.client.client")._extract_pipeline_yaml
    document = read(package_path).to_dict()
    spec = document.get("pipeline_spec", document)
    parameters = spec.get("root", {}).get("inputDefinitions", {}).get("parameters", {})
    return {name for name, one in parameters.items() if one.get("parameterType") == "STRING"}
