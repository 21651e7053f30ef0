"""S3's errors in S3's words: programs match the codes, and some of them the messages."""

from collections.abc import Generator
from contextlib import contextmanager

from flowmaker.aws.errors import AwsError
from flowmaker.errors import FailedPrecondition, NotFound
from flowmaker.objects.uploads import NoBucket, NoUpload


def no_such_bucket(bucket: str) -> AwsError:
    message = "The specified bucket does not exist"
    return AwsError("NoSuchBucket", message, 404, BucketName=bucket)


def no_such_key(key: str) -> AwsError:
    return AwsError("NoSuchKey", "The specified key does not exist.", 404, Key=key)


def deleted(key: str, marker: str) -> AwsError:
    """The newest version of the key is a delete marker: that is told, too."""
    return no_such_key(key).telling(x_amz_delete_marker="true", x_amz_version_id=marker)


def no_such_version(key: str, version: str) -> AwsError:
    message = "The specified version does not exist."
    return AwsError("NoSuchVersion", message, 404, Key=key, VersionId=version)


def is_marker(key: str, marker: str) -> AwsError:
    """A delete marker has nothing that could be read."""
    message = "The specified method is not allowed against this resource."
    error = AwsError("MethodNotAllowed", message, 405, Key=key, ResourceType="DeleteMarker")
    return error.telling(allow="DELETE", x_amz_delete_marker="true", x_amz_version_id=marker)


def no_such_upload(upload_id: str) -> AwsError:
    message = (
        "The specified upload does not exist. The upload ID may be invalid, or the upload may have "
        "been aborted or completed."
    )
    return AwsError("NoSuchUpload", message, 404, UploadId=upload_id)


def precondition_failed(condition: str) -> AwsError:
    message = "At least one of the pre-conditions you specified did not hold"
    return AwsError("PreconditionFailed", message, 412, Condition=condition)


def invalid_argument(message: str, name: str, value: object) -> AwsError:
    return AwsError("InvalidArgument", message, 400, ArgumentName=name, ArgumentValue=str(value))


def invalid_request(message: str) -> AwsError:
    return AwsError("InvalidRequest", message, 400)


def malformed_xml() -> AwsError:
    message = (
        "The XML you provided was not well-formed or did not validate against our published schema"
    )
    return AwsError("MalformedXML", message, 400)


def bad_digest(name: str) -> AwsError:
    return AwsError("BadDigest", f"The {name} you specified did not match what we received.", 400)


def not_implemented(what: str) -> AwsError:
    """What S3 has and Flowmaker has not; never accepted in silence."""
    return AwsError("NotImplemented", f"{what} is not supported by Flowmaker.", 501)


@contextmanager
def translated(bucket: str, key: str = "", upload_id: str = "") -> Generator[None]:
    """The object store's errors as S3's."""
    try:
        yield
    except NoBucket:
        raise no_such_bucket(bucket) from None
    except NoUpload:
        raise no_such_upload(upload_id) from None
    except NotFound:
        raise no_such_key(key) from None
    except FailedPrecondition:
        raise precondition_failed("If-Match or If-None-Match") from None
