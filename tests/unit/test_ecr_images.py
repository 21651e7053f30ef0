"""Which images of ECR the registered names stand for."""

from datetime import UTC, datetime, timedelta

import pytest

from flowmaker.aws.ecr.images import by_repository
from flowmaker.aws.ecr.repository import Named, Place, place_of
from flowmaker.executors.registered import RegisteredImage, Registration

PLACE = Place(account="000000000000", region="us-east-1")
HOST = "000000000000.dkr.ecr.us-east-1.amazonaws.com"
AT = datetime(2026, 1, 1, tzinfo=UTC)
PINNED = f"sha256:{'f' * 64}"


def registered(name: str, digest: str = "sha256:a", days: int = 0) -> Registration:
    image = RegisteredImage(name=name, digest=digest, size=5)
    return Registration(image=image, at=AT + timedelta(days=days))


def test_names_are_images_of_repositories() -> None:
    found = by_repository(
        [
            registered(f"{HOST}/team/trees:1", days=2),
            registered(f"{HOST}/team/trees", days=1),
            registered(f"{HOST}/team/trees:2", "sha256:b"),
            registered(f"{HOST}/team/trees@{PINNED}"),
            registered(f"{HOST}/flowers:1"),
        ],
        PLACE,
    )
    assert sorted(found) == ["flowers", "team/trees"]
    one, two, pinned = found["team/trees"]
    assert (one.digest, one.tags, one.size) == ("sha256:a", ("1", "latest"), 5)
    assert one.pushed_at == AT + timedelta(days=1)
    assert one.names == (f"{HOST}/team/trees:1", f"{HOST}/team/trees")
    assert (two.digest, two.tags) == ("sha256:b", ("2",))
    assert (pinned.digest, pinned.tags) == (PINNED, ())


@pytest.mark.parametrize(
    "name",
    [
        "trees:1",
        "localhost/trees:1",
        "111111111111.dkr.ecr.us-east-1.amazonaws.com/trees:1",
        "000000000000.dkr.ecr.eu-west-1.amazonaws.com/trees:1",
        f"{HOST}/Trees:1",
        f"{HOST}/trees:",
        f"{HOST}/t:1",
        f"{HOST}/trees:1/x",
    ],
)
def test_other_names_are_none(name: str) -> None:
    assert by_repository([registered(name)], PLACE) == {}


def test_the_arns_of_repositories() -> None:
    arn = "arn:aws:ecr:us-east-1:000000000000:repository/team/trees"
    assert place_of(arn) == Named(PLACE, "team/trees")
    for other in ("team/trees", arn.replace(":ecr:", ":s3:"), arn.replace("repository/", "x/")):
        assert place_of(other) is None
