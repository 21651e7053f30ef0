"""Permissions are enforced: from the next request on, and in AWS's words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.iam_server import IamServer, iam_server

ACCOUNT = "000000000000"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("iam")) as running:
        yield running


def policy(effect: str, action: str, resource: str = "*", **more: Any) -> str:
    statement = {"Effect": effect, "Action": action, "Resource": resource, **more}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


def user(server: IamServer, name: str) -> Any:
    """A new user's own client."""
    iam = server.client("iam")
    iam.create_user(UserName=name)
    key = iam.create_access_key(UserName=name)["AccessKey"]
    return server.client("iam", (key["AccessKeyId"], key["SecretAccessKey"]))


def denial(call: Any, **parameters: Any) -> str:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    assert raised.value.response["Error"]["Code"] == "AccessDenied"
    assert raised.value.response["ResponseMetadata"]["HTTPStatusCode"] == 403
    return raised.value.response["Error"]["Message"]


def test_nothing_is_allowed_until_a_policy_says_so(server: IamServer) -> None:
    admin, ann = server.client("iam"), user(server, "ann")
    arn = f"arn:aws:iam::{ACCOUNT}:user/ann"
    told = denial(ann.get_user)
    assert told.startswith(
        f"User: {arn} is not authorized to perform: iam:GetUser on resource: {arn} because no "
        "identity-based policy allows the iam:GetUser action"
    )
    missing = json.loads(told[told.index("{") : told.rindex("}") + 1])
    assert missing == {"Effect": "Allow", "Action": "iam:GetUser", "Resource": arn}
    document = json.dumps({"Version": "2012-10-17", "Statement": [missing]})
    admin.put_user_policy(UserName="ann", PolicyName="as-told", PolicyDocument=document)
    assert ann.get_user()["User"]["UserName"] == "ann"
    admin.delete_user_policy(UserName="ann", PolicyName="as-told")
    denial(ann.get_user)


