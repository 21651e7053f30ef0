"""Tags of pipelines and versions, through the generated client of KFP's API."""

import json
from pathlib import Path
from typing import Any

import kfp
import kfp_server_api as api
import pytest
from kfp import compiler, dsl

from tests.house import House


@dsl.component(base_image="python:3.11")
def nothing():
    pass


@dsl.pipeline(name="tagged")
def tagged():
    nothing()


@pytest.fixture
def client(server: House) -> api.ApiClient:
    return kfp.Client(host=server.url)._pipelines_api.api_client


def _filter(key: str, value: str) -> str:
    predicate = {"operation": "EQUALS", "key": key, "string_value": value}
    return json.dumps({"predicates": [predicate]})


def test_tags_are_kept_changed_and_found(client: api.ApiClient) -> None:
    pipelines = api.PipelineServiceApi(client)

    def create(name: str, **tags: str) -> str:
        body = api.V2beta1Pipeline(name=name, tags=tags)
        return pipelines.pipeline_service_create_pipeline(body).pipeline_id

    def found(key: str, value: str) -> set[str]:
        listed = pipelines.pipeline_service_list_pipelines(filter=_filter(key, value)).pipelines
        return {each.name for each in listed or ()}

    one = create("tags-one", team="blue", stage="dev")
    create("tags-two", team="blue")
    create("tags-none")
    get = pipelines.pipeline_service_get_pipeline
    assert get(one).tags == {"team": "blue", "stage": "dev"}
    assert found("tags.team", "blue") == {"tags-one", "tags-two"}
    assert found("tags.stage", "dev") == {"tags-one"}
    assert found("tags.none", "dev") == set()

    def change(**changes: Any) -> Any:
        body = api.V2beta1Pipeline(**changes)
        return pipelines.pipeline_service_update_pipeline(one, body)

    assert change(tags={"team": "red"}).tags == {"team": "red"}
    changed = change(display_name="another")
    assert (changed.display_name, changed.tags) == ("another", {"team": "red"})
    assert not change(tags={}).tags
    assert found("tags.team", "red") == set()


def test_tags_of_uploads(client: api.ApiClient, tmp_path: Path) -> None:
    package = str(tmp_path / "tagged.yaml")
    compiler.Compiler().compile(tagged, package)
    uploads, pipelines = api.PipelineUploadServiceApi(client), api.PipelineServiceApi(client)
    made = uploads.upload_pipeline(package, name="tags-uploaded", tags='{"team": "blue"}')
    assert made.tags == {"team": "blue"}
    version = uploads.upload_pipeline_version(
        package, name="second", pipelineid=made.pipeline_id, tags='{"build": "7"}'
    )
    assert version.tags == {"build": "7"}
    listed = pipelines.pipeline_service_list_pipeline_versions(
        made.pipeline_id, filter=_filter("tags.build", "7")
    )
    assert [each.name for each in listed.pipeline_versions] == ["second"]
    changed = pipelines.pipeline_service_update_pipeline_version(
        made.pipeline_id,
        version.pipeline_version_id,
        api.V2beta1PipelineVersion(tags={"build": "8"}),
    )
    assert (changed.name, changed.tags) == ("second", {"build": "8"})


def test_tags_that_cannot_be_are_refused(client: api.ApiClient) -> None:
    body = api.V2beta1Pipeline(name="tags-long", tags={"team": "x" * 64})
    with pytest.raises(api.ApiException, match="at most 63"):
        api.PipelineServiceApi(client).pipeline_service_create_pipeline(body)
