"""What Terraform's AWS provider calls for users, groups, roles, policies, log groups and ECR.

As in `test_terraform_calls`: in its order, by boto3.
"""

import json
from typing import Any

import pytest

from tests.house import House
from tests.wire.test_terraform_calls import NAME, TAGS, refused, same_tags, tags

PROFILED, OTHER = "terraform-profiled", "terraform-other"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
ALLOWED = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:*", "logs:*"], "Resource": "*"}],
}

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

# --- aws_iam_user, _access_key, _policy, _role and attachments ---


def test_a_user_with_a_key_a_policy_and_a_role(server: House) -> None:
    iam = server.client("iam")
    iam.create_user(UserName=NAME, Path="/", Tags=TAGS)
    key = iam.create_access_key(UserName=NAME)["AccessKey"]["AccessKeyId"]
    document = json.dumps(ALLOWED)
    made = iam.create_policy(
        PolicyName=NAME, Path="/", PolicyDocument=document, Description="", Tags=TAGS
    )
    arn = made["Policy"]["Arn"]
    trust = json.dumps(TRUST)
    iam.create_role(
        RoleName=NAME, Path="/", AssumeRolePolicyDocument=trust, MaxSessionDuration=3600, Tags=TAGS
    )
    iam.attach_user_policy(UserName=NAME, PolicyArn=arn)
    iam.attach_role_policy(RoleName=NAME, PolicyArn=arn)
    for _ in ("apply", "plan"):
        _same_identities(iam, key, arn)

    _update_identities(iam, key, arn)
    iam.detach_role_policy(RoleName=NAME, PolicyArn=arn)
    iam.detach_user_policy(UserName=NAME, PolicyArn=arn)
    assert iam.list_attached_user_policies(UserName=NAME)["AttachedPolicies"] == []
    _destroy_identities(iam, key, arn)


def _update_identities(iam: Any, key: str, arn: str) -> None:
    """Each as the provider updates it, and back again where the rest of the test reads it."""
    for name, path in (("terraform-renamed", "/moved/"), (NAME, "/")):
        before = NAME if name != NAME else "terraform-renamed"
        iam.update_user(UserName=before, NewUserName=name, NewPath=path)
        user = iam.get_user(UserName=name)["User"]
        assert (user["UserName"], user["Path"]) == (name, path)
    iam.untag_user(UserName=NAME, TagKeys=["stage"])
    iam.tag_user(UserName=NAME, Tags=[{"Key": "team", "Value": "other"}])
    assert tags(iam.get_user(UserName=NAME)["User"]["Tags"]) == {"team": "other"}
    for status in ("Inactive", "Active"):
        iam.update_access_key(UserName=NAME, AccessKeyId=key, Status=status)
        (found,) = iam.list_access_keys(UserName=NAME)["AccessKeyMetadata"]
        assert found["Status"] == status
    _update_policy(iam, arn)
    _update_role(iam, arn)


def _update_policy(iam: Any, arn: str) -> None:
    # A policy has five versions at most: the oldest that is not the default one makes room.
    for number in range(6):
        changed = {**ALLOWED, "Statement": [{**ALLOWED["Statement"][0], "Sid": f"v{number}"}]}
        versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
        if len(versions) >= 5:
            others = [one for one in versions if not one["IsDefaultVersion"]]
            oldest = min(others, key=lambda one: one["CreateDate"])
            iam.delete_policy_version(PolicyArn=arn, VersionId=oldest["VersionId"])
        document = json.dumps(changed)
        # Older providers make it the default one at once, newer ones by a call of its own.
        made = iam.create_policy_version(
            PolicyArn=arn, PolicyDocument=document, SetAsDefault=number % 2 == 0
        )["PolicyVersion"]
        iam.set_default_policy_version(PolicyArn=arn, VersionId=made["VersionId"])
        current = iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"]
        shown = iam.get_policy_version(PolicyArn=arn, VersionId=current)["PolicyVersion"]
        assert shown["Document"] == changed
    iam.untag_policy(PolicyArn=arn, TagKeys=["stage"])
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "team", "Value": "other"}])
    assert tags(iam.get_policy(PolicyArn=arn)["Policy"]["Tags"]) == {"team": "other"}
    assert tags(iam.list_policy_tags(PolicyArn=arn)["Tags"]) == {"team": "other"}


