"""Small pipelines, as the KFP compiler writes them."""

from typing import Any

import yaml
from kfp import dsl, kubernetes
from kfp.compiler import Compiler


@dsl.component(base_image="python:3.11")
def greet(name: str, times: int = 1) -> str:
    return " ".join([f"hello {name}"] * times)


@dsl.component(base_image="nobody/knows:1")
def strange() -> None:
    pass


@dsl.pipeline(name="greeting")
def greeting(name: str, times: int = 2) -> None:
    greet(name=name, times=times)


@dsl.pipeline(name="greeting-with-secret")
def greeting_with_secret(name: str = "you") -> None:
    task = greet(name=name)
    kubernetes.use_secret_as_env(task, "aws-secret", {"KEY": "AWS_ACCESS_KEY_ID"})


@dsl.pipeline(name="stranger")
def stranger() -> None:
    strange()


def compiled(pipeline: Any, path: Any) -> list[dict[str, Any]]:
    """The documents of the compiled package, which is left at `path`."""
    Compiler().compile(pipeline, str(path))
    return list(yaml.safe_load_all(path.read_text()))
