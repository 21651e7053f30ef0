"""What tasks left in SageMaker, by the names among their outputs: is it as it was?"""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from flowmaker.sagemaker.records.resource import Kind, Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.server.effects import SageMakerEffects
from flowmaker.store.database import Database

ACCOUNT, REGION = "000000000000", "us-east-1"
ARN = f"arn:aws:sagemaker:{REGION}:{ACCOUNT}:endpoint/mine"
NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.fixture
def effects(database: Database) -> SageMakerEffects:
    return SageMakerEffects(database=database, account=ACCOUNT, region=REGION)


def endpoint(resource_id: str = "1", config: str = "a") -> Resource:
    return Resource(
        id=resource_id,
        kind=Kind.ENDPOINT,
        account=ACCOUNT,
        region=REGION,
        name="mine",
        arn=ARN,
        status="InService",
        open=False,
        created_at=NOW,
        modified_at=NOW,
        request={},
        state={"config_name": config},
    )


@pytest.mark.parametrize("outputs", [{"endpoint_name": "mine"}, {"anything": ARN}])
async def test_an_endpoint_is_followed_by_its_name_or_arn(
    database: Database, effects: SageMakerEffects, outputs: dict[str, str]
):
    (nothing,) = (await effects(outputs)).values()
    assert nothing == ""
    first = endpoint()
    await database.write(resources.create, first, {})
    (there,) = (await effects(outputs)).values()
    assert there
    assert list((await effects(outputs)).values()) == [there]
    assert await database.write(resources.save, replace(first, state={"config_name": "b"}))
    (other,) = (await effects(outputs)).values()
    assert other not in ("", there)
    stored = await database.read(resources.get, first.id)
    assert stored is not None
    assert await database.write(resources.delete, stored)
    assert list((await effects(outputs)).values()) == [""]
    await database.write(resources.create, endpoint("2"), {})
    (anew,) = (await effects(outputs)).values()
    assert anew not in ("", there, other)


async def test_what_names_nothing_in_sagemaker_is_not_looked_for(effects: SageMakerEffects):
    assert await effects({"Output": "mine", "endpoint_name": "", "model_name": 3}) == {}


async def test_an_arn_of_another_account_is_not_what_has_that_name_in_the_first(
    database: Database, effects: SageMakerEffects
):
    await database.write(resources.create, endpoint(), {})
    theirs = ARN.replace(ACCOUNT, "111111111111")
    assert list((await effects({"Output": theirs})).values()) == [""]
    other = replace(endpoint("2", config="b"), account="111111111111", arn=theirs)
    await database.write(resources.create, other, {})
    found = await effects({"Output": theirs, "endpoint_name": "mine"})
    assert len(set(found.values()) - {""}) == 2
