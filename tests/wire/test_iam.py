"""IAM by boto3: what it keeps, what it refuses, and in which words."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.exceptions import ClientError

from tests.fakes.iam_server import IamServer, iam_server

ACCOUNT = "000000000000"
AWS = "arn:aws:iam::aws:policy"
TRUST = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"Service": "sagemaker.amazonaws.com"},
                "Action": "sts:AssumeRole",
            }
        ],
    }
)


def allowing(*actions: str, resource: str = "*") -> str:
    statement = {"Effect": "Allow", "Action": actions, "Resource": resource}
    return json.dumps({"Version": "2012-10-17", "Statement": [statement]})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[IamServer]:
    with iam_server(tmp_path_factory.mktemp("iam")) as running:
        yield running


@pytest.fixture
def iam(server: IamServer) -> Any:
    return server.client("iam")


def refused(code: str, words: str, status: int, call: Any, **parameters: Any) -> None:
    with pytest.raises(ClientError) as raised:
        call(**parameters)
    error = raised.value.response
    assert error["Error"]["Code"] == code
    assert words in error["Error"]["Message"]
    assert error["ResponseMetadata"]["HTTPStatusCode"] == status


def test_life_of_a_user(iam: Any) -> None:
    made = iam.create_user(UserName="life", Path="/team/", Tags=[{"Key": "a", "Value": "b"}])
    user = made["User"]
    assert user["Arn"] == f"arn:aws:iam::{ACCOUNT}:user/team/life"
    assert user["UserId"].startswith("AIDA")
    assert iam.get_user(UserName="life")["User"] == user
    refused(
        "EntityAlreadyExists",
        "User with name LIFE already exists.",
        409,
        iam.create_user,
        UserName="LIFE",
    )
    listed = iam.list_users(PathPrefix="/team/")["Users"]
    assert [one["UserName"] for one in listed] == ["life"]
    iam.create_access_key(UserName="life")
    iam.put_user_policy(UserName="life", PolicyName="p", PolicyDocument=allowing("s3:*"))
    iam.attach_user_policy(UserName="life", PolicyArn=f"{AWS}/AmazonS3FullAccess")
    conflict = ("DeleteConflict", "must delete access keys first", 409, iam.delete_user)
    refused(*conflict, UserName="life")
    for key in iam.list_access_keys(UserName="life")["AccessKeyMetadata"]:
        iam.delete_access_key(UserName="life", AccessKeyId=key["AccessKeyId"])
    refused(
        "DeleteConflict", "must detach all policies first", 409, iam.delete_user, UserName="life"
    )
    iam.detach_user_policy(UserName="life", PolicyArn=f"{AWS}/AmazonS3FullAccess")
    refused("DeleteConflict", "must delete policies first", 409, iam.delete_user, UserName="life")
    iam.delete_user_policy(UserName="life", PolicyName="p")
    iam.delete_user(UserName="life")
    refused(
        "NoSuchEntity",
        "The user with name life cannot be found.",
        404,
        iam.get_user,
        UserName="life",
    )


def test_life_of_an_instance_profile(iam: Any) -> None:
    iam.create_role(RoleName="machine", AssumeRolePolicyDocument=TRUST)
    tags = [{"Key": "a", "Value": "b"}]
    made = iam.create_instance_profile(InstanceProfileName="node", Path="/eks/", Tags=tags)
    profile = made["InstanceProfile"]
    assert profile["Arn"] == f"arn:aws:iam::{ACCOUNT}:instance-profile/eks/node"
    assert profile["InstanceProfileId"].startswith("AIPA")
    assert profile["Roles"] == []
    assert iam.list_instance_profiles_for_role(RoleName="machine")["InstanceProfiles"] == []
    both = {"InstanceProfileName": "node", "RoleName": "machine"}
    iam.add_role_to_instance_profile(**both)
    refused("LimitExceeded", ": 1", 409, iam.add_role_to_instance_profile, **both)
    shown = iam.get_instance_profile(InstanceProfileName="node")["InstanceProfile"]
    assert [one["RoleName"] for one in shown["Roles"]] == ["machine"]
    assert shown["Tags"] == tags
    for listed in (
        iam.list_instance_profiles(PathPrefix="/eks/"),
        iam.list_instance_profiles_for_role(RoleName="machine"),
    ):
        assert [one["InstanceProfileName"] for one in listed["InstanceProfiles"]] == ["node"]
    must = ("DeleteConflict", "must remove roles from instance profile first", 409)
    refused(*must, iam.delete_instance_profile, InstanceProfileName="node")
    refused(*must, iam.delete_role, RoleName="machine")
    iam.remove_role_from_instance_profile(**both)
    refused("NoSuchEntity", "is not in", 404, iam.remove_role_from_instance_profile, **both)
    iam.delete_instance_profile(InstanceProfileName="node")
    iam.delete_role(RoleName="machine")
    refused(
        "NoSuchEntity",
        "Instance Profile node cannot be found.",
        404,
        iam.get_instance_profile,
        InstanceProfileName="node",
    )


def details_in_pages(iam: Any, size: int) -> dict[str, list[Any]]:
    """All of GetAccountAuthorizationDetails, of which no page has more than `size`."""
    lists = ("UserDetailList", "GroupDetailList", "RoleDetailList", "Policies")
    found: dict[str, list[Any]] = {name: [] for name in lists}
    paginator = iam.get_paginator("get_account_authorization_details")
    for page in paginator.paginate(PaginationConfig={"PageSize": size}):
        assert sum(len(page[name]) for name in lists) <= size
        for name in lists:
            found[name] += page[name]
    return found


def test_the_details_of_the_account_come_in_pages(iam: Any) -> None:
    iam.create_user(UserName="detail", Tags=[{"Key": "a", "Value": "b"}])
    iam.create_group(GroupName="details")
    iam.add_user_to_group(GroupName="details", UserName="detail")
    iam.put_group_policy(
        GroupName="details", PolicyName="look", PolicyDocument=allowing("s3:GetObject")
    )
    policy = iam.create_policy(PolicyName="detailed", PolicyDocument=allowing("s3:*"))["Policy"]
    iam.attach_user_policy(UserName="detail", PolicyArn=policy["Arn"])
    iam.put_user_policy(UserName="detail", PolicyName="own", PolicyDocument=allowing("iam:Get*"))

    found = details_in_pages(iam, 2)
    (user,) = [one for one in found["UserDetailList"] if one["UserName"] == "detail"]
    assert user["GroupList"] == ["details"]
    assert user["Tags"] == [{"Key": "a", "Value": "b"}]
    own = {"PolicyName": "own", "PolicyDocument": json.loads(allowing("iam:Get*"))}
    assert user["UserPolicyList"] == [own]
    attached = [{"PolicyName": "detailed", "PolicyArn": policy["Arn"]}]
    assert user["AttachedManagedPolicies"] == attached
    (group,) = [one for one in found["GroupDetailList"] if one["GroupName"] == "details"]
    assert [one["PolicyName"] for one in group["GroupPolicyList"]] == ["look"]
    (admin,) = [one for one in found["RoleDetailList"] if one["RoleName"] == "FlowmakerAdmin"]
    assert [one["PolicyName"] for one in admin["AttachedManagedPolicies"]] == [
        "AdministratorAccess"
    ]
    by_name = {one["PolicyName"]: one for one in found["Policies"]}
    assert by_name["detailed"]["AttachmentCount"] == 1
    (version,) = by_name["detailed"]["PolicyVersionList"]
    assert version["IsDefaultVersion"]
    assert version["Document"] == json.loads(allowing("s3:*"))
    assert by_name["AdministratorAccess"]["PolicyVersionList"][0]["Document"]["Statement"]
    only = iam.get_account_authorization_details(Filter=["Group"])
    assert only["GroupDetailList"]
    assert only["UserDetailList"] == only["RoleDetailList"] == only["Policies"] == []


def test_two_keys_at_most_and_a_status(server: IamServer, iam: Any) -> None:
    iam.create_user(UserName="keys")
    first = iam.create_access_key(UserName="keys")["AccessKey"]
    assert first["AccessKeyId"].startswith("AKIA")
    assert len(first["AccessKeyId"]) == 20
    assert len(first["SecretAccessKey"]) == 40
    iam.create_access_key(UserName="keys")
    refused(
        "LimitExceeded",
        "Cannot exceed quota for AccessKeysPerUser: 2",
        409,
        iam.create_access_key,
        UserName="keys",
    )
    sts = server.client("sts", (first["AccessKeyId"], first["SecretAccessKey"]))
    assert sts.get_caller_identity()["Arn"].endswith(":user/keys")
    change = {"UserName": "keys", "AccessKeyId": first["AccessKeyId"]}
    iam.update_access_key(**change, Status="Inactive")
    refused("InvalidClientTokenId", "", 403, sts.get_caller_identity)
    iam.update_access_key(**change, Status="Active")
    sts.get_caller_identity()
    iam.delete_access_key(**change)
    refused("InvalidClientTokenId", "", 403, sts.get_caller_identity)
    refused(
        "NoSuchEntity",
        f"The Access Key with id {first['AccessKeyId']} cannot be found.",
        404,
        iam.delete_access_key,
        **change,
    )


def test_life_of_a_role(iam: Any) -> None:
    role = iam.create_role(
        RoleName="worker", AssumeRolePolicyDocument=TRUST, Description="d", MaxSessionDuration=7200
    )["Role"]
    assert role["Arn"] == f"arn:aws:iam::{ACCOUNT}:role/worker"
    assert role["AssumeRolePolicyDocument"] == json.loads(TRUST)
    assert iam.get_role(RoleName="worker")["Role"] == role
    ec2 = TRUST.replace("sagemaker", "ec2")
    iam.update_assume_role_policy(RoleName="worker", PolicyDocument=ec2)
    iam.update_role(RoleName="worker", MaxSessionDuration=3600)
    changed = iam.get_role(RoleName="worker")["Role"]
    assert changed["AssumeRolePolicyDocument"] == json.loads(ec2)
    assert (changed["MaxSessionDuration"], changed["Description"]) == (3600, "d")
    iam.update_role(RoleName="worker")
    assert iam.get_role(RoleName="worker")["Role"] == changed
    iam.put_role_policy(RoleName="worker", PolicyName="one", PolicyDocument=allowing("s3:*"))
    assert iam.list_role_policies(RoleName="worker")["PolicyNames"] == ["one"]
    shown = iam.get_role_policy(RoleName="worker", PolicyName="one")
    assert shown["PolicyDocument"] == json.loads(allowing("s3:*"))
    iam.attach_role_policy(RoleName="worker", PolicyArn=f"{AWS}/AmazonSageMakerFullAccess")
    iam.attach_role_policy(RoleName="worker", PolicyArn=f"{AWS}/AmazonSageMakerFullAccess")
    attached = iam.list_attached_role_policies(RoleName="worker")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["AmazonSageMakerFullAccess"]
    refused(
        "DeleteConflict", "must detach all policies first", 409, iam.delete_role, RoleName="worker"
    )
    iam.detach_role_policy(RoleName="worker", PolicyArn=f"{AWS}/AmazonSageMakerFullAccess")
    iam.delete_role_policy(RoleName="worker", PolicyName="one")
    iam.tag_role(RoleName="worker", Tags=[{"Key": "k", "Value": "v"}])
    assert iam.list_role_tags(RoleName="worker")["Tags"] == [{"Key": "k", "Value": "v"}]
    iam.untag_role(RoleName="worker", TagKeys=["k"])
    assert iam.list_role_tags(RoleName="worker")["Tags"] == []
    iam.delete_role(RoleName="worker")
    refused(
        "NoSuchEntity",
        "The role with name worker cannot be found.",
        404,
        iam.get_role,
        RoleName="worker",
    )


def test_documents_are_checked(iam: Any) -> None:
    refused(
        "MalformedPolicyDocument",
        "invalid Json",
        400,
        iam.create_role,
        RoleName="bad",
        AssumeRolePolicyDocument="{",
    )
    refused(
        "MalformedPolicyDocument",
        "Has prohibited field Resource",
        400,
        iam.create_role,
        RoleName="bad",
        AssumeRolePolicyDocument=allowing("sts:AssumeRole").replace(
            '"Effect"', '"Principal": "*", "Effect"'
        ),
    )
    iam.create_user(UserName="full")
    long = allowing("s3:GetObject", resource="arn:aws:s3:::" + "x" * 2048)
    parameters = {"UserName": "full", "PolicyName": "p", "PolicyDocument": long}
    refused("LimitExceeded", "UserPolicySize: 2048", 409, iam.put_user_policy, **parameters)
    refused(
        "NoSuchEntity",
        f"Policy {AWS}/Nope does not exist or is not attachable.",
        404,
        iam.attach_user_policy,
        UserName="full",
        PolicyArn=f"{AWS}/Nope",
    )
    refused("ValidationError", "", 400, iam.create_user, UserName="no spaces")


def test_managed_policies_and_their_versions(iam: Any) -> None:
    made = iam.create_policy(PolicyName="mine", PolicyDocument=allowing("s3:*"))["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::{ACCOUNT}:policy/mine"
    refused(
        "EntityAlreadyExists",
        "A policy called mine already exists.",
        409,
        iam.create_policy,
        PolicyName="mine",
        PolicyDocument=allowing("s3:*"),
    )
    second = iam.create_policy_version(
        PolicyArn=arn, PolicyDocument=allowing("iam:*"), SetAsDefault=True
    )["PolicyVersion"]
    assert second["VersionId"] == "v2"
    shown = iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]
    assert shown["Document"] == json.loads(allowing("iam:*"))
    assert shown["IsDefaultVersion"]
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "b"}, {"Key": "c", "Value": "d"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == [{"Key": "c", "Value": "d"}]
    denied = ("AccessDenied", "managed by AWS", 403, iam.tag_policy)
    refused(*denied, PolicyArn=f"{AWS}/AmazonS3FullAccess", Tags=[{"Key": "a", "Value": "b"}])
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [one["VersionId"] for one in versions] == ["v2", "v1"]
    refused(
        "DeleteConflict",
        "Cannot delete the default version",
        409,
        iam.delete_policy_version,
        PolicyArn=arn,
        VersionId="v2",
    )
    iam.create_user(UserName="holder")
    iam.attach_user_policy(UserName="holder", PolicyArn=arn)
    assert iam.get_policy(PolicyArn=arn)["Policy"]["AttachmentCount"] == 1
    entities = iam.list_entities_for_policy(PolicyArn=arn)
    assert [one["UserName"] for one in entities["PolicyUsers"]] == ["holder"]
    refused("DeleteConflict", "attached to entities", 409, iam.delete_policy, PolicyArn=arn)
    iam.detach_user_policy(UserName="holder", PolicyArn=arn)
    iam.delete_policy_version(PolicyArn=arn, VersionId="v1")
    iam.delete_policy(PolicyArn=arn)
    refused("NoSuchEntity", f"Policy {arn} was not found.", 404, iam.get_policy, PolicyArn=arn)


def test_policies_of_aws_are_the_real_ones_and_only_read(iam: Any) -> None:
    arn = f"{AWS}/AmazonSageMakerFullAccess"
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    assert len(version["PolicyVersion"]["Document"]["Statement"]) > 20
    refused("AccessDenied", "managed by AWS", 403, iam.delete_policy, PolicyArn=arn)
    paginator = iam.get_paginator("list_policies")
    pages = list(paginator.paginate(Scope="AWS", PaginationConfig={"PageSize": 1000}))
    names = [one["PolicyName"] for page in pages for one in page["Policies"]]
    assert len(pages) == 2
    assert len(names) == len(set(names)) > 1000
    attached = iam.list_policies(Scope="AWS", OnlyAttached=True)["Policies"]
    assert "AdministratorAccess" in {one["PolicyName"] for one in attached}


def test_pages(iam: Any) -> None:
    for number in range(5):
        iam.create_user(UserName=f"page-{number}", Path="/pages/")
    paginator = iam.get_paginator("list_users")
    pages = list(paginator.paginate(PathPrefix="/pages/", PaginationConfig={"PageSize": 2}))
    names = [[user["UserName"] for user in page["Users"]] for page in pages]
    assert names == [["page-0", "page-1"], ["page-2", "page-3"], ["page-4"]]
    refused("ValidationError", "Invalid Marker", 400, iam.list_users, Marker="nonsense!")


def test_what_is_not_there_is_refused_by_name(iam: Any) -> None:
    refused(
        "InvalidAction",
        "CreateVirtualMFADevice",
        400,
        iam.create_virtual_mfa_device,
        VirtualMFADeviceName="m",
    )


def test_a_user_and_a_group_get_other_names(server: IamServer, iam: Any) -> None:
    account = server.first()
    keys = account.user("before", {"Effect": "Allow", "Action": "iam:List*", "Resource": "*"})
    iam.create_user(UserName="taken")
    iam.create_group(GroupName="old")
    iam.put_group_policy(GroupName="old", PolicyName="p", PolicyDocument=allowing("s3:List*"))
    iam.attach_group_policy(GroupName="old", PolicyArn=f"{AWS}/AmazonS3FullAccess")
    iam.add_user_to_group(GroupName="old", UserName="before")
    session = account.client("sts", keys).get_session_token()["Credentials"]
    temporary = (session["AccessKeyId"], session["SecretAccessKey"], session["SessionToken"])
    refused(
        "EntityAlreadyExists",
        "User with name Taken already exists.",
        409,
        iam.update_user,
        UserName="before",
        NewUserName="Taken",
    )
    iam.update_user(UserName="before", NewUserName="after", NewPath="/moved/")
    iam.update_group(GroupName="old", NewGroupName="new", NewPath="/moved/")

    arn = f"arn:aws:iam::{ACCOUNT}:user/moved/after"
    assert iam.get_user(UserName="after")["User"]["Arn"] == arn
    for own in (keys, temporary):
        assert account.client("sts", own).get_caller_identity()["Arn"] == arn
    assert account.client("iam", keys).list_users()["Users"]
    assert account.client("s3", keys).list_buckets()["Buckets"] == []
    assert iam.list_user_policies(UserName="after")["PolicyNames"] == ["own"]
    (group,) = iam.list_groups_for_user(UserName="after")["Groups"]
    assert group["Arn"] == f"arn:aws:iam::{ACCOUNT}:group/moved/new"
    for call, name in ((iam.get_user, "UserName"), (iam.get_group, "GroupName")):
        old = {"UserName": "before", "GroupName": "old"}[name]
        refused("NoSuchEntity", f"with name {old} cannot be found", 404, call, **{name: old})
    iam.update_user(UserName="after", NewUserName="After")
    assert account.client("sts", keys).get_caller_identity()["Arn"].endswith("/moved/After")


def test_what_no_account_has(iam: Any) -> None:
    iam.create_user(UserName="plain")
    of_user = {"UserName": "plain"}
    for call, member, given in (
        (iam.list_mfa_devices, "MFADevices", of_user),
        (iam.list_ssh_public_keys, "SSHPublicKeys", of_user),
        (iam.list_signing_certificates, "Certificates", of_user),
        (iam.list_service_specific_credentials, "ServiceSpecificCredentials", of_user),
        (iam.list_virtual_mfa_devices, "VirtualMFADevices", {"AssignmentStatus": "Assigned"}),
        (iam.list_server_certificates, "ServerCertificateMetadataList", {}),
        (iam.list_saml_providers, "SAMLProviderList", {}),
        (iam.list_open_id_connect_providers, "OpenIDConnectProviderList", {}),
        (iam.list_account_aliases, "AccountAliases", {}),
    ):
        assert call(**given)[member] == []
    gone = ("NoSuchEntity", "Login Profile for User plain cannot be found.", 404)
    refused(*gone, iam.get_login_profile, **of_user)
    refused(*gone, iam.delete_login_profile, **of_user)
    refused("NoSuchEntity", "Password Policy", 404, iam.get_account_password_policy)
    nobody = ("NoSuchEntity", "The user with name nobody cannot be found.", 404)
    refused(*nobody, iam.list_mfa_devices, UserName="nobody")


def test_the_account_in_numbers(iam: Any) -> None:
    before = iam.get_account_summary()["SummaryMap"]
    iam.create_user(UserName="counted")
    iam.create_group(GroupName="counted")
    iam.create_policy(PolicyName="counted", PolicyDocument=allowing("s3:*"))
    after = iam.get_account_summary()["SummaryMap"]
    grown = {name for name in before if after[name] == before[name] + 1}
    assert grown == {"Users", "Groups", "Policies", "PolicyVersionsInUse"}
    assert (after["UsersQuota"], after["AccountAccessKeysPresent"]) == (5000, 1)


def test_the_keys_that_policies_ask_for(iam: Any) -> None:
    statement = {
        "Effect": "Allow",
        "Action": "s3:ListBucket",
        "Resource": "arn:aws:s3:::home-${aws:PrincipalTag/team, 'none'}",
        "Condition": {"StringLike": {"s3:prefix": ["${aws:username}/*"]}},
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": statement})
    asked = ["aws:PrincipalTag/team", "aws:username", "s3:prefix"]
    custom = iam.get_context_keys_for_custom_policy(PolicyInputList=[policy, allowing("s3:*")])
    assert custom["ContextKeyNames"] == asked
    iam.create_group(GroupName="asking")
    iam.put_group_policy(GroupName="asking", PolicyName="p", PolicyDocument=policy)
    iam.create_user(UserName="asking")
    iam.add_user_to_group(GroupName="asking", UserName="asking")
    arn = f"arn:aws:iam::{ACCOUNT}:user/asking"
    of_user = iam.get_context_keys_for_principal_policy(PolicySourceArn=arn)
    assert of_user["ContextKeyNames"] == asked
    (result,) = iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=["s3:ListBucket"])[
        "EvaluationResults"
    ]
    assert result["MissingContextValues"] == ["s3:prefix"]
    (result,) = iam.simulate_custom_policy(PolicyInputList=[policy], ActionNames=["s3:PutObject"])[
        "EvaluationResults"
    ]
    assert result["MissingContextValues"] == []


def test_simulation_decides_as_the_server_does(iam: Any) -> None:
    iam.create_role(RoleName="simulated", AssumeRolePolicyDocument=TRUST)
    iam.attach_role_policy(RoleName="simulated", PolicyArn=f"{AWS}/AmazonSageMakerFullAccess")
    results = iam.simulate_principal_policy(
        PolicySourceArn=f"arn:aws:iam::{ACCOUNT}:role/simulated",
        ActionNames=["sagemaker:CreateTrainingJob", "s3:GetObject"],
        ResourceArns=["arn:aws:s3:::my-sagemaker-bucket/x", "arn:aws:s3:::other/x"],
    )["EvaluationResults"]
    decisions = [
        (one["EvalActionName"], one["EvalResourceName"][-8:], one["EvalDecision"])
        for one in results
    ]
    assert decisions == [
        ("sagemaker:CreateTrainingJob", "bucket/x", "allowed"),
        ("sagemaker:CreateTrainingJob", ":other/x", "allowed"),
        ("s3:GetObject", "bucket/x", "allowed"),
        ("s3:GetObject", ":other/x", "implicitDeny"),
    ]
    denied = iam.simulate_custom_policy(
        PolicyInputList=[allowing("s3:*"), allowing("s3:*").replace("Allow", "Deny")],
        ActionNames=["s3:GetObject"],
    )["EvaluationResults"]
    assert denied[0]["EvalDecision"] == "explicitDeny"


def test_simulation_says_which_statements_decided(iam: Any) -> None:
    # As `aws iam simulate-custom-policy help` shows it of AWS.
    dated = (
        '{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"dynamodb:*","Resource":"*",'
        '"Condition":{"DateGreaterThan":{"aws:CurrentTime":"2018-08-16T12:00:00Z"}}}}'
    )
    key = "aws:CurrentTime"
    now = {"ContextKeyName": key, "ContextKeyType": "date", "ContextKeyValues": ["2019-04-25"]}
    (result,) = iam.simulate_custom_policy(
        PolicyInputList=[dated], ActionNames=["dynamodb:CreateBackup"], ContextEntries=[now]
    )["EvaluationResults"]
    (matched,) = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PolicyInputList.1"
    assert matched["SourcePolicyType"] == "IAM Policy"
    assert matched["StartPosition"] == {"Line": 1, "Column": 38}
    assert matched["EndPosition"] == {"Line": 1, "Column": 167}
    assert not {"ResourceSpecificResults", "EvalDecisionDetails"} & result.keys()

    iam.create_group(GroupName="deciding")
    iam.put_group_policy(GroupName="deciding", PolicyName="g", PolicyDocument=allowing("s3:*"))
    iam.create_user(UserName="deciding")
    iam.add_user_to_group(GroupName="deciding", UserName="deciding")
    iam.put_user_policy(UserName="deciding", PolicyName="u", PolicyDocument=allowing("s3:Get*"))
    iam.attach_user_policy(UserName="deciding", PolicyArn=f"{AWS}/AmazonS3ReadOnlyAccess")
    source = {"PolicySourceArn": f"arn:aws:iam::{ACCOUNT}:user/deciding"}
    on = "arn:aws:s3:::b/k"
    (result,) = iam.simulate_principal_policy(
        **source, ActionNames=["s3:GetObject"], ResourceArns=[on]
    )["EvaluationResults"]
    sources = {one["SourcePolicyId"] for one in result["MatchedStatements"]}
    assert sources == {"group_deciding_g", "user_deciding_u", "AmazonS3ReadOnlyAccess"}
    (specific,) = result["ResourceSpecificResults"]
    assert (specific["EvalResourceName"], specific["EvalResourceDecision"]) == (on, "allowed")
    assert specific["MatchedStatements"] == result["MatchedStatements"]

    denying = allowing("s3:GetObject").replace("Allow", "Deny")
    (result,) = iam.simulate_principal_policy(
        **source, ActionNames=["s3:GetObject"], PolicyInputList=[denying]
    )["EvaluationResults"]
    assert result["EvalDecision"] == "explicitDeny"
    (matched,) = result["MatchedStatements"]
    assert matched["SourcePolicyId"] == "PolicyInputList.1"


def test_simulation_says_whether_the_boundary_allows(iam: Any) -> None:
    def asked(action: str, boundary: str) -> tuple[str, bool]:
        (result,) = iam.simulate_custom_policy(
            PolicyInputList=[allowing("s3:*")],
            PermissionsBoundaryPolicyInputList=[boundary],
            ActionNames=[action],
        )["EvaluationResults"]
        detail = result["PermissionsBoundaryDecisionDetail"]
        return result["EvalDecision"], detail["AllowedByPermissionsBoundary"]

    assert asked("s3:GetObject", allowing("s3:Get*")) == ("allowed", True)
    assert asked("s3:PutObject", allowing("s3:Get*")) == ("implicitDeny", False)
    assert asked("iam:GetUser", allowing("iam:*")) == ("implicitDeny", True)
    assert asked("iam:GetUser", allowing("s3:*")) == ("implicitDeny", False)


def test_simulation_across_accounts_says_what_each_side_says(iam: Any) -> None:
    user = f"arn:aws:iam::{ACCOUNT}:user/deciding-across"
    iam.create_user(UserName="deciding-across")
    on = "arn:aws:s3:::theirs/k"
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": user},
        "Action": "s3:GetObject",
        "Resource": on,
    }
    policy = json.dumps({"Version": "2012-10-17", "Statement": [statement]})

    def asked(*own: str) -> dict[str, Any]:
        (result,) = iam.simulate_principal_policy(
            PolicySourceArn=user,
            PolicyInputList=list(own),
            ActionNames=["s3:GetObject"],
            ResourceArns=[on],
            ResourcePolicy=policy,
            ResourceOwner="arn:aws:iam::999999999999:root",
        )["EvaluationResults"]
        return result

    both = asked(allowing("s3:*"))
    assert both["EvalDecision"] == "allowed"
    assert both["EvalDecisionDetails"] == {"IAM Policy": "allowed", "Resource Policy": "allowed"}
    types = {one["SourcePolicyType"] for one in both["MatchedStatements"]}
    assert types == {"IAM Policy", "Resource Policy"}
    one = asked(allowing("sns:*"))
    assert one["EvalDecision"] == "implicitDeny"
    assert one["EvalDecisionDetails"] == {
        "IAM Policy": "implicitDeny",
        "Resource Policy": "allowed",
    }
