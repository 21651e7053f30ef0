"""STS by boto3, and the sessions that the server gives itself."""

import asyncio
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from botocore.exceptions import ClientError

from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam.bootstrap import WORKER_ROLE, admin_session, bootstrap
from flowmaker.aws.sts.sessions import RoleSessions
from flowmaker.store.schema.aws import sts_sessions
from tests.fakes.iam_server import IamServer, iam_server

ACCOUNT = "000000000000"
ADMIN = f"arn:aws:iam::{ACCOUNT}:role/FlowmakerAdmin"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("sts")) as running:
        yield running


def admin(server: IamServer, service: str) -> Any:
    session = server.admin
    keys = (session.access_key_id, session.secret_access_key, session.session_token)
    return server.client(service, keys)


def of(server: IamServer, service: str, credentials: dict[str, str]) -> Any:
    names = ("AccessKeyId", "SecretAccessKey", "SessionToken")
    return server.client(service, tuple(credentials[name] for name in names))


def refusal(call: Any, **parameters: Any) -> tuple[str, str]:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response["Error"]
    return error["Code"], error["Message"]


def trusting(principal: Any) -> str:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole"}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def test_everybody_may_ask_who_they_are(server: IamServer) -> None:
    assert server.client("sts").get_caller_identity()["Arn"] == f"arn:aws:iam::{ACCOUNT}:root"
    session = admin(server, "sts").get_caller_identity()
    assert session["Arn"] == f"arn:aws:sts::{ACCOUNT}:assumed-role/FlowmakerAdmin/flowmaker-env"
    assert session["UserId"].startswith("AROA")
    iam = server.client("iam")
    iam.create_user(UserName="poor")
    key = iam.create_access_key(UserName="poor")["AccessKey"]
    poor = server.client("sts", (key["AccessKeyId"], key["SecretAccessKey"]))
    assert poor.get_caller_identity()["UserId"].startswith("AIDA")
    code, message = refusal(poor.assume_role, RoleArn=ADMIN, RoleSessionName="try")
    assert code == "AccessDenied"
    assert "sts:AssumeRole" in message


def test_a_role_is_assumed_and_expires(server: IamServer) -> None:
    assumed = admin(server, "sts").assume_role(
        RoleArn=ADMIN, RoleSessionName="me", DurationSeconds=900
    )
    assert assumed["AssumedRoleUser"]["Arn"].endswith("assumed-role/FlowmakerAdmin/me")
    client = of(server, "sts", assumed["Credentials"])
    assert client.get_caller_identity()["Arn"] == assumed["AssumedRoleUser"]["Arn"]
    server.clock.ahead = timedelta(minutes=14)
    client.get_caller_identity()
    server.clock.ahead = timedelta(0)
    wrong = assumed["Credentials"] | {"SessionToken": "x" + assumed["Credentials"]["SessionToken"]}
    code, _ = refusal(of(server, "sts", wrong).get_caller_identity)
    assert code == "InvalidClientTokenId"


def test_an_expired_session_is_refused_and_forgotten(server: IamServer) -> None:
    sessions = RoleSessions(server.database, server.clock)
    short = asyncio.run(
        sessions.for_service(ADMIN, "sagemaker.amazonaws.com", "short", account=ACCOUNT, seconds=-1)
    )
    client = server.client(
        "sts", (short.access_key_id, short.secret_access_key, short.session_token)
    )
    code, _ = refusal(client.get_caller_identity)
    assert code == "ExpiredToken"
    asyncio.run(sessions.for_service(ADMIN, "sagemaker.amazonaws.com", "next", account=ACCOUNT))
    kept = server.database.read_now(
        lambda tx: set(
            tx.scalars(sts_sessions.select().with_only_columns(sts_sessions.c.access_key_id))
        )
    )
    assert short.access_key_id not in kept
    assert server.admin.access_key_id in kept


def test_a_session_policy_narrows(server: IamServer) -> None:
    only = json.dumps(
        {
            "Version": "2012-10-17",
            "Statement": [{"Effect": "Allow", "Action": "iam:ListUsers", "Resource": "*"}],
        }
    )
    assumed = admin(server, "sts").assume_role(RoleArn=ADMIN, RoleSessionName="me", Policy=only)
    iam = of(server, "iam", assumed["Credentials"])
    iam.list_users()
    code, message = refusal(iam.list_roles)
    assert code == "AccessDenied"
    assert "because no session policy allows the iam:ListRoles action" in message
    assumed = admin(server, "sts").assume_role(
        RoleArn=ADMIN,
        RoleSessionName="me",
        PolicyArns=[{"arn": "arn:aws:iam::aws:policy/IAMReadOnlyAccess"}],
    )
    iam = of(server, "iam", assumed["Credentials"])
    iam.list_roles()
    assert refusal(iam.create_user, UserName="x")[0] == "AccessDenied"


