"""What an invocation is refused with, in AWS's words."""

from flowmaker import ids
from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.hosting.routes import Route

#: Of what a model says, more is not passed on.
LONGEST = 2048
TIMED_OUT = (
    "Your invocation timed out while waiting for a response from container {container}. Review "
    "the latency metrics for each container in Amazon CloudWatch, resolve the issue, and try again."
)


def invalid(message: str) -> AwsError:
    """A wrong request, as this service says it."""
    return AwsError("ValidationError", message)


def throttled(what: str) -> AwsError:
    return AwsError("ThrottlingException", f"Rate exceeded: {what}. Wait and try again.", 429)


def not_ready(message: str) -> AwsError:
    return AwsError("ModelNotReadyException", message, 429)


def unavailable(message: str) -> AwsError:
    return AwsError("ServiceUnavailable", message, 503)


def model_error(route: Route, container: str, status: int, said: str) -> AwsError:
    """The container refused the request or failed; 0 stands for no answer in time."""
    group = f"/aws/sagemaker/Endpoints/{route.name}"
    side = "client" if 400 <= status < 500 else "server"  # noqa: PLR2004
    said = said[:LONGEST]
    return AwsError(
        "ModelError",
        f"Received {side} error ({status}) from {container} with message "
        f'"{said}". See the log group {group} in account {route.account} for more information.',
        424,
        OriginalStatusCode=status,
        OriginalMessage=said,
        LogStreamArn=ids.arn("logs", route.region, route.account, f"log-group:{group}"),
    )
