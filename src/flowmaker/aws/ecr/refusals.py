"""The errors of ECR, and the operations that a registry would need to push to and pull from."""

from flowmaker.aws.ecr.repository import Place
from flowmaker.aws.errors import AwsError
from flowmaker.aws.service import Answer, Call, Handler, Need, Operation

_WAY = (
    "Say what the image stands for: `flowmaker image add URI --source FOLDER --requirements FILE`, "
    "or `flowmaker image add URI --container` when this machine's podman or docker has it."
)
_PUSHING = f"There is no registry to push to, so nobody logs in to one. {_WAY}"
_PULLING = (
    f"There is no registry to pull from: images here have no layers. {_WAY} "
    "DescribeImages tells of those that there are."
)
#: By operation: what is not done, and what to do.
REFUSED = {
    "GetAuthorizationToken": _PUSHING,
    "BatchCheckLayerAvailability": _PUSHING,
    "InitiateLayerUpload": _PUSHING,
    "UploadLayerPart": _PUSHING,
    "CompleteLayerUpload": _PUSHING,
    "PutImage": _PUSHING,
    "BatchGetImage": _PULLING,
    "GetDownloadUrlForLayer": _PULLING,
    "BatchDeleteImage": "An image is forgotten with `flowmaker image remove URI`.",
}


def operations() -> dict[str, Operation]:
    """Those that are refused. Nobody needs a permission to be told so."""
    return {
        name: Operation(handler=_refusing(name, message), needs=_nothing)
        for name, message in REFUSED.items()
    }


def _refusing(name: str, message: str) -> Handler:
    async def handler(call: Call) -> Answer:  # noqa: ARG001
        text = f"Flowmaker does not support {name} of ecr. {message}"
        raise AwsError("NotImplemented", text, 501)

    return handler


async def _nothing(call: Call) -> list[Need]:  # noqa: ARG001
    return []


def invalid(message: str) -> AwsError:
    return AwsError("InvalidParameterException", message)


def constraint(member: str, said: str) -> AwsError:
    """As ECR says that a parameter is wrong."""
    return invalid(f"Invalid parameter at '{member}' failed to satisfy constraint: '{said}'")


def bad_policy(why: str) -> AwsError:
    said = constraint("PolicyText", "Invalid repository policy provided")
    return invalid(f"{said.message} ({why})")


def no_repository(place: Place, name: str) -> AwsError:
    return AwsError(
        "RepositoryNotFoundException",
        f"The repository with name '{name}' does not exist {_in(place)}",
    )


def already_exists(place: Place, name: str) -> AwsError:
    return AwsError(
        "RepositoryAlreadyExistsException",
        f"The repository with name '{name}' already exists {_in(place)}",
    )


def not_empty(place: Place, name: str) -> AwsError:
    return AwsError(
        "RepositoryNotEmptyException",
        f"The repository with name '{name}' in registry with id '{place.account}' cannot be "
        "deleted because it still contains images",
    )


def no_policy(place: Place, name: str, kind: str = "Repository") -> AwsError:
    """`kind` is Repository or Lifecycle."""
    return AwsError(
        f"{kind}PolicyNotFoundException",
        f"{kind} policy does not exist for the repository with name '{name}' {_in(place)}",
    )


def no_image(place: Place, name: str, digest: str | None, tag: str | None) -> AwsError:
    image = f"{{imageDigest:'{digest or 'null'}', imageTag:'{tag or 'null'}'}}"
    return AwsError(
        "ImageNotFoundException",
        f"The image with imageId {image} does not exist within the repository with name '{name}' "
        f"{_in(place)}",
    )


def _in(place: Place) -> str:
    return f"in the registry with id '{place.account}'"
