"""What other clients send, and what nobody should: the API over plain HTTP."""

import json
from collections.abc import Iterator
from typing import Any

import httpx
import pytest

from flowmaker.pipelines.ir.documents import LIMIT
from flowmaker.pipelines.repository import listing
from flowmaker.pipelines.repository.conditions import Order, Query
from tests.fakes.kfp_api import KfpApi, serving
from tests.fakes.kfp_pipelines import compiled, greeting

CREATED = Order(column="created_at")


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KfpApi]:
    with serving(tmp_path_factory.mktemp("kfp")) as api:
        yield api


@pytest.fixture
def http(api: KfpApi) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=api.url + "/apis/v2beta1", trust_env=False) as client:
        yield client


@pytest.fixture(scope="module")
def spec(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    return compiled(greeting, tmp_path_factory.mktemp("package") / "pipeline.yaml")[0]


def refused(response: httpx.Response, status: int, code: int, says: str) -> None:
    body = response.json()
    assert (response.status_code, body["code"]) == (status, code), body
    assert says in body["message"]
    assert body["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.Status",
            "code": code,
            "message": body["message"],
        }
    ]


def refused_upload(response: httpx.Response, status: int, says: str) -> None:
    assert response.status_code == status, response.text
    assert set(response.json()) == {"error_message", "error_details"}
    assert says in response.json()["error_message"]


def test_a_run_with_nothing_but_a_spec_goes_to_the_default_experiment(
    http: httpx.Client, spec: dict[str, Any]
) -> None:
    body = {
        "display_name": "bare",
        "pipeline_spec": spec,
        "runtime_config": {"parameters": {"name": "x"}},
    }
    first = http.post("/runs", json=body).json()
    second = http.post("/runs", json=body).json()
    assert first["experiment_id"] == second["experiment_id"]
    experiment = http.get(f"/experiments/{first['experiment_id']}").json()
    assert experiment["display_name"] == "Default"
    assert experiment["last_run_created_at"] == second["created_at"]
    assert second["scheduled_at"] == second["created_at"]
    assert second["created_at"].endswith("Z")
    assert (
        http.get(f"/runs/{first['run_id']}", params={"experiment_id": "other"}).status_code == 404
    )


def test_lists_do_not_carry_specs(http: httpx.Client, spec: dict[str, Any]) -> None:
    body = {
        "displayName": "listed",
        "pipelineSpec": spec,
        "runtimeConfig": {"parameters": {"name": "x"}},
    }
    made = http.post("/runs", json=body).json()
    listed = http.get("/runs", params={"page_size": 200}).json()
    (found,) = [run for run in listed["runs"] if run["run_id"] == made["run_id"]]
    assert made.pop("pipeline_spec")
    assert found == made


@pytest.mark.parametrize(
    ("path", "body", "says"),
    [
        ("/experiments", {}, "display_name is missing"),
        ("/experiments", {"display_name": "x", "colour": "red"}, "unknown field 'colour'"),
        ("/experiments", {"display_name": ["x"]}, "must be a string"),
        ("/experiments", [], "must be a JSON object"),
        ("/pipelines", {"name": "x", "tags": {"a": 1}}, "the tag 'a' must be a string"),
        ("/runs", {"display_name": "x"}, "exactly one of"),
        ("/runs", {"display_name": "x", "pipeline_spec": {}}, "pipelineInfo.name"),
        ("/runs", {"display_name": "x", "pipeline_spec": {"root": 7}}, "not a valid PipelineSpec"),
        ("/runs", {"display_name": "x", "pipeline_spec": {"colour": 7}}, "colour"),
    ],
)
def test_a_wrong_body_is_an_invalid_argument(
    http: httpx.Client, path: str, body: Any, says: str
) -> None:
    refused(http.post(path, json=body), 400, 3, says)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"\xff\xfe",
        b'{"display_name": NaN}',
        b'{"display_name": 1e999}',
        b'{"display_name": 1' + b"0" * 400 + b"}",
        b'{"display_name": 1' + b"0" * 9999 + b"}",
        b'{"display_name": "\\ud800"}',
        b'{"\\ud800": 1}',
        b"[" * 300_000,
        b'{"a":' * 300_000,
        b'{"a":' * 300 + b"1" + b"}" * 300,
    ],
    ids=lambda content: f"{content[:20]!r} of {len(content)}",
)
def test_what_is_no_json_is_an_invalid_argument(http: httpx.Client, content: bytes) -> None:
    refused(http.post("/runs", content=content), 400, 3, "The body")
    refused(http.post("/experiments", content=content), 400, 3, "The body")


def test_a_deep_parameter_is_refused(http: httpx.Client, spec: dict[str, Any]) -> None:
    deep = "[" * 500 + "]" * 500
    body = json.dumps(
        {
            "display_name": "deep",
            "pipeline_spec": spec | {"root": "@"},
            "runtime_config": {"parameters": {"name": "x"}},
        }
    ).replace('"@"', deep)
    refused(http.post("/runs", content=body), 400, 3, "nests deeper")


