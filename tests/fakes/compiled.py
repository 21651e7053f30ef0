"""Pipelines as the real SDK compiles them."""

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import yaml
from kfp import compiler

Package = tuple[dict[str, Any], dict[str, Any]]


def compiled(pipeline: Callable[..., Any], folder: Path) -> Package:
    """The pipeline spec and the platform spec."""
    target = folder / "pipeline.yaml"
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        compiler.Compiler().compile(pipeline, str(target))
    documents = list(yaml.safe_load_all(target.read_text()))
    return documents[0], documents[1] if len(documents) > 1 else {}
