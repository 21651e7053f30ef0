"""Which members of a request the operations honour; any other is refused by its name."""

from flowmaker.aws.ecr.refusals import invalid
from flowmaker.aws.service import Call

_REPOSITORY = {"registryId", "repositoryName"}
_PAGE = {"nextToken", "maxResults"}

HONOURED = {
    "CreateRepository": {
        *_REPOSITORY,
        "tags",
        # Each with the one value that is true here: see `check`.
        "imageTagMutability",
        "imageScanningConfiguration",
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
#: `flowmaker image add` replaces a tag, so no repository can promise that nobody does.
MUTABILITY = "MUTABLE"


def check(call: Call) -> None:
    """Refuse what is not honoured, and what nobody would do.

    Raises:
        AwsError: naming the first such member.
    """
    given = call.parameters
    for member, value in given.items():
        if member not in HONOURED[call.operation] and value not in (None, False, "", [], {}):
            raise invalid(f"Flowmaker's {call.operation} does not have {member}: leave it out")
    mutability = given.get("imageTagMutability", MUTABILITY)
    if mutability != MUTABILITY:
        raise invalid(
            f"imageTagMutability {mutability}: Flowmaker has {MUTABILITY} only, since "
            "`flowmaker image add` replaces a tag"
        )
    if given.get("imageScanningConfiguration", {}).get("scanOnPush"):
        raise invalid("imageScanningConfiguration: Flowmaker scans no images; leave scanOnPush out")
    encryption = given.get("encryptionConfiguration", {})
    if encryption.get("encryptionType", "AES256") != "AES256" or encryption.get("kmsKey"):
        raise invalid(
            "Flowmaker has no KMS: of encryptionConfiguration it has the encryptionType AES256"
        )