@pytest.mark.parametrize("path", ["/runs", "/pipelines/upload?name=big"])
def test_a_body_over_the_limit_is_refused_with_words(http: httpx.Client, path: str) -> None:
    big = b" " * (LIMIT + 1)
    if "upload" in path:
        refused_upload(http.post(path, files={"uploadfile": ("p.yaml", big)}), 400, "32 MiB")
        bigger = {"uploadfile": ("p.yaml", big + big)}
        refused_upload(http.post(path, files=bigger), 413, "32 MiB")
    else:
        refused(http.post(path, content=big), 413, 3, "32 MiB")


def test_uploads_that_are_none(http: httpx.Client, api: KfpApi) -> None:
    file = {"uploadfile": ("p.yaml", b"root: {}")}
    upload = "/pipelines/upload"
    refused_upload(http.post(upload, json={}), 400, "multipart/form-data")
    refused_upload(
        http.post(upload, content=b"x", headers={"content-type": "multipart/form-data"}),
        400,
        "boundary",
    )
    refused_upload(http.post(upload, files={"file": ("p.yaml", b"x")}), 400, "'uploadfile'")
    refused_upload(http.post(upload, files=file), 400, "pipelineInfo.name")
    refused_upload(http.post(upload, files=file, params={"tags": "a=b"}), 400, "not JSON")
    refused_upload(http.post(upload, files=file, params={"colour": "red"}), 400, "'colour'")
    refused_upload(http.post("/pipelines/upload_version", files=file), 400, "'pipelineid'")
    refused_upload(
        http.post("/pipelines/upload_version", files=file, params={"pipelineid": "none"}),
        404,
        "'none'",
    )
    nothing = api.database.read_now(listing.list_pipelines, Query(order=CREATED, size=1))
    assert nothing.total == 0


def test_a_pipeline_by_its_name(http: httpx.Client, spec: dict[str, Any]) -> None:
    made = http.post("/pipelines", json={"name": "a/b c", "namespace": "ignored"}).json()
    assert http.get("/pipelines/names/a%2Fb%20c").json() == made
    run = {"display_name": "x", "pipeline_version_reference": {"pipeline_id": made["pipeline_id"]}}
    refused(http.post("/runs", json=run), 400, 9, "has no version")
    refused(http.get("/pipelines/names/none"), 404, 5, "'none'")
    refused(http.post("/pipelines", json={"name": "a/b c"}), 409, 6, "'a/b c'")
    assert http.delete(f"/pipelines/{made['pipeline_id']}").json() == {}


def test_pipelines_and_versions_are_shown_under_a_new_name(
    http: httpx.Client, spec: dict[str, Any]
) -> None:
    package = {"uploadfile": ("p.json", json.dumps(spec).encode())}
    made = http.post("/pipelines/upload", files=package, params={"name": "named"}).json()
    one = f"/pipelines/{made['pipeline_id']}"
    changed = http.patch(one, json={"display_name": "Shown"}).json()
    assert changed == made | {"display_name": "Shown"}
    assert http.get(one).json() == changed
    (version,) = http.get(one + "/versions").json()["pipeline_versions"]
    of_version = f"{one}/versions/{version['pipeline_version_id']}"
    assert http.patch(of_version, json={"display_name": "V"}).json()["display_name"] == "V"
    assert http.get(of_version).json()["name"] == version["name"]
    refused(http.patch(one, json={"description": "x"}), 400, 3, "'description'")
    refused(http.patch(one, json={}), 400, 3, "display_name")
    refused(http.patch("/pipelines/none", json={"display_name": "x"}), 404, 5, "'none'")
    assert http.delete(one, params={"cascade": "true"}).json() == {}


@pytest.mark.parametrize(
    ("method", "path", "says"),
    [
        ("POST", "/visualizations/ns", "visualization"),
        ("POST", "/workflows", "Argo"),
    ],
)
def test_what_is_not_served_is_refused_by_name(
    http: httpx.Client, method: str, path: str, says: str
) -> None:
    refused(http.request(method, path), 501, 12, says)


def test_the_old_api_says_which_sdk_to_use(api: KfpApi) -> None:
    for method, path in (("GET", "healthz"), ("POST", "pipelines/upload"), ("GET", "runs/x")):
        response = httpx.request(method, f"{api.url}/apis/v1beta1/{path}", trust_env=False)
        refused(response, 501, 12, "KFP SDK 2.x")


def test_paths_and_methods_that_are_none(http: httpx.Client) -> None:
    refused(http.get("/nothing"), 404, 5, "/nothing")
    refused(http.post("/runs/x"), 501, 12, "POST")
    refused(http.get("/runs", params={"page_sise": 1}), 400, 3, "'page_sise'")
    refused(http.get("/runs", params={"page_size": -1}), 400, 3, "page_size")
    surrogate = '{"predicates":[{"operation":1,"key":"name","stringValue":"\\ud800"}]}'
    refused(http.get("/runs", params={"filter": surrogate}), 400, 3, "Unicode")
    refused(http.get("/runs?page_size=1&pageSize=1"), 400, 3, "twice")
    refused(http.delete("/pipelines/x?cascade=maybe"), 400, 3, "'cascade'")
    refused(http.get("/pipelines/none/versions"), 404, 5, "'none'")


def test_what_goes_wrong_inside_stays_inside(
    http: httpx.Client, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("the secret reason")

    monkeypatch.setattr(listing, "list_runs", broken)
    response = http.get("/runs")
    refused(response, 500, 13, "Something went wrong")
    assert "secret" not in response.text
    assert "the secret reason" in caplog.text
