"""ECR by boto3 and the aws CLI: repositories, the images that were registered, who may."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.iam.asking import need_of, principal_of
from flowmaker.ids import ACCOUNT
from tests.fakes.accounts import allow, deny, refusal, refused
from tests.fakes.iam_server import REGION, IamServer, document, iam_server

HOST = f"{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com"
ARN = f"arn:aws:ecr:{REGION}:{ACCOUNT}:repository"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("ecr")) as running:
        yield running


@pytest.fixture
def ecr(server: IamServer) -> Iterator[Any]:
    """A client whose repositories go when the test ends."""
    client = server.client("ecr")
    yield client
    for one in names(client):
        client.delete_repository(repositoryName=one, force=True)


def names(ecr: Any) -> list[str]:
    return [one["repositoryName"] for one in ecr.describe_repositories()["repositories"]]


def register(server: IamServer, folder: Path, name: str, text: str = "x") -> str:
    """An image with one file."""
    folder.mkdir(exist_ok=True)
    (folder / "train").write_text(text)
    server.images.add(f"{HOST}/{name}", None, folder, "")
    return f"{HOST}/{name}"


def test_repositories_are_made_described_and_removed(ecr: Any) -> None:
    made = ecr.create_repository(repositoryName="team/trees")["repository"]
    assert made["repositoryArn"] == f"{ARN}/team/trees"
    assert made["repositoryUri"] == f"{HOST}/team/trees"
    assert made["registryId"] == ACCOUNT
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    assert made["encryptionConfiguration"] == {"encryptionType": "AES256"}
    assert ecr.describe_repositories(repositoryNames=["team/trees"])["repositories"] == [made]
    code, message = refused(ecr.create_repository, repositoryName="team/trees")
    assert code == "RepositoryAlreadyExistsException"
    assert message == (
        f"The repository with name 'team/trees' already exists in the registry with id '{ACCOUNT}'"
    )
    gone = ecr.delete_repository(repositoryName="team/trees", registryId=ACCOUNT)
    assert gone["repository"]["repositoryArn"] == f"{ARN}/team/trees"
    for call, more in (
        (ecr.describe_repositories, {"repositoryNames": ["team/trees"]}),
        (ecr.delete_repository, {"repositoryName": "team/trees"}),
        (ecr.list_images, {"repositoryName": "team/trees"}),
        (ecr.describe_images, {"repositoryName": "team/trees"}),
        (ecr.get_repository_policy, {"repositoryName": "team/trees"}),
        (ecr.list_tags_for_resource, {"resourceArn": f"{ARN}/team/trees"}),
        (ecr.put_image_tag_mutability, {"repositoryName": "team/trees",
                                        "imageTagMutability": "MUTABLE"}),
    ):  # fmt: skip
        code, message = refused(call, **more)
        assert code == "RepositoryNotFoundException"
        assert message == (
            "The repository with name 'team/trees' does not exist in the registry with id "
            f"'{ACCOUNT}'"
        )
    with pytest.raises(ecr.exceptions.RepositoryNotFoundException):
        ecr.delete_repository(repositoryName="team/trees", force=True)


def test_repositories_are_told_by_pages(ecr: Any) -> None:
    for name in ("c", "a", "b"):
        ecr.create_repository(repositoryName=f"page-{name}")
    pages = ecr.get_paginator("describe_repositories").paginate(PaginationConfig={"PageSize": 2})
    found = [[one["repositoryName"] for one in page["repositories"]] for page in pages]
    assert found == [["page-a", "page-b"], ["page-c"]]
    both = {"repositoryNames": ["page-a"], "maxResults": 1}
    assert refusal(ecr.describe_repositories, **both) == "InvalidParameterException"
    assert refusal(ecr.describe_repositories, nextToken="x") == "InvalidParameterException"
    missing = {"repositoryNames": ["page-a", "absent"]}
    assert refusal(ecr.describe_repositories, **missing) == "RepositoryNotFoundException"


def test_what_a_repository_is_made_with_is_given_back(ecr: Any) -> None:
    made = ecr.create_repository(
        repositoryName="said",
        tags=[{"Key": "team", "Value": "a"}],
        imageTagMutability="MUTABLE",
        imageScanningConfiguration={"scanOnPush": False},
        encryptionConfiguration={"encryptionType": "AES256"},
    )["repository"]
    assert made["imageTagMutability"] == "MUTABLE"
    assert made["imageScanningConfiguration"] == {"scanOnPush": False}
    named = {"repositoryName": "said"}
    changed = ecr.put_image_tag_mutability(**named, imageTagMutability="MUTABLE")
    assert changed["imageTagMutability"] == "MUTABLE"
    ecr.put_image_scanning_configuration(**named, imageScanningConfiguration={"scanOnPush": False})
    (found,) = ecr.describe_repositories(repositoryNames=["said"])["repositories"]
    assert found["imageTagMutability"] == "MUTABLE"
    assert found["imageScanningConfiguration"] == {"scanOnPush": False}
    assert found["createdAt"] == made["createdAt"]
    assert refusal(ecr.get_lifecycle_policy, **named) == "LifecyclePolicyNotFoundException"


def test_what_is_not_done_is_refused_by_name(ecr: Any) -> None:
    filters = [{"filterType": "WILDCARD", "filter": "latest*"}]
    for more, told in (
        ({"encryptionConfiguration": {"encryptionType": "KMS"}}, "encryptionConfiguration"),
        ({"imageTagMutability": "IMMUTABLE"}, "imageTagMutability IMMUTABLE"),
        ({"imageScanningConfiguration": {"scanOnPush": True}}, "scans no images"),
        ({"imageTagMutability": "IMMUTABLE_WITH_EXCLUSION"}, "IMMUTABLE_WITH_EXCLUSION"),
        ({"imageTagMutabilityExclusionFilters": filters}, "imageTagMutabilityExclusionFilters"),
        ({"repositoryName": "Upper"}, "repositoryName"),
    ):
        code, message = refused(ecr.create_repository, **{"repositoryName": "refused", **more})
        assert code == "InvalidParameterException"
        assert told in message
    assert names(ecr) == []
    code, message = refused(ecr.describe_registry)
    assert code == "UnknownOperationException"
    assert "DescribeRegistry" in message


def test_pushing_and_pulling_are_refused_with_the_way(ecr: Any) -> None:
    named, layer = {"repositoryName": "pushed"}, f"sha256:{'0' * 64}"
    upload = {**named, "uploadId": "00000000-0000-0000-0000-000000000000"}
    ids = [{"imageTag": "1"}]
    for call, more in (
        (ecr.get_authorization_token, {}),
        (ecr.batch_check_layer_availability, {**named, "layerDigests": [layer]}),
        (ecr.initiate_layer_upload, named),
        (ecr.upload_layer_part, {**upload, "partFirstByte": 0, "partLastByte": 0,
                                 "layerPartBlob": b"x"}),
        (ecr.complete_layer_upload, {**upload, "layerDigests": [layer]}),
        (ecr.put_image, {**named, "imageManifest": "{}"}),
        (ecr.batch_get_image, {**named, "imageIds": ids}),
        (ecr.get_download_url_for_layer, {**named, "layerDigest": layer}),
    ):  # fmt: skip
        code, message = refused(call, **more)
        assert code == "UnknownOperationException"
        assert "`flowmaker image add URI --source FOLDER --requirements FILE`" in message
        assert "--container" in message
    _, message = refused(ecr.batch_delete_image, **named, imageIds=ids)
    assert "`flowmaker image remove URI`" in message


def test_a_registered_image_is_in_a_repository(server: IamServer, ecr: Any, tmp_path: Path) -> None:
    uri = register(server, tmp_path / "one", "trees:1")
    register(server, tmp_path / "one", "trees:newest")
    register(server, tmp_path / "two", "trees:2", "another")
    (found,) = ecr.describe_repositories(repositoryNames=["trees"])["repositories"]
    assert found["repositoryUri"] == uri.removesuffix(":1")
    code = refusal(ecr.create_repository, repositoryName="trees")
    assert code == "RepositoryAlreadyExistsException"
    details = ecr.describe_images(repositoryName="trees")["imageDetails"]
    one, two = sorted(details, key=lambda image: image["imageTags"])
    assert (one["imageTags"], one["imageSizeInBytes"]) == (["1", "newest"], 1)
    assert (two["imageTags"], two["imageSizeInBytes"]) == (["2"], len("another"))
    assert found["createdAt"] <= one["imagePushedAt"]
    ids = ecr.list_images(repositoryName="trees")["imageIds"]
    digest = one["imageDigest"]
    assert {"imageDigest": digest, "imageTag": "newest"} in ids
    assert len(ids) == 3
    pages = ecr.get_paginator("list_images").paginate(
        repositoryName="trees", PaginationConfig={"PageSize": 2}
    )
    assert [one for page in pages for one in page["imageIds"]] == ids
    register(server, tmp_path / "one", "trees:1", "changed")
    register(server, tmp_path / "one", "trees:1")
    asked = {"repositoryName": "trees", "imageIds": [{"imageTag": "1"}]}
    (again,) = ecr.describe_images(**asked)["imageDetails"]
    assert again["imageDigest"] == digest, "the same content has the same digest"
    server.images.remove(uri)
    code, message = refused(ecr.describe_images, **asked)
    assert code == "ImageNotFoundException"
    assert message == (
        "The image with imageId {imageDigest:'null', imageTag:'1'} does not exist within the "
        f"repository with name 'trees' in the registry with id '{ACCOUNT}'"
    )


def test_images_are_chosen(server: IamServer, ecr: Any, tmp_path: Path) -> None:
    digest = f"sha256:{'f' * 64}"
    register(server, tmp_path / "one", "chosen:1")
    register(server, tmp_path / "one", f"chosen@{digest}")
    named = {"repositoryName": "chosen"}
    for status, expected in (("TAGGED", ["1"]), ("UNTAGGED", [None]), ("ANY", ["1", None])):
        found = ecr.list_images(**named, filter={"tagStatus": status})["imageIds"]
        assert sorted((one.get("imageTag") for one in found), key=str) == expected
        details = ecr.describe_images(**named, filter={"tagStatus": status})["imageDetails"]
        assert len(details) == len(expected)
    (found,) = ecr.describe_images(**named, imageIds=[{"imageDigest": digest}])["imageDetails"]
    assert found["imageDigest"] == digest
    archived = ecr.list_images(**named, filter={"imageStatus": "ARCHIVED"})
    assert archived["imageIds"] == []
    wrong = [{"imageDigest": digest, "imageTag": "1"}]
    assert refusal(ecr.describe_images, **named, imageIds=wrong) == "ImageNotFoundException"
    assert refusal(ecr.describe_images, **named, imageIds=[{}]) == "InvalidParameterException"


def test_a_repository_with_images_is_removed_by_force(
    server: IamServer, ecr: Any, tmp_path: Path
) -> None:
    ecr.create_repository(repositoryName="full")
    uri = register(server, tmp_path / "one", "full:1")
    other = register(server, tmp_path / "one", "full/er:1")
    code, message = refused(ecr.delete_repository, repositoryName="full")
    assert code == "RepositoryNotEmptyException"
    assert message == (
        f"The repository with name 'full' in registry with id '{ACCOUNT}' cannot be deleted "
        "because it still contains images"
    )
    assert server.images.rule(uri)
    ecr.delete_repository(repositoryName="full", force=True)
    assert server.images.rule(uri) is None, "the image is forgotten"
    assert server.images.rule(other)
    assert names(ecr) == ["full/er"]


def test_tags_of_repositories(server: IamServer, ecr: Any, tmp_path: Path) -> None:
    ecr.create_repository(repositoryName="tagged", tags=[{"Key": "team", "Value": "a"}])
    register(server, tmp_path / "one", "by-itself:1")
    for name, before in (("tagged", {"team": "a"}), ("by-itself", {})):
        named = {"resourceArn": f"{ARN}/{name}"}
        assert _tags(ecr, **named) == before
        ecr.tag_resource(**named, tags=[{"Key": "team", "Value": "b"}, {"Key": "of", "Value": ""}])
        assert _tags(ecr, **named) == {"team": "b", "of": ""}
        ecr.untag_resource(**named, tagKeys=["team", "absent"])
        assert _tags(ecr, **named) == {"of": ""}
        many = [{"Key": str(number), "Value": ""} for number in range(50)]
        assert refusal(ecr.tag_resource, **named, tags=many) == "TooManyTagsException"
        own = [{"Key": "aws:x", "Value": ""}]
        assert refusal(ecr.tag_resource, **named, tags=own) == "InvalidTagParameterException"
        assert _tags(ecr, **named) == {"of": ""}
    for arn in ("arn:aws:s3:::b", f"{ARN}/tagged".replace(REGION, "eu-west-1")):
        code = refusal(ecr.list_tags_for_resource, resourceArn=arn)
        assert code == "InvalidParameterException"


def _tags(ecr: Any, **named: str) -> dict[str, str]:
    found = ecr.list_tags_for_resource(**named)["tags"]
    return {one["Key"]: one["Value"] for one in found}


def _policy(*statements: dict[str, Any]) -> str:
    """Of a repository, whose statements name no resource."""
    return document(*({k: v for k, v in one.items() if k != "Resource"} for one in statements))


def test_a_repositorys_policy_is_kept_as_given(ecr: Any) -> None:
    ecr.create_repository(repositoryName="kept")
    named = {"repositoryName": "kept"}
    assert refusal(ecr.get_repository_policy, **named) == "RepositoryPolicyNotFoundException"
    text = _policy({**allow("ecr:BatchGetImage", "*"), "Principal": "*"}).replace(", ", ",\n ")
    for call in (
        lambda: ecr.set_repository_policy(**named, policyText=text),
        lambda: ecr.get_repository_policy(**named),
        lambda: ecr.delete_repository_policy(**named),
    ):
        answer = call()
        assert (answer["policyText"], answer["registryId"]) == (text, ACCOUNT)
    for call in (ecr.get_repository_policy, ecr.delete_repository_policy):
        assert refusal(call, **named) == "RepositoryPolicyNotFoundException"
    for wrong in ("{}", document({**allow("ecr:*", "*"), "Principal": "*"})):
        code, message = refused(ecr.set_repository_policy, **named, policyText=wrong)
        assert code == "InvalidParameterException"
        assert "'Invalid repository policy provided'" in message
    out = _policy({**deny("ecr:*", "*"), "Principal": "*"})
    code, message = refused(ecr.set_repository_policy, **named, policyText=out)
    assert (code, "give force" in message) == ("InvalidParameterException", True)
    mine = _policy({**deny("ecr:ListImages", "*"), "Principal": "*"})
    ecr.set_repository_policy(**named, policyText=mine)
    code, message = refused(ecr.list_images, **named)
    assert code == "AccessDeniedException"
    assert "explicit deny" in message


def test_policies_decide_who_may(server: IamServer, ecr: Any) -> None:
    ecr.create_repository(repositoryName="open", tags=[{"Key": "team", "Value": "a"}])
    ecr.create_repository(repositoryName="shut")
    a_team = {"StringEquals": {"aws:RequestTag/team": "a"}}
    of_team = {"StringEquals": {"ecr:ResourceTag/team": "a"}}
    keys = server.first().user(
        "reader",
        allow(["ecr:DescribeRepositories", "ecr:SetRepositoryPolicy"], f"{ARN}/open"),
        allow("ecr:ListImages", "*", Condition=of_team),
        allow("ecr:CreateRepository", f"{ARN}/mine/*"),
        allow("ecr:TagResource", f"{ARN}/mine/*", Condition=a_team),
    )
    theirs = server.client("ecr", keys)
    assert theirs.describe_repositories(repositoryNames=["open"])["repositories"]
    assert theirs.list_images(repositoryName="open")["imageIds"] == []
    theirs.create_repository(repositoryName="mine/x", tags=[{"Key": "team", "Value": "a"}])
    theirs.create_repository(repositoryName="mine/y")
    tags = [{"Key": "team", "Value": "b"}]
    for call, more, action, resource in (
        (theirs.describe_repositories, {}, "DescribeRepositories", "*"),
        (theirs.describe_repositories, {"repositoryNames": ["open", "shut"]},
         "DescribeRepositories", "shut"),
        (theirs.list_images, {"repositoryName": "shut"}, "ListImages", "shut"),
        (theirs.create_repository, {"repositoryName": "not-mine"}, "CreateRepository", "not-mine"),
        (theirs.create_repository, {"repositoryName": "mine/z", "tags": tags},
         "TagResource", "mine/z"),
        (theirs.delete_repository, {"repositoryName": "open"}, "DeleteRepository", "open"),
        (theirs.tag_resource, {"resourceArn": f"{ARN}/open", "tags": tags},
         "TagResource", "open"),
    ):  # fmt: skip
        code, message = refused(call, **more)
        assert code == "AccessDeniedException"
        assert f"perform: ecr:{action} on resource: {ARN}/{resource} because" in message
        statement = json.loads(message[message.index("{") :].rstrip("."))
        assert statement["Resource"] == f"{ARN}/{resource}"
    iam = server.client("iam")
    answer = iam.simulate_principal_policy(
        PolicySourceArn=server.first().arn("user/reader"),
        ActionNames=["ecr:CreateRepository"],
        ResourceArns=[f"{ARN}/mine/x", f"{ARN}/z"],
    )
    decided = [one["EvalDecision"] for one in answer["EvaluationResults"]]
    assert decided == ["allowed", "implicitDeny"]
    # The repository's own policy lets in whom no other does.
    reader = {"Principal": {"AWS": server.first().arn("user/reader")}}
    text = _policy({**allow("ecr:DescribeImages", "*"), **reader})
    ecr.set_repository_policy(repositoryName="shut", policyText=text)
    assert theirs.describe_images(repositoryName="shut")["imageDetails"] == []


def test_repositories_are_an_accounts_own(server: IamServer, ecr: Any, tmp_path: Path) -> None:
    other = server.account("registry")
    theirs = server.anywhere("ecr", REGION, other.keys)
    ecr.create_repository(repositoryName="ours")
    register(server, tmp_path / "one", "images:1")
    assert names(theirs) == []
    assert names(server.anywhere("ecr", "eu-west-1")) == [], "another region"
    theirs.create_repository(repositoryName="ours")
    asked = {"repositoryNames": ["ours"], "registryId": ACCOUNT}
    code, message = refused(theirs.describe_repositories, **asked)
    assert code == "AccessDeniedException"
    assert "There must be such a repository, and its policy must name the caller" in message
    begin = message.index("{")
    statement = json.loads(message[begin:].rstrip("."))
    ecr.set_repository_policy(repositoryName="ours", policyText=document(statement))
    (found,) = theirs.describe_repositories(**asked)["repositories"]
    assert found["registryId"] == ACCOUNT
    assert refusal(theirs.describe_repositories, registryId=ACCOUNT) == "AccessDeniedException"
    asked = {"repositoryName": "not-there", "registryId": ACCOUNT}
    assert refusal(theirs.create_repository, **asked) == "AccessDeniedException"
    theirs.delete_repository(repositoryName="ours")
    assert names(ecr) == ["images", "ours"]


def test_an_explanation_knows_a_repositorys_policy(server: IamServer, ecr: Any) -> None:
    """`flowmaker iam explain` decides as the wire does."""
    ecr.create_repository(repositoryName="explained")
    asked = server.first().arn("user/asked")
    server.first().user("asked")
    text = _policy({**allow("ecr:ListImages", "*"), "Principal": {"AWS": asked}})
    ecr.set_repository_policy(repositoryName="explained", policyText=text)
    authorizer = PolicyAuthorizer(server.database, server.clock)

    def decided(action: str, name: str) -> bool:
        who = server.database.read_now(principal_of, ACCOUNT, asked)
        need = server.database.read_now(need_of, ACCOUNT, action, f"{ARN}/{name}", ())
        return asyncio.run(authorizer.explain(who, need)).decision.allowed

    assert decided("ecr:ListImages", "explained")
    assert not decided("ecr:DeleteRepository", "explained")
    assert not decided("ecr:ListImages", "absent")


def shell(server: IamServer, line: str) -> "subprocess.CompletedProcess[str]":
    own = {
        "AWS_ACCESS_KEY_ID": server.root.access_key_id,
        "AWS_SECRET_ACCESS_KEY": server.root.secret_access_key,
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": server.url,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
    }
    return subprocess.run(
        ["sh", "-c", line], env={**os.environ, **own}, check=False, capture_output=True, text=True
    )


def test_a_repository_is_made_unless_it_is_there(server: IamServer, ecr: Any) -> None:
    line = (
        "aws ecr describe-repositories --repository-names X "
        "|| aws ecr create-repository --repository-name X"
    ).replace("X", "idiom")
    first = shell(server, line)
    assert first.returncode == 0, first.stderr
    assert "(RepositoryNotFoundException)" in first.stderr
    assert json.loads(first.stdout)["repository"]["repositoryUri"] == f"{HOST}/idiom"
    again = shell(server, line)
    assert (again.returncode, again.stderr) == (0, "")
    (found,) = json.loads(again.stdout)["repositories"]
    assert found["repositoryArn"] == f"{ARN}/idiom"
    login = shell(server, "aws ecr get-login-password")
    assert login.returncode != 0
    assert "flowmaker image add URI" in login.stderr
