"""A container of several models: what it answers when they are loaded, asked and unloaded."""

import json
from pathlib import Path
from typing import Any

import pytest

from flowmaker.sagemaker.frameworks import serving
from flowmaker.sagemaker.serving.model import Answer
from flowmaker.sagemaker.serving.server import MultiModelServer

SCRIPT = """
import pathlib
def model_fn(model_dir):
    return pathlib.Path(model_dir, "number").read_text()
def input_fn(body, content_type):
    return body
def predict_fn(data, model):
    return NAME + model + data
def output_fn(prediction, accept):
    return prediction
"""


class Named:
    """Answers with the name of its folder."""

    def __init__(self, folder: Path) -> None:
        if folder.name == "large":
            raise MemoryError
        if folder.name == "broken":
            raise ValueError("no such format")
        self._name = folder.name

    def predict(self, body: bytes, content_type: str, accept: str) -> Answer:
        return Answer(self._name.encode() + body, "text/plain")


async def ask(app: Any, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
    """Status and body of the answer."""
    sent: list[Any] = []

    async def receive() -> Any:
        return {"type": "http.request", "body": body}

    async def send(message: Any) -> None:
        sent.append(message)

    scope = {"type": "http", "method": method, "path": path, "headers": []}
    await app(scope, receive, send)
    return sent[0]["status"], sent[1]["body"]


async def load(app: Any, name: str, url: str) -> int:
    message = json.dumps({"model_name": name, "url": url}).encode()
    return (await ask(app, "POST", "/models", message))[0]


async def test_models_come_and_go() -> None:
    app = MultiModelServer(Named)
    assert await ask(app, "GET", "/ping") == (200, b"")
    assert await load(app, "a", "/models/first") == 200
    assert await load(app, "a", "/models/first") == 409
    assert await ask(app, "POST", "/models/a/invoke", b"!") == (200, b"first!")
    _, body = await ask(app, "GET", "/models")
    assert json.loads(body) == {"models": [{"modelName": "a", "modelUrl": "/models/first"}]}
    assert (await ask(app, "GET", "/models/a"))[0] == 200
    assert (await ask(app, "DELETE", "/models/a"))[0] == 200
    for method, path in (("POST", "/models/a/invoke"), ("GET", "/models/a"), ("PUT", "/models")):
        assert (await ask(app, method, path, b"!"))[0] == 404


@pytest.mark.parametrize(("name", "status"), [("large", 507), ("broken", 500)])
async def test_what_cannot_be_loaded_is_not_there(name: str, status: int) -> None:
    app = MultiModelServer(Named)
    assert await load(app, "a", f"/models/{name}") == status
    assert (await ask(app, "POST", "/models/a/invoke", b"!"))[0] == 404


async def test_scripts_of_several_models_are_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SAGEMAKER_BASE_DIR", str(tmp_path))
    monkeypatch.setenv("SAGEMAKER_PROGRAM", "own_of_several.py")
    monkeypatch.setenv("SAGEMAKER_SUBMIT_DIRECTORY", "/opt/ml/model/code")
    for name in ("a", "b"):
        code = tmp_path / "models" / name / "code"
        code.mkdir(parents=True)
        (code / "own_of_several.py").write_text(f"NAME = '{name}'\n{SCRIPT}")
        (code.parent / "number").write_text("1")
    app = MultiModelServer(lambda folder: serving.one_of_several("scikit-learn", folder))
    for name in ("a", "b"):
        assert await load(app, name, str(tmp_path / "models" / name)) == 200
    for name in ("a", "b"):
        answer = await ask(app, "POST", f"/models/{name}/invoke", b"!")
        assert answer == (200, f"{name}1!".encode())
