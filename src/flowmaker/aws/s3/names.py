"""Which names buckets and keys may have."""

import re

from flowmaker.aws.errors import AwsError

KEY_BYTES = 1024
_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
_PREFIXES = ("xn--", "sthree-", "amzn-s3-demo-")
_SUFFIXES = ("-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3")


def check_bucket(name: str) -> None:
    """The rules for new general-purpose buckets.

    Raises:
        AwsError: InvalidBucketName.
    """
    valid = (
        _BUCKET.fullmatch(name)
        and not _ADDRESS.fullmatch(name)
        and ".." not in name
        and not name.startswith(_PREFIXES)
        and not name.endswith(_SUFFIXES)
    )
    if not valid:
        message = "The specified bucket is not valid."
        raise AwsError("InvalidBucketName", message, 400, BucketName=name)


def check_key(key: str) -> None:
    """Any text will do, to a limit.

    Raises:
        AwsError: KeyTooLongError.
    """
    size = len(key.encode())
    if size > KEY_BYTES:
        message = "Your key is too long"
        raise AwsError(
            "KeyTooLongError", message, 400, MaxSizeAllowed=str(KEY_BYTES), Size=str(size)
        )


def owner_id(account: str) -> str:
    """The canonical user of an account: 64 hexadecimal digits, the same each time."""
    return account.rjust(64, "0")


def bucket_arn(bucket: str) -> str:
    return f"arn:aws:s3:::{bucket}"


def object_arn(bucket: str, key: str) -> str:
    return f"arn:aws:s3:::{bucket}/{key}"