def test_who_may_assume_is_what_the_trust_policy_says(server: IamServer) -> None:
    iam = server.client("iam")
    iam.create_user(UserName="tom")
    key = iam.create_access_key(UserName="tom")["AccessKey"]
    tom = server.client("sts", (key["AccessKeyId"], key["SecretAccessKey"]))
    iam.create_role(
        RoleName="toms",
        AssumeRolePolicyDocument=trusting({"AWS": f"arn:aws:iam::{ACCOUNT}:user/tom"}),
    )
    toms = {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/toms", "RoleSessionName": "tom"}
    tom.assume_role(**toms)
    iam.update_assume_role_policy(
        RoleName="toms", PolicyDocument=trusting({"Service": "ec2.amazonaws.com"})
    )
    assert "because no resource-based policy allows" in refusal(tom.assume_role, **toms)[1]
    assert refusal(admin(server, "sts").assume_role, **toms)[0] == "AccessDenied"
    nobody = toms | {"RoleArn": f"arn:aws:iam::{ACCOUNT}:role/nobody"}
    code, message = refusal(tom.assume_role, **nobody)
    assert code == "AccessDenied"
    assert "There is no role" in message


def test_limits_of_assume_role(server: IamServer) -> None:
    sts = admin(server, "sts")
    asked = {"RoleArn": ADMIN, "RoleSessionName": "me"}
    assert refusal(sts.assume_role, **asked, DurationSeconds=7200)[0] == "ValidationError"
    assert refusal(sts.assume_role, **asked, Policy="{")[0] == "MalformedPolicyDocument"
    assert refusal(sts.assume_role, **asked, SourceIdentity="aws:me")[0] == "ValidationError"
    assert refusal(server.client("sts").assume_role, **asked)[0] == "AccessDenied"


def test_session_token_and_key_info(server: IamServer) -> None:
    root = server.client("sts")
    session = root.get_session_token()["Credentials"]
    client = of(server, "sts", session)
    assert client.get_caller_identity()["Arn"].endswith(":root")
    assert refusal(client.get_session_token)[0] == "AccessDenied"
    assert root.get_access_key_info(AccessKeyId=session["AccessKeyId"])["Account"] == ACCOUNT
    assert refusal(root.decode_authorization_message, EncodedMessage="x")[0] == "InvalidAction"


def test_sessions_of_the_server(server: IamServer) -> None:
    sessions = RoleSessions(server.database, server.clock)
    worker = asyncio.run(sessions.for_worker(WORKER_ROLE, "task-1"))
    client = server.client(
        "sts", (worker.access_key_id, worker.secret_access_key, worker.session_token)
    )
    assert client.get_caller_identity()["Arn"].endswith(f"assumed-role/{WORKER_ROLE}/task-1")
    for role, words in (
        (f"arn:aws:iam::{ACCOUNT}:role/none", "there is no such role"),
        (
            f"arn:aws:iam::{ACCOUNT}:role/{WORKER_ROLE}",
            "allows principal 'sagemaker.amazonaws.com'",
        ),
    ):
        with pytest.raises(AwsError) as raised:
            asyncio.run(sessions.for_service(role, "sagemaker.amazonaws.com", "s", account=ACCOUNT))
        assert raised.value.code == "ValidationException"
        assert words in raised.value.message


def test_starting_again_changes_nothing(server: IamServer) -> None:
    iam = server.client("iam")
    iam.put_role_policy(
        RoleName=WORKER_ROLE,
        PolicyName="kubeflow-pipelines-artifacts",
        PolicyDocument='{"Statement": {"Effect": "Deny", "Action": "s3:*", "Resource": "*"}}',
    )
    before = iam.list_roles()["Roles"]
    assert asyncio.run(bootstrap(server.database, server.clock)) == server.root
    assert asyncio.run(admin_session(server.database, server.clock)) == server.admin
    assert iam.list_roles()["Roles"] == before
    kept = iam.get_role_policy(RoleName=WORKER_ROLE, PolicyName="kubeflow-pipelines-artifacts")
    assert kept["PolicyDocument"]["Statement"]["Effect"] == "Deny"


def teams_role(iam: Any, name: str, *trusted: str) -> str:
    """A role for sessions of teams whose name begins with a, which may make their buckets."""
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": ACCOUNT},
        "Action": list(trusted),
        "Condition": {"StringLikeIfExists": {"aws:RequestTag/team": "a*"}},
    }
    trust = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    iam.create_role(
        RoleName=name,
        AssumeRolePolicyDocument=trust,
        Tags=[{"Key": "team", "Value": "of-the-role"}],
    )
    allowed = {
        "Effect": "Allow",
        "Action": ["s3:CreateBucket", "sts:AssumeRole"],
        "Resource": ["arn:aws:s3:::${aws:PrincipalTag/team}-*", "arn:aws:iam::*:role/*"],
    }
    document = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=document)
    return f"arn:aws:iam::{ACCOUNT}:role/{name}"


