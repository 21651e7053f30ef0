"""Several accounts by boto3: what each has is its own."""

import sqlite3
from pathlib import Path

from flowmaker.store.migration import GENERATION
from tests.fakes import iam_server as fakes
from tests.fakes.accounts import allow, deny, refusal, refused, trusting, whom
from tests.fakes.iam_server import IamServer, OtherAccount, document, iam_server

OLD = Path(fakes.__file__).parent / "generation_1.sql"


def test_everybody_is_of_an_account(a: OtherAccount, b: OtherAccount) -> None:
    assert whom(a.client("sts")) == (a.id, f"arn:aws:iam::{a.id}:root")
    assert whom(b.client("sts")) == (b.id, f"arn:aws:iam::{b.id}:root")
    assert a.id != b.id
    keys = b.user("someone")
    assert whom(b.client("sts", keys)) == (b.id, b.arn("user/someone"))
    sts = a.client("sts")
    assert sts.get_access_key_info(AccessKeyId=keys[0])["Account"] == b.id
    session = b.client("sts", keys).get_session_token()["Credentials"]
    assert sts.get_access_key_info(AccessKeyId=session["AccessKeyId"])["Account"] == b.id
    temporary = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    assert whom(b.client("sts", temporary)) == (b.id, b.arn("user/someone"))


def populated(account: OtherAccount, action: str) -> tuple[str, str]:
    """Names that any account may have; the keys of ann, who may do that by her group."""
    iam = account.client("iam")
    iam.create_user(UserName="ann", Path="/people/")
    iam.create_group(GroupName="team")
    iam.add_user_to_group(GroupName="team", UserName="ann")
    iam.create_role(RoleName="worker", AssumeRolePolicyDocument=trusting(account.arn("root")))
    made = iam.create_policy(PolicyName="may", PolicyDocument=document(allow(action, "*")))
    assert made["Policy"]["Arn"] == account.arn("policy/may")
    iam.attach_group_policy(GroupName="team", PolicyArn=account.arn("policy/may"))
    iam.create_instance_profile(InstanceProfileName="node")
    iam.add_role_to_instance_profile(InstanceProfileName="node", RoleName="worker")
    key = iam.create_access_key(UserName="ann")["AccessKey"]
    return key["AccessKeyId"], key["SecretAccessKey"]


def test_names_are_an_accounts_own(accounts: IamServer) -> None:
    """The same name in both: what one does to his does nothing to the other's."""
    a, b = accounts.account("names-a"), accounts.account("names-b")
    ann_of_a, ann_of_b = populated(a, "iam:ListUsers"), populated(b, "iam:ListRoles")
    assert a.client("iam", ann_of_a).list_users()
    assert refusal(a.client("iam", ann_of_a).list_roles) == "AccessDenied"
    assert b.client("iam", ann_of_b).list_roles()
    assert refusal(b.client("iam", ann_of_b).list_users) == "AccessDenied"

    iam = b.client("iam")
    assert iam.get_role(RoleName="worker")["Role"]["Arn"] == b.arn("role/worker")
    profile = iam.get_instance_profile(InstanceProfileName="node")["InstanceProfile"]
    assert [role["Arn"] for role in profile["Roles"]] == [b.arn("role/worker")]
    assert iam.list_entities_for_policy(PolicyArn=b.arn("policy/may"))["PolicyGroups"]
    assert iam.get_policy(PolicyArn=b.arn("policy/may"))["Policy"]["AttachmentCount"] == 1

    iam.detach_group_policy(GroupName="team", PolicyArn=b.arn("policy/may"))
    iam.remove_user_from_group(GroupName="team", UserName="ann")
    iam.delete_group(GroupName="team")
    iam.delete_access_key(UserName="ann", AccessKeyId=ann_of_b[0])
    iam.delete_user(UserName="ann")
    iam.remove_role_from_instance_profile(InstanceProfileName="node", RoleName="worker")
    iam.delete_instance_profile(InstanceProfileName="node")
    iam.delete_role(RoleName="worker")
    iam.delete_policy(PolicyArn=b.arn("policy/may"))
    assert a.client("iam", ann_of_a).list_users()
    assert refusal(b.client("sts", ann_of_b).get_caller_identity) == "InvalidClientTokenId"
    left = a.client("iam").get_instance_profile(InstanceProfileName="node")["InstanceProfile"]
    assert [role["Arn"] for role in left["Roles"]] == [a.arn("role/worker")]
    assert len(a.client("iam").get_group(GroupName="team")["Users"]) == 1


def test_lists_show_one_account_only(accounts: IamServer, a: OtherAccount) -> None:
    fresh = accounts.account("fresh")
    iam, s3 = fresh.client("iam"), fresh.client("s3")
    assert iam.list_users()["Users"] == iam.list_groups()["Groups"] == []
    assert iam.list_roles()["Roles"] == iam.list_instance_profiles()["InstanceProfiles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert [one["AccessKeyId"] for one in iam.list_access_keys()["AccessKeyMetadata"]] == [
        fresh.keys[0]
    ]
    details = iam.get_account_authorization_details()
    for kind in ("UserDetailList", "RoleDetailList", "GroupDetailList", "Policies"):
        assert details[kind] == []
    assert s3.list_buckets()["Buckets"] == []
    fresh.user("only")
    s3.create_bucket(Bucket="only-of-fresh")
    assert [one["UserName"] for one in iam.list_users()["Users"]] == ["only"]
    assert [one["Name"] for one in s3.list_buckets()["Buckets"]] == ["only-of-fresh"]
    mine = a.client("iam").list_users()["Users"]
    assert all(one["Arn"].startswith(f"arn:aws:iam::{a.id}:") for one in mine)
    names = [one["Name"] for one in a.client("s3").list_buckets()["Buckets"]]
    assert "only-of-fresh" not in names


