"""Ansible with the collections amazon.aws and community.aws: a playbook that makes and unmakes."""

import re
import subprocess
import sys
from pathlib import Path

import pytest
import uv

from tests.house import House, client_environment

ROOT = Path(__file__).parents[2]
PLAYBOOK = ROOT / "examples" / "ansible" / "site.yml"
#: The collections come with the package; boto3 is what their modules are made with.
PACKAGES = ("ansible==12.3.0", "boto3")
BUCKET = "ansible-models"

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where Ansible's programs are: in an environment of their own."""
    folder = tmp_path_factory.mktemp("ansible")
    python = folder / "bin" / "python"
    for command in (
        ["venv", "--quiet", "--no-project", "--python", sys.executable, str(folder)],
        ["pip", "install", "--quiet", "--python", str(python), *PACKAGES],
    ):
        subprocess.run([uv.find_uv_bin(), *command], check=True)
    return folder / "bin"


def play(programs: Path, server: House, *arguments: str) -> dict[str, int]:
    """What ansible-playbook counted; no task may fail, and none may lack something."""
    environment = {
        **client_environment(server.data),
        **server.environment,
        "ANSIBLE_LOCALHOST_WARNING": "0",
        "ANSIBLE_INVENTORY_UNPARSED_WARNING": "0",
        "ANSIBLE_NOCOLOR": "1",
    }
    done = subprocess.run(
        [str(programs / "ansible-playbook"), str(PLAYBOOK), *arguments],
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "not supported by cloud" not in done.stdout + done.stderr
    recap = done.stdout.rpartition("PLAY RECAP")[2]
    return {name: int(count) for name, count in re.findall(r"(\w+)=(\d+)", recap)}


def there(server: House) -> dict[str, list[str]]:
    """What the playbook's things are called, those that there are."""
    iam, logs = server.client("iam"), server.client("logs")
    found = {
        "buckets": [one["Name"] for one in server.client("s3").list_buckets()["Buckets"]],
        "users": [one["UserName"] for one in iam.list_users()["Users"]],
        "roles": [one["RoleName"] for one in iam.list_roles()["Roles"]],
        "groups": [one["GroupName"] for one in iam.list_groups()["Groups"]],
        "policies": [one["PolicyName"] for one in iam.list_policies(Scope="Local")["Policies"]],
        "profiles": [
            one["InstanceProfileName"] for one in iam.list_instance_profiles()["InstanceProfiles"]
        ],
        "log groups": [one["logGroupName"] for one in logs.describe_log_groups()["logGroups"]],
    }
    return {
        kind: sorted(name for name in names if "ansible" in name) for kind, names in found.items()
    }


def test_a_playbook_applies_changes_nothing_more_and_removes(programs: Path, server: House) -> None:
    assert play(programs, server)["changed"] == 13
    made = there(server)
    assert made == {
        "buckets": [BUCKET],
        "users": ["ansible-reader"],
        "roles": ["ansible-hosting"],
        "groups": ["ansible-team"],
        "policies": ["ansible-reading"],
        "profiles": ["ansible-nodes"],
        "log groups": ["/ansible/applies"],
    }
    _as_the_playbook_says(server)
    assert play(programs, server)["changed"] == 0
    assert play(programs, server, "--check", "-e", "state=absent")["changed"] > 0
    assert there(server) == made, "a check changes nothing"
    assert play(programs, server, "-e", "state=absent")["changed"] == 7
    assert not any(there(server).values())


def _as_the_playbook_says(server: House) -> None:
    s3, iam = server.client("s3"), server.client("iam")
    keys = [one["Key"] for one in s3.list_objects_v2(Bucket=BUCKET)["Contents"]]
    assert keys == ["files/one.txt", "files/two.txt", "train/a.csv", "train/b.csv"]
    assert s3.get_object(Bucket=BUCKET, Key="train/a.csv")["Body"].read() == b"of train/a.csv"
    tags = s3.get_bucket_tagging(Bucket=BUCKET)["TagSet"]
    assert {one["Key"]: one["Value"] for one in tags} == {"team": "ml", "stage": "test"}
    assert len(iam.list_access_keys(UserName="ansible-reader")["AccessKeyMetadata"]) == 1
    attached = iam.list_attached_role_policies(RoleName="ansible-hosting")["AttachedPolicies"]
    assert [one["PolicyName"] for one in attached] == ["ansible-reading"]
    (profile,) = iam.list_instance_profiles_for_role(RoleName="ansible-hosting")["InstanceProfiles"]
    assert profile["InstanceProfileName"] == "ansible-nodes"
