"""What a policy decision adds to a call: a user with ten attached policies asks for an object.

The decision itself is timed in this process, on the server's own database; the whole call, by that
user and by the administrator in turns, over HTTP.
"""

import asyncio
import json
import statistics
import time

from bench.server import Measured
from bench.wire import Connection, Signer
from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.service import Need, Principal
from flowmaker.clock import SystemClock
from flowmaker.store.database import Database

POLICIES, TIMES, ROUNDS = 10, 400, 5
BUCKET, USER = "bench-authorisation", "bench-authorised"
OBJECT = f"arn:aws:s3:::{BUCKET}/object"


def report(measured: Measured) -> None:
    user, keys = _user(measured)
    decided = asyncio.run(_decisions(measured, user))
    theirs, ours = _calls(measured, keys)
    name = f"a decision, {POLICIES} attached policies"
    print(f"{name:40}{decided:8.3f} ms at the median")
    print(f"{'GET of 4 KB by that user':40}{theirs:8.3f} ms, by the administrator {ours:.3f} ms")


def _user(measured: Measured) -> tuple[Principal, dict[str, str]]:
    """A user whose last policy is the one that allows it, and an object."""
    iam, s3 = measured.client("iam"), measured.client("s3")
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="object", Body=b"x" * 4096)
    made = iam.create_user(UserName=USER)["User"]
    for number in range(POLICIES):
        last = number == POLICIES - 1
        statements = [
            {"Effect": "Allow", "Action": f"s3:{verb}Object", "Resource": f"{where}/*"}
            for verb in ("Get", "Put", "Delete")
            for where in (f"arn:aws:s3:::{BUCKET}" if last else f"arn:aws:s3:::other-{number}",)
        ]
        document = json.dumps({"Version": "2012-10-17", "Statement": statements})
        policy = iam.create_policy(PolicyName=f"bench-{number}", PolicyDocument=document)
        iam.attach_user_policy(UserName=USER, PolicyArn=policy["Policy"]["Arn"])
    key = iam.create_access_key(UserName=USER)["AccessKey"]
    account = made["Arn"].split(":")[4]
    principal = Principal(account=account, arn=made["Arn"], user_id=made["UserId"])
    secret = key["SecretAccessKey"]
    return principal, {"AWS_ACCESS_KEY_ID": key["AccessKeyId"], "AWS_SECRET_ACCESS_KEY": secret}


async def _decisions(measured: Measured, user: Principal) -> float:
    """Milliseconds of one, at the median."""
    database = Database(measured.data / "flowmaker.db")
    authorizer = PolicyAuthorizer(database, SystemClock())
    need = Need(action="s3:GetObject", resource=OBJECT)
    taken: list[float] = []
    for _ in range(TIMES):
        begin = time.perf_counter()
        await authorizer.check(user, [need], region="us-east-1")
        taken.append(1000 * (time.perf_counter() - begin))
    database.close()
    return statistics.median(taken)


def _calls(measured: Measured, keys: dict[str, str]) -> tuple[float, float]:
    """Milliseconds of a call by the user and by the administrator, at the median."""
    path = f"/{BUCKET}/object"
    connection = Connection(measured.url)
    messages = [
        Signer.of(measured.url, each).message("GET", path) for each in (keys, measured.environment)
    ]
    taken: list[list[float]] = [[], []]
    for _ in range(ROUNDS):
        for message, found in zip(messages, taken, strict=True):
            for _ in range(TIMES // ROUNDS):
                begin = time.perf_counter()
                connection.ask_all([message])
                found.append(1000 * (time.perf_counter() - begin))
    connection.close()
    return statistics.median(taken[0]), statistics.median(taken[1])
