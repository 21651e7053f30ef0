"""Which members of a request the operations honour; any other is refused by its name."""

from flowmaker.aws.ecr.refusals import invalid
from flowmaker.aws.service import Call

_REPOSITORY = {"registryId", "repositoryName"}
_PAGE = {"nextToken", "maxResults"}

HONOURED = {
    "CreateRepository": {
        *_REPOSITORY,
        "tags",
        "imageTagMutability",
        "imageScanningConfiguration",
        # Of its members, encryptionType AES256.
        "encryptionConfiguration",
    },
    "DescribeRepositories": {"registryId", "repositoryNames", *_PAGE},
    "DeleteRepository": {*_REPOSITORY, "force"},
    "PutImageTagMutability": {*_REPOSITORY, "imageTagMutability"},
    "PutImageScanningConfiguration": {*_REPOSITORY, "imageScanningConfiguration"},
    "ListImages": {*_REPOSITORY, *_PAGE, "filter"},
    "DescribeImages": {*_REPOSITORY, *_PAGE, "filter", "imageIds"},
    "ListTagsForResource": {"resourceArn"},
    "TagResource": {"resourceArn", "tags"},
    "UntagResource": {"resourceArn", "tagKeys"},
    "GetRepositoryPolicy": _REPOSITORY,
    "SetRepositoryPolicy": {*_REPOSITORY, "policyText", "force"},
    "DeleteRepositoryPolicy": _REPOSITORY,
    "GetLifecyclePolicy": _REPOSITORY,
}
#: What tags may be written over: all, or none. There are no exceptions by pattern.
MUTABILITIES = ("MUTABLE", "IMMUTABLE")


def check(call: Call) -> None:
    """Refuse what is not honoured.

    Raises:
        AwsError: naming the first such member.
    """
    given = call.parameters
    for member, value in given.items():
        if member not in HONOURED[call.operation] and value not in (None, False, "", [], {}):
            raise invalid(f"Flowmaker's {call.operation} does not have {member}: leave it out")
    mutability = given.get("imageTagMutability", MUTABILITIES[0])
    if mutability not in MUTABILITIES:
        allowed = " and ".join(MUTABILITIES)
        raise invalid(f"imageTagMutability {mutability}: Flowmaker has {allowed}")
    encryption = given.get("encryptionConfiguration", {})
    if encryption.get("encryptionType", "AES256") != "AES256" or encryption.get("kmsKey"):
        raise invalid(
            "Flowmaker has no KMS: of encryptionConfiguration it has the encryptionType AES256"
        )