def _update_role(iam: Any, arn: str) -> None:
    trust = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Sid": "changed"}]}
    iam.update_assume_role_policy(RoleName=NAME, PolicyDocument=json.dumps(trust))
    iam.update_role_description(RoleName=NAME, Description="changed")
    iam.update_role(RoleName=NAME, MaxSessionDuration=7200)
    iam.put_role_permissions_boundary(RoleName=NAME, PermissionsBoundary=arn)
    role = iam.get_role(RoleName=NAME)["Role"]
    assert (role["AssumeRolePolicyDocument"], role["MaxSessionDuration"]) == (trust, 7200)
    assert role["Description"] == "changed", "UpdateRole leaves what it is not given"
    assert role["PermissionsBoundary"]["PermissionsBoundaryArn"] == arn
    iam.delete_role_permissions_boundary(RoleName=NAME)
    assert "PermissionsBoundary" not in iam.get_role(RoleName=NAME)["Role"]


def _same_identities(iam: Any, key: str, arn: str) -> None:
    user = iam.get_user(UserName=NAME)["User"]
    assert (user["Path"], same_tags(user["Tags"])) == ("/", True)
    assert "PermissionsBoundary" not in user
    (found,) = iam.list_access_keys(UserName=NAME)["AccessKeyMetadata"]
    assert (found["AccessKeyId"], found["Status"], found["UserName"]) == (key, "Active", NAME)
    # An import knows the key alone, and asks whose it is.
    assert iam.get_access_key_last_used(AccessKeyId=key)["UserName"] == NAME
    policy = iam.get_policy(PolicyArn=arn)["Policy"]
    assert (policy["PolicyName"], policy["Path"], same_tags(policy["Tags"])) == (NAME, "/", True)
    assert (policy.get("Description", ""), policy["AttachmentCount"]) == ("", 2)
    version = iam.get_policy_version(PolicyArn=arn, VersionId=policy["DefaultVersionId"])
    assert version["PolicyVersion"]["Document"] == ALLOWED
    role = iam.get_role(RoleName=NAME)["Role"]
    assert role["AssumeRolePolicyDocument"] == TRUST
    assert (role["Path"], role["MaxSessionDuration"]) == ("/", 3600)
    assert role.get("Description", "") == ""
    assert same_tags(role["Tags"])
    assert iam.list_role_policies(RoleName=NAME)["PolicyNames"] == []
    for attached in (
        iam.list_attached_role_policies(RoleName=NAME),
        iam.list_attached_user_policies(UserName=NAME),
    ):
        assert [one["PolicyArn"] for one in attached["AttachedPolicies"]] == [arn]


def _destroy_identities(iam: Any, key: str, arn: str) -> None:
    assert iam.list_instance_profiles_for_role(RoleName=NAME)["InstanceProfiles"] == []
    iam.delete_role(RoleName=NAME)
    versions = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    for version in versions:
        if not version["IsDefaultVersion"]:
            iam.delete_policy_version(PolicyArn=arn, VersionId=version["VersionId"])
    iam.delete_policy(PolicyArn=arn)
    iam.delete_access_key(UserName=NAME, AccessKeyId=key)
    assert iam.list_groups_for_user(UserName=NAME)["Groups"] == []
    _force_destroy_user(iam)
    iam.delete_user(UserName=NAME)
    for call, parameters in (
        (iam.get_role, {"RoleName": NAME}),
        (iam.delete_role, {"RoleName": NAME}),
        (iam.list_attached_role_policies, {"RoleName": NAME}),
        (iam.get_policy, {"PolicyArn": arn}),
        (iam.list_policy_versions, {"PolicyArn": arn}),
        (iam.get_user, {"UserName": NAME}),
        (iam.list_access_keys, {"UserName": NAME}),
        (iam.detach_user_policy, {"UserName": NAME, "PolicyArn": arn}),
    ):
        assert refused(call, **parameters)[0] == "NoSuchEntity"


