"""Terraform and its AWS provider, the real programs, which name no endpoint: `flowmaker exec`."""

import asyncio
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import pytest
import uv

from flowmaker.executors import installer
from tests.house import House, client_environment
from tests.wire.test_sagemaker_hosting import archive

OURS = Path(__file__).with_name("terraform")
EXAMPLE = Path(__file__).parents[2] / "examples" / "terraform"
PROVIDER = "registry.terraform.io/hashicorp/aws/3.39.0/linux_amd64"

#: The exit codes of `plan -detailed-exitcode`: nothing is to be done, or something.
CLEAN, CHANGES = 0, 2

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory, environments: Path) -> Path:
    """A folder with `terraform`, and its provider where Terraform looks for it."""
    folder = tmp_path_factory.mktemp("terraform")
    code, said = asyncio.run(_installed(folder / "packages", environments / ".cache"))
    if code != 0:
        pytest.skip(f"Terraform cannot be installed here: {said}")
    packages = folder / "packages" / "cloudrail"
    (packages / "terraform_0_15" / "terraform").rename(folder / "terraform")
    (folder / "terraform").chmod(0o755)
    provider = folder / "mirror" / PROVIDER
    (packed,) = (packages / "terraform_plugins").glob("*aws_3.39.0*.zip")
    with zipfile.ZipFile(packed) as files:
        files.extractall(provider)
    for program in provider.iterdir():
        program.chmod(0o755)
    found = f'filesystem_mirror {{ path = "{folder / "mirror"}" }}'
    (folder / "terraformrc").write_text(f"provider_installation {{ {found} }}\n")
    return folder


async def _installed(folder: Path, cache: Path) -> tuple[int, str]:
    env = await installer.settings(cache)
    install = ["pip", "install", "--no-deps", "--require-hashes", "--python", sys.executable]
    wanted = ["--target", str(folder), "-r", str(OURS / "requirements.txt")]
    return await installer.run([uv.find_uv_bin(), *install, *wanted], env)


@dataclass(frozen=True)
class Terraform:
    """Terraform in a folder of its own, as in a shell that has never heard of AWS."""

    programs: Path
    folder: Path
    server: House

    def run(self, *arguments: str, may: Collection[int] = (CLEAN,)) -> str:
        """What it prints; `may` are the exit codes that are no failure."""
        command = ["flowmaker", "exec", "--data", str(self.server.data), "--"]
        settings = {
            "TF_CLI_CONFIG_FILE": str(self.programs / "terraformrc"),
            "CHECKPOINT_DISABLE": "1",
            "TF_IN_AUTOMATION": "1",
        }
        done = subprocess.run(
            [*command, str(self.programs / "terraform"), *arguments, "-no-color"],
            cwd=self.folder,
            env={**client_environment(self.folder), **settings},
            capture_output=True,
            text=True,
            timeout=200,
            check=False,
        )
        failed = done.stderr.partition("\nError: ")[2] or done.stderr[-2000:]
        assert done.returncode in may, f"{done.stdout}\n{failed}"
        return done.stdout

    def apply(self, *options: str) -> str:
        return self.run("apply", "-auto-approve", *options)

    def plans_nothing(self, *options: str) -> bool:
        """Whether a plan of what is applied has anything to do."""
        shown = self.run("plan", "-detailed-exitcode", *options, may=(CLEAN, CHANGES))
        return "No changes." in shown


def terraform(programs: Path, server: House, folder: Path, source: Path) -> Terraform:
    shutil.copy(source / "main.tf", folder)
    made = Terraform(programs, folder, server)
    made.run("init")
    return made


def test_the_example_is_applied_plans_nothing_and_is_destroyed(
    server: House, programs: Path, tmp_path: Path
) -> None:
    (tmp_path / "model.tar.gz").write_bytes(archive(3.0))
    example = terraform(programs, server, tmp_path, EXAMPLE)
    assert "Resources: 12 added, 0 changed, 0 destroyed." in example.apply()
    runtime = server.client("sagemaker-runtime")
    asked = {"EndpointName": "terraform-model", "ContentType": "text/csv", "Body": "1.0"}
    assert float(runtime.invoke_endpoint(**asked)["Body"].read()) == pytest.approx(3.0)
    assert example.plans_nothing()
    assert "Resources: 12 destroyed." in example.run("destroy", "-auto-approve")
    assert not server.client("sagemaker").list_endpoints()["Endpoints"]
    names = [one["UserName"] for one in server.client("iam").list_users()["Users"]]
    assert "terraform-reader" not in names


def test_what_is_applied_is_changed_in_place_and_plans_nothing(
    server: House, programs: Path, tmp_path: Path
) -> None:
    """A bucket with all that it may have, IAM's resources, logs, a group of model packages."""
    ours = terraform(programs, server, tmp_path, OURS)
    shown = ours.apply()
    assert "Resources: 21 added, 0 changed, 0 destroyed." in shown
    assert 'body = "stage one"' in shown
    assert ours.plans_nothing()
    assert "Resources: 0 added, 8 changed, 0 destroyed." in ours.apply("-var", "stage=two")
    assert ours.plans_nothing("-var", "stage=two")
    s3 = server.client("s3")
    tags = s3.get_bucket_tagging(Bucket="terraform-more")["TagSet"]
    assert tags == [{"Key": "stage", "Value": "two"}]
    assert "Resources: 21 destroyed." in ours.run("destroy", "-auto-approve")
    assert "terraform-more" not in [one["Name"] for one in s3.list_buckets()["Buckets"]]