def test_keys_of_another_account_are_not_touched(a: OtherAccount, b: OtherAccount) -> None:
    """By their id, nor by an equal name of their user."""
    keys = b.user("keyed")
    a.user("keyed")
    iam = a.client("iam")
    assert refusal(iam.get_access_key_last_used, AccessKeyId=keys[0]) == "NoSuchEntity"
    for name in ("keyed", None):
        of = {"UserName": name} if name else {}
        assert refusal(iam.delete_access_key, AccessKeyId=keys[0], **of) == "NoSuchEntity"
        change = {"AccessKeyId": keys[0], "Status": "Inactive", **of}
        assert refusal(iam.update_access_key, **change) == "NoSuchEntity"
    assert whom(b.client("sts", keys))[0] == b.id
    assert refusal(iam.delete_access_key, AccessKeyId=b.keys[0]) == "NoSuchEntity"


def test_policies_of_another_account_are_not_read_changed_or_attached(
    a: OtherAccount, b: OtherAccount
) -> None:
    made = b.client("iam").create_policy(
        PolicyName="theirs", PolicyDocument=document(allow("*", "*"))
    )
    arn = made["Policy"]["Arn"]
    iam = a.client("iam")
    iam.create_user(UserName="greedy")
    iam.create_role(RoleName="greedy", AssumeRolePolicyDocument=trusting(a.arn("root")))
    for attach in (
        lambda **more: iam.attach_user_policy(UserName="greedy", **more),
        lambda **more: iam.attach_role_policy(RoleName="greedy", **more),
    ):
        assert refusal(attach, PolicyArn=arn) == "NoSuchEntity"
    for bound in (
        lambda **more: iam.put_user_permissions_boundary(UserName="greedy", **more),
        lambda **more: iam.put_role_permissions_boundary(RoleName="greedy", **more),
    ):
        assert refusal(bound, PermissionsBoundary=arn) == "NoSuchEntity"
    for call, more in (
        (iam.get_policy, {}),
        (iam.delete_policy, {}),
        (iam.list_entities_for_policy, {}),
        (iam.list_policy_versions, {}),
        (iam.get_policy_version, {"VersionId": "v1"}),
        (iam.create_policy_version, {"PolicyDocument": document(deny("*", "*"))}),
    ):
        code, message = refused(call, PolicyArn=arn, **more)
        assert code == "AccessDenied"
        assert "only buckets, roles and repositories of images let other" in message
    whose = {"PolicySourceArn": b.arn("user/someone"), "ActionNames": ["s3:GetObject"]}
    assert refusal(iam.simulate_principal_policy, **whose) == "AccessDenied"


def test_what_is_older_than_accounts_is_the_first_accounts(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "flowmaker.db") as old:
        old.executescript(OLD.read_text())
        assert old.execute("PRAGMA user_version").fetchone() == (1,)
    with iam_server(tmp_path) as accounts:
        first = accounts.first()
        assert first.keys == ("AKIAROOTOFGENERATION", "secret-of-root")
        assert accounts.admin.session_token == "token-of-admin"
        ann = ("AKIAANNXOFGENERATION", "secret-of-ann")
        assert whom(first.client("sts", ann)) == (first.id, first.arn("user/team/ann"))
        # By the policy of a group in its second version, and by her own.
        buckets = first.client("s3", ann).list_buckets()["Buckets"]
        assert [one["Name"] for one in buckets] == ["old"]
        roles = first.client("iam", ann).list_roles()["Roles"]
        assert "FlowmakerAdmin" in {one["RoleName"] for one in roles}
        assert refusal(first.client("iam", ann).list_users) == "AccessDenied"
        iam = first.client("iam")
        assert iam.get_user(UserName="ann")["User"]["Tags"] == [{"Key": "of", "Value": "team"}]
        profile = iam.get_instance_profile(InstanceProfileName="nodes")["InstanceProfile"]
        assert profile["Roles"][0]["RoleName"] == "FlowmakerAdmin"
        policy = first.arn("policy/buckets")
        assert len(iam.list_policy_versions(PolicyArn=policy)["Versions"]) == 2

        other = accounts.account("other")
        other.user("ann")
        assert [one["UserName"] for one in iam.list_users()["Users"]] == ["ann"]
        other_ann = other.client("iam").get_user(UserName="ann")["User"]
        assert other_ann["Arn"] == other.arn("user/ann")
        assert refusal(other.client("s3").head_bucket, Bucket="old") == "403"
    with sqlite3.connect(tmp_path / "flowmaker.db") as now:
        assert now.execute("PRAGMA user_version").fetchone() == (GENERATION,)
        assert now.execute("PRAGMA foreign_key_check").fetchall() == []
