"""Statements, and things of several accounts, for tests of what goes on between them."""

from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.iam_server import OtherAccount, document


def refusal(call: Any, **parameters: Any) -> str:
    return refused(call, **parameters)[0]


def refused(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def allow(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: Any, resource: Any, **more: Any) -> dict[str, Any]:
    return {"Effect": "Deny", "Action": action, "Resource": resource, **more}


def trusting(*arns: str, effect: str = "Allow", **more: Any) -> str:
    statement = {"Effect": effect, "Principal": {"AWS": list(arns)}, "Action": "sts:AssumeRole"}
    return document({**statement, **more})


def whom(client: Any) -> tuple[str, str]:
    told = client.get_caller_identity()
    return told["Account"], told["Arn"]


def bucket_of(account: OtherAccount, name: str, *statements: dict[str, Any]) -> str:
    """A bucket with the object `k`, and with a policy of these statements."""
    s3 = account.client("s3")
    s3.create_bucket(Bucket=name)
    s3.put_object(Bucket=name, Key="k", Body=b"theirs")
    if statements:
        s3.put_bucket_policy(Bucket=name, Policy=document(*statements))
    return name


def on(name: str) -> list[str]:
    return [f"arn:aws:s3:::{name}", f"arn:aws:s3:::{name}/*"]
