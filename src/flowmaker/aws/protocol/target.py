"""Which service a request is for, and for S3 which bucket and key."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import unquote

from flowmaker.aws.errors import AwsError
from flowmaker.aws.protocol.models import signing_name
from flowmaker.aws.protocol.request import Request

#: `BUCKET.s3.amazonaws.com`, `BUCKET.s3.eu-west-1.amazonaws.com`, `BUCKET.s3-eu-west-1…`,
#: `BUCKET.s3.dualstack.eu-west-1…`, and `BUCKET.localhost` for this machine's own server.
_VIRTUAL_HOST = re.compile(
    r"(?P<bucket>[a-z0-9][a-z0-9.\-]+?)\.(?:"
    r"s3(?:[.-](?:dualstack\.)?[a-z0-9-]+)?\.amazonaws\.com(?:\.cn)?|(?:s3\.)?localhost)",
    re.IGNORECASE,
)


#: What a path begins with, of the services beside SageMaker that sign with its name.
_SAGEMAKER_PATHS = {
    "endpoints": "sagemaker-runtime",
    "BatchPutMetrics": "sagemaker-metrics",
    "BatchGetMetrics": "sagemaker-metrics",
}
#: What a path of S3 Control begins with. Its requests name an account in a header: a bucket may be
#: called so, too.
_CONTROL, _CONTROL_HEADER = "v20180820", "x-amz-account-id"


@dataclass(frozen=True, kw_only=True, slots=True)
class ObjectPath:
    """What the path and host of an S3 request name."""

    bucket: str = ""
    #: Whether the host names the bucket, and not the path.
    in_host: bool = False
    #: Exactly as the client means it: decoded once, no slash added or taken away.
    key: str = ""


def service_of(scope_name: str, request: Request, services: Collection[str]) -> str:
    """The service's name in botocore, one of `services`, or empty when none is meant.

    SageMaker, its runtime and its metrics sign with the same name; the last two have paths. So do
    S3 and S3 Control.
    """
    candidates = [name for name in services if signing_name(name) == scope_name]
    if len(candidates) > 1:
        begins = request.path.split("/")[1] if "/" in request.path else ""
        if scope_name == "s3":
            control = begins == _CONTROL and _CONTROL_HEADER in request.headers
            candidates = ["s3control" if control else "s3"]
        else:
            candidates = [_SAGEMAKER_PATHS.get(begins, scope_name)]
    return candidates[0] if candidates else ""


def object_path(request: Request) -> ObjectPath:
    """The bucket and key of an S3 request, in path style or virtual-host style."""
    host = request.host.rsplit(":", 1)[0] if not request.host.endswith("]") else request.host
    virtual = _VIRTUAL_HOST.fullmatch(host)
    path = request.path.removeprefix("/")
    if virtual and virtual["bucket"] != "s3":
        return ObjectPath(bucket=virtual["bucket"], in_host=True, key=_decoded(path))
    bucket, _, key = path.partition("/")
    return ObjectPath(bucket=_decoded(bucket), key=_decoded(key))


def _decoded(part: str) -> str:
    try:
        return unquote(part, errors="strict")
    except UnicodeDecodeError:
        raise AwsError("InvalidURI", "Couldn't parse the specified URI.") from None
