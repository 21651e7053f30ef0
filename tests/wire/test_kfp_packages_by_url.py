"""Packages that are named by a URL, through the generated client; and who may do what."""

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import kfp_server_api as api
import pytest
from kfp_server_api import ApiException

from flowmaker.pipelines.ir.documents import LIMIT
from tests.fakes.kfp_api import serving
from tests.fakes.kfp_pipelines import compiled, greeting


class _Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments: object) -> None:
        del arguments

    def do_GET(self) -> None:
        if self.path == "/moved.yaml":
            self.send_response(302)
            self.send_header("Location", "/pipeline.yaml")
            self.end_headers()
        else:
            super().do_GET()


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """A web server with packages on it; its URL."""
    folder = tmp_path_factory.mktemp("packages")
    compiled(greeting, folder / "pipeline.yaml")
    (folder / "page.html").write_text("<html>no package</html>")
    with (folder / "large.yaml").open("wb") as file:
        file.truncate(LIMIT + 1)
    handler = functools.partial(_Quiet, directory=str(folder))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def client(tmp_path_factory: pytest.TempPathFactory) -> Iterator[api.ApiClient]:
    with serving(tmp_path_factory.mktemp("kfp")) as running:
        yield api.ApiClient(api.Configuration(host=running.url))


@pytest.fixture
def pipelines(client: api.ApiClient) -> Any:
    return api.PipelineServiceApi(client)


def version(url: str, **fields: Any) -> api.V2beta1PipelineVersion:
    return api.V2beta1PipelineVersion(package_url=api.V2beta1Url(pipeline_url=url), **fields)


def test_a_pipeline_and_its_versions_are_made_of_urls(
    pipelines: Any, packages: str, tmp_path: Path
) -> None:
    (spec,) = compiled(greeting, tmp_path / "same.yaml")
    made = pipelines.pipeline_service_create_pipeline_and_version(
        api.V2beta1CreatePipelineAndVersionRequest(
            pipeline=api.V2beta1Pipeline(name="by-url", display_name="By URL"),
            pipeline_version=version(f"{packages}/pipeline.yaml"),
        )
    )
    assert (made.name, made.display_name) == ("by-url", "By URL")
    second = pipelines.pipeline_service_create_pipeline_version(
        made.pipeline_id, version(f"{packages}/moved.yaml", name="v2", description="again")
    )
    listed = pipelines.pipeline_service_list_pipeline_versions(made.pipeline_id)
    assert [each.name for each in listed.pipeline_versions] == ["by-url", "v2"]
    got = pipelines.pipeline_service_get_pipeline_version(
        made.pipeline_id, second.pipeline_version_id
    )
    assert got.pipeline_spec == spec
    assert got.package_url.pipeline_url == f"{packages}/moved.yaml"
    assert got.description == "again"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("{}/absent.yaml", "404"),
        ("{}/page.html", "pipeline"),
        ("{}/large.yaml", "larger than 32 MiB"),
        ("http://127.0.0.1:1/x.yaml", "cannot be fetched"),
        ("gs://bucket/x.yaml", "must be an http"),
        ("http://[/x", "cannot be fetched"),
        ("", "must be an http"),
    ],
)
def test_what_cannot_be_had_is_refused_and_nothing_is_made(
    pipelines: Any, packages: str, path: str, says: str
) -> None:
    with pytest.raises(ApiException) as refused:
        pipelines.pipeline_service_create_pipeline_and_version(
            api.V2beta1CreatePipelineAndVersionRequest(
                pipeline=api.V2beta1Pipeline(name="never"),
                pipeline_version=version(path.format(packages)),
            )
        )
    assert refused.value.status == 400
    assert says in refused.value.body
    with pytest.raises(ApiException) as absent:
        pipelines.pipeline_service_get_pipeline_by_name("never")
    assert absent.value.status == 404


def test_the_one_user_may_do_all(client: api.ApiClient) -> None:
    service: Any = api.AuthServiceApi(client)
    assert service.auth_service_authorize(namespace="n", resources="VIEWERS", verb="GET") == {}