def _force_destroy_user(iam: Any) -> None:
    """What `force_destroy` looks for: nothing of it is there, and nothing is refused."""
    assert iam.list_ssh_public_keys(UserName=NAME)["SSHPublicKeys"] == []
    assert iam.list_virtual_mfa_devices(AssignmentStatus="Assigned")["VirtualMFADevices"] == []
    assert iam.list_mfa_devices(UserName=NAME)["MFADevices"] == []
    assert refused(iam.delete_login_profile, UserName=NAME)[0] == "NoSuchEntity"
    assert iam.list_signing_certificates(UserName=NAME)["Certificates"] == []
    credentials = iam.list_service_specific_credentials(UserName=NAME)
    assert credentials["ServiceSpecificCredentials"] == []


# --- aws_iam_instance_profile, aws_iam_role's inline policies, aws_iam_group and its attachment ---


def test_an_instance_profile_and_its_role(server: House) -> None:
    iam = server.client("iam")
    for name in (PROFILED, OTHER):
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    at = {"InstanceProfileName": PROFILED}
    made = iam.create_instance_profile(**at, Path="/", Tags=TAGS)["InstanceProfile"]
    iam.add_role_to_instance_profile(**at, RoleName=PROFILED)
    for _ in ("apply", "plan"):
        found = iam.get_instance_profile(**at)["InstanceProfile"]
        assert (found["Arn"], found["InstanceProfileId"]) == (
            made["Arn"],
            made["InstanceProfileId"],
        )
        assert (found["Path"], same_tags(found["Tags"])) == ("/", True)
        (role,) = found["Roles"]
        assert iam.get_role(RoleName=role["RoleName"])["Role"]["RoleName"] == PROFILED
        assert same_tags(iam.list_instance_profile_tags(**at)["Tags"])
    iam.remove_role_from_instance_profile(**at, RoleName=PROFILED)
    iam.add_role_to_instance_profile(**at, RoleName=OTHER)
    (role,) = iam.get_instance_profile(**at)["InstanceProfile"]["Roles"]
    assert role["RoleName"] == OTHER
    _destroy_profiled(iam, at)


def _destroy_profiled(iam: Any, at: dict[str, str]) -> None:
    # aws_iam_role with force_detach_policies: what it is in, and what it has, goes first.
    iam.put_role_policy(RoleName=OTHER, PolicyName="own", PolicyDocument=json.dumps(ALLOWED))
    assert iam.list_role_policies(RoleName=OTHER)["PolicyNames"] == ["own"]
    inline = iam.get_role_policy(RoleName=OTHER, PolicyName="own")
    assert inline["PolicyDocument"] == ALLOWED
    assert refused(iam.delete_role, RoleName=OTHER)[0] == "DeleteConflict"
    (profile,) = iam.list_instance_profiles_for_role(RoleName=OTHER)["InstanceProfiles"]
    iam.remove_role_from_instance_profile(
        InstanceProfileName=profile["InstanceProfileName"], RoleName=OTHER
    )
    iam.delete_role_policy(RoleName=OTHER, PolicyName="own")
    iam.delete_role(RoleName=OTHER)
    gone = refused(iam.remove_role_from_instance_profile, **at, RoleName=OTHER)
    assert gone[0] == "NoSuchEntity"
    code, message = refused(iam.add_role_to_instance_profile, **at, RoleName=OTHER)
    assert (code, message.startswith("The role with name")) == ("NoSuchEntity", True)
    iam.delete_instance_profile(**at)
    iam.delete_role(RoleName=PROFILED)
    for call in (iam.get_instance_profile, iam.delete_instance_profile):
        assert refused(call, **at)[0] == "NoSuchEntity"


def test_a_group_with_a_member_and_a_policy(server: House) -> None:
    iam = server.client("iam")
    iam.create_group(GroupName=PROFILED, Path="/")
    iam.create_user(UserName=PROFILED)
    arn = "arn:aws:iam::aws:policy/AmazonS3ReadOnlyAccess"
    iam.attach_group_policy(GroupName=PROFILED, PolicyArn=arn)
    iam.add_user_to_group(GroupName=PROFILED, UserName=PROFILED)
    for _ in ("apply", "plan"):
        found = iam.get_group(GroupName=PROFILED)
        assert found["Group"]["Path"] == "/"
        assert [user["UserName"] for user in found["Users"]] == [PROFILED]
        attached = iam.list_attached_group_policies(GroupName=PROFILED)["AttachedPolicies"]
        assert [one["PolicyArn"] for one in attached] == [arn]
        (group,) = iam.list_groups_for_user(UserName=PROFILED)["Groups"]
        assert group["GroupName"] == PROFILED
    # Before a user goes, the provider takes it out of its groups.
    iam.remove_user_from_group(GroupName=PROFILED, UserName=PROFILED)
    iam.delete_user(UserName=PROFILED)
    iam.detach_group_policy(GroupName=PROFILED, PolicyArn=arn)
    assert refused(iam.detach_group_policy, GroupName=PROFILED, PolicyArn=arn)[0] == "NoSuchEntity"
    iam.delete_group(GroupName=PROFILED)
    assert refused(iam.get_group, GroupName=PROFILED)[0] == "NoSuchEntity"