def test_an_explicit_deny_is_named(server: IamServer) -> None:
    admin, bob = server.client("iam"), user(server, "bob")
    admin.attach_user_policy(
        UserName="bob", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    bob.get_user()
    admin.put_user_policy(
        UserName="bob",
        PolicyName="no-looking",
        PolicyDocument=policy("Deny", "iam:Get*", Sid="NoLooking"),
    )
    told = denial(bob.get_user)
    assert "with an explicit deny in an identity-based policy" in told
    assert "no-looking" in told
    assert "NoLooking" in told


def test_a_group_gives_and_takes_what_it_has(server: IamServer) -> None:
    admin, ivy = server.client("iam"), user(server, "ivy")
    made = admin.create_group(GroupName="readers", Path="/team/")["Group"]
    assert made["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/team/readers"
    assert made["GroupId"].startswith("AGPA")
    admin.put_group_policy(
        GroupName="readers", PolicyName="look", PolicyDocument=policy("Allow", "iam:ListUsers")
    )
    managed = "arn:aws:iam::aws:policy/IAMReadOnlyAccess"
    admin.attach_group_policy(GroupName="readers", PolicyArn=managed)
    denial(ivy.list_users)
    admin.add_user_to_group(GroupName="readers", UserName="ivy")
    admin.add_user_to_group(GroupName="readers", UserName="ivy")
    ivy.list_users()
    ivy.list_roles()
    assert [one["UserName"] for one in admin.get_group(GroupName="readers")["Users"]] == ["ivy"]
    assert admin.list_groups_for_user(UserName="ivy")["Groups"] == [made]
    assert admin.list_groups(PathPrefix="/team/")["Groups"] == [made]
    holders = admin.list_entities_for_policy(PolicyArn=managed)
    assert [one["GroupName"] for one in holders["PolicyGroups"]] == ["readers"]
    deny = policy("Deny", "iam:ListUsers", Sid="NotThese")
    admin.put_group_policy(GroupName="readers", PolicyName="not", PolicyDocument=deny)
    assert "NotThese" in denial(ivy.list_users)


def test_a_group_goes_when_nobody_and_nothing_is_in_it(server: IamServer) -> None:
    admin = server.client("iam")
    admin.create_user(UserName="gil")
    admin.create_group(GroupName="leavers")
    admin.add_user_to_group(GroupName="leavers", UserName="gil")
    look = policy("Allow", "iam:ListUsers")
    admin.put_group_policy(GroupName="leavers", PolicyName="look", PolicyDocument=look)
    with pytest.raises(ClientError, match="must remove users from group first"):
        admin.delete_group(GroupName="leavers")
    with pytest.raises(ClientError, match="must remove user from all groups first"):
        admin.delete_user(UserName="gil")
    admin.remove_user_from_group(GroupName="leavers", UserName="gil")
    with pytest.raises(ClientError, match="User gil is not in the group leavers"):
        admin.remove_user_from_group(GroupName="leavers", UserName="gil")
    admin.delete_user(UserName="gil")
    with pytest.raises(ClientError, match="must delete policies first"):
        admin.delete_group(GroupName="leavers")
    admin.delete_group_policy(GroupName="leavers", PolicyName="look")
    admin.delete_group(GroupName="leavers")
    with pytest.raises(ClientError, match="The group with name leavers cannot be found"):
        admin.get_group(GroupName="leavers")


def test_a_boundary_limits(server: IamServer) -> None:
    admin, cid = server.client("iam"), user(server, "cid")
    admin.attach_user_policy(
        UserName="cid", PolicyArn="arn:aws:iam::aws:policy/AdministratorAccess"
    )
    admin.put_user_permissions_boundary(
        UserName="cid", PermissionsBoundary="arn:aws:iam::aws:policy/AmazonS3FullAccess"
    )
    assert "because no permissions boundary allows" in denial(cid.list_users)
    admin.delete_user_permissions_boundary(UserName="cid")
    cid.list_users()


def test_a_change_of_a_policy_version_counts_at_once(server: IamServer) -> None:
    admin, dan = server.client("iam"), user(server, "dan")
    arn = admin.create_policy(PolicyName="of-dan", PolicyDocument=policy("Allow", "iam:ListUsers"))[
        "Policy"
    ]["Arn"]
    admin.attach_user_policy(UserName="dan", PolicyArn=arn)
    dan.list_users()
    admin.create_policy_version(
        PolicyArn=arn, PolicyDocument=policy("Allow", "iam:ListRoles"), SetAsDefault=True
    )
    denial(dan.list_users)
    admin.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    dan.list_users()


def test_users_by_variable_and_tag(server: IamServer) -> None:
    admin, eve = server.client("iam"), user(server, "eve")
    own = policy("Allow", "iam:GetUser", f"arn:aws:iam::{ACCOUNT}:user/${{aws:username}}")
    admin.put_user_policy(UserName="eve", PolicyName="own", PolicyDocument=own)
    eve.get_user()
    denial(eve.get_user, UserName="ann")
    tagged = policy(
        "Allow",
        "iam:ListUsers",
        Condition={"StringEquals": {"aws:PrincipalTag/team": "ml"}},
    )
    admin.put_user_policy(UserName="eve", PolicyName="tagged", PolicyDocument=tagged)
    denial(eve.list_users)
    admin.tag_user(UserName="eve", Tags=[{"Key": "team", "Value": "ml"}])
    eve.list_users()


def test_a_user_made_again_is_another(server: IamServer) -> None:
    admin, fay = server.client("iam"), user(server, "fay")
    admin.put_user_policy(UserName="fay", PolicyName="all", PolicyDocument=policy("Allow", "iam:*"))
    sts = server.client("sts", fay_keys(fay))
    session = sts.get_session_token()["Credentials"]
    temporary = server.client(
        "iam", (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    )
    temporary.list_users()
    for key in admin.list_access_keys(UserName="fay")["AccessKeyMetadata"]:
        admin.delete_access_key(UserName="fay", AccessKeyId=key["AccessKeyId"])
    admin.delete_user_policy(UserName="fay", PolicyName="all")
    admin.delete_user(UserName="fay")
    admin.create_user(UserName="fay")
    admin.put_user_policy(UserName="fay", PolicyName="all", PolicyDocument=policy("Allow", "iam:*"))
    denial(temporary.list_users)


def fay_keys(client: Any) -> tuple[str, str]:
    credentials = client._request_signer._credentials
    return credentials.access_key, credentials.secret_key


def test_last_use_of_a_key_is_known(server: IamServer) -> None:
    admin, gus = server.client("iam"), user(server, "gus")
    key_id = fay_keys(gus)[0]
    unused = admin.get_access_key_last_used(AccessKeyId=key_id)
    assert unused["AccessKeyLastUsed"] == {"ServiceName": "N/A", "Region": "N/A"}
    denial(gus.list_users)
    used = admin.get_access_key_last_used(AccessKeyId=key_id)
    assert used["UserName"] == "gus"
    assert used["AccessKeyLastUsed"]["ServiceName"] == "iam"
    assert used["AccessKeyLastUsed"]["Region"] == "us-west-2"