def test_a_session_has_tags_that_policies_ask_for(server: IamServer) -> None:
    account, iam = server.first(), server.client("iam")
    may = {"Effect": "Allow", "Action": ["sts:AssumeRole", "sts:TagSession"], "Resource": "*"}
    caller = server.client("sts", account.user("tagger", may))

    tagged = teams_role(iam, "tagged", "sts:AssumeRole", "sts:TagSession")
    asked = {"RoleArn": tagged, "RoleSessionName": "me"}
    tags = {"Tags": [{"Key": "team", "Value": "alpha"}], "TransitiveTagKeys": ["team"]}
    plain = of(server, "s3", caller.assume_role(**asked)["Credentials"])
    mine = caller.assume_role(**asked, **tags)["Credentials"]
    where = {"CreateBucketConfiguration": {"LocationConstraint": "us-west-2"}}
    of(server, "s3", mine).create_bucket(Bucket="alpha-1", **where)
    assert refusal(plain.create_bucket, Bucket="alpha-2", **where)[0] == "AccessDenied"
    plain.create_bucket(Bucket="of-the-role-1", **where)

    further = teams_role(iam, "further", "sts:AssumeRole")
    chained = of(server, "sts", mine).assume_role(RoleArn=further, RoleSessionName="me")
    of(server, "s3", chained["Credentials"]).create_bucket(Bucket="alpha-3", **where)

    code, message = refusal(caller.assume_role, RoleArn=further, RoleSessionName="me", **tags)
    assert code == "AccessDenied"
    assert "sts:TagSession" in message
    other = {"Tags": [{"Key": "team", "Value": "beta"}]}
    assert refusal(caller.assume_role, **asked, **other)[0] == "AccessDenied"
    twice = {"Tags": [{"Key": "team", "Value": "a"}, {"Key": "Team", "Value": "a"}]}
    assert refusal(caller.assume_role, **asked, **twice)[0] == "InvalidParameterValue"
    absent = {"TransitiveTagKeys": ["none"]}
    assert refusal(caller.assume_role, **asked, **absent)[0] == "ValidationError"


def test_a_source_identity_stays_what_it_is(server: IamServer) -> None:
    account, iam = server.first(), server.client("iam")
    may = {"Effect": "Allow", "Action": "sts:*", "Resource": "*"}
    caller = server.client("sts", account.user("identified", may))
    both = ["sts:AssumeRole", "sts:SetSourceIdentity"]

    def role(name: str, *actions: str) -> dict[str, str]:
        statement = {
            "Effect": "Allow",
            "Principal": {"AWS": account.arn("root")},
            "Action": list(actions),
            "Condition": {"StringEqualsIfExists": {"sts:SourceIdentity": "ann"}},
        }
        trust = json.dumps({"Version": "2012-10-17", "Statement": statement})
        made = iam.create_role(RoleName=name, AssumeRolePolicyDocument=trust)["Role"]
        policy = [
            may,
            {
                "Effect": "Allow",
                "Action": "s3:ListAllMyBuckets",
                "Resource": "*",
                "Condition": {"StringEquals": {"aws:SourceIdentity": "ann"}},
            },
        ]
        text = json.dumps({"Version": "2012-10-17", "Statement": policy})
        iam.put_role_policy(RoleName=name, PolicyName="own", PolicyDocument=text)
        return {"RoleArn": made["Arn"], "RoleSessionName": "me"}

    first, further = role("identified-first", *both), role("identified-further", *both)
    without = role("identified-not", both[0])
    assumed = caller.assume_role(**first, SourceIdentity="ann")
    assert assumed["SourceIdentity"] == "ann"
    of(server, "s3", assumed["Credentials"]).list_buckets()
    chained = of(server, "sts", assumed["Credentials"]).assume_role(**further)
    assert chained["SourceIdentity"] == "ann"
    of(server, "s3", chained["Credentials"]).list_buckets()
    plain = caller.assume_role(**first)
    assert "SourceIdentity" not in plain
    assert refusal(of(server, "s3", plain["Credentials"]).list_buckets)[0] == "AccessDenied"

    assert refusal(caller.assume_role, **first, SourceIdentity="bob")[0] == "AccessDenied"
    code, message = refusal(caller.assume_role, **without, SourceIdentity="ann")
    assert code == "AccessDenied"
    assert "sts:SetSourceIdentity" in message
    again = of(server, "sts", assumed["Credentials"])
    code, message = refusal(again.assume_role, **further, SourceIdentity="eve")
    assert (code, "cannot be changed" in message) == ("AccessDenied", True)
    assert refusal(again.assume_role, **without)[0] == "AccessDenied", "what is set is set on"