# --- aws_cloudwatch_log_group ---


def test_a_log_group(server: House) -> None:
    logs = server.client("logs")
    name = "/terraform/applies"
    logs.create_log_group(logGroupName=name, tags=tags(TAGS))
    logs.put_retention_policy(logGroupName=name, retentionInDays=14)
    logs.create_log_group(logGroupName=f"{name}/other")
    for _ in ("apply", "plan"):
        found = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
        (group,) = (one for one in found if one["logGroupName"] == name)
        assert (group["retentionInDays"], group["logGroupClass"]) == (14, "STANDARD")
        assert "kmsKeyId" not in group
        arn = group["arn"].removesuffix(":*")
        assert arn != group["arn"], "the provider takes the wildcard away"
        assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == tags(TAGS)
    logs.delete_retention_policy(logGroupName=name)
    logs.untag_resource(resourceArn=arn, tagKeys=["stage"])
    logs.tag_resource(resourceArn=arn, tags={"team": "other"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"team": "other"}
    (group, _) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert "retentionInDays" not in group
    for one in (name, f"{name}/other"):
        logs.delete_log_group(logGroupName=one)
        assert refused(logs.delete_log_group, logGroupName=one)[0] == "ResourceNotFoundException"
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []


# --- aws_ecr_repository, aws_ecr_repository_policy ---


def test_a_repository_of_images(server: House) -> None:
    ecr = server.client("ecr")
    named = {"repositoryName": NAME}
    made = ecr.create_repository(
        **named,
        imageTagMutability="MUTABLE",
        encryptionConfiguration={"encryptionType": "AES256"},
        imageScanningConfiguration={"scanOnPush": False},
        tags=TAGS,
    )["repository"]
    allowed = {"Effect": "Allow", "Principal": "*", "Action": ["ecr:ListImages"]}
    policy = json.dumps({"Version": "2012-10-17", "Statement": [allowed]})
    ecr.set_repository_policy(**named, policyText=policy, registryId=made["registryId"])
    arn = {"resourceArn": made["repositoryArn"]}
    for _ in ("apply", "plan"):
        assert ecr.describe_repositories(repositoryNames=[NAME])["repositories"] == [made]
        assert same_tags(ecr.list_tags_for_resource(**arn)["tags"])
        assert ecr.get_repository_policy(**named)["policyText"] == policy
    ecr.put_image_tag_mutability(
        **named, registryId=made["registryId"], imageTagMutability="MUTABLE"
    )
    ecr.put_image_scanning_configuration(
        **named,
        registryId=made["registryId"],
        imageScanningConfiguration={"scanOnPush": False},
    )
    ecr.untag_resource(**arn, tagKeys=["stage"])
    ecr.tag_resource(**arn, tags=[{"Key": "team", "Value": "other"}])
    (found,) = ecr.describe_repositories(repositoryNames=[NAME])["repositories"]
    assert (found["imageTagMutability"], found["imageScanningConfiguration"]) == (
        "MUTABLE",
        {"scanOnPush": False},
    )
    assert tags(ecr.list_tags_for_resource(**arn)["tags"]) == {"team": "other"}
    ecr.delete_repository_policy(**named, registryId=made["registryId"])
    code, _ = refused(ecr.get_repository_policy, **named)
    assert code == "RepositoryPolicyNotFoundException"
    ecr.delete_repository(**named, registryId=made["registryId"], force=True)
    code, _ = refused(ecr.describe_repositories, repositoryNames=[NAME])
    assert code == "RepositoryNotFoundException"
