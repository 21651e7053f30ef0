"""S3 as the aws CLI sees it: a folder there and back."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.s3_server import S3, s3_server

MIB = 1 << 20


@pytest.fixture(scope="module")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    with s3_server(tmp_path_factory.mktemp("s3")) as server:
        yield server


def aws(s3: S3, *arguments: str | Path) -> str:
    command = [sys.executable, "-m", "awscli", "s3", *map(str, arguments)]
    environment = {**os.environ, **s3.environment}
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_folder_there_and_back(s3: S3, tmp_path: Path) -> None:
    here, back = tmp_path / "here", tmp_path / "back"
    (here / "sub folder").mkdir(parents=True)
    contents = {
        "small.txt": b"small",
        "sub folder/ünïcode + more.txt": b"more",
        "empty": b"",
        "large.bin": os.urandom(9 * MIB),
    }
    for name, content in contents.items():
        (here / name).write_bytes(content)

    aws(s3, "mb", "s3://folder")
    aws(s3, "sync", here, "s3://folder/at")
    assert "large.bin" in aws(s3, "ls", "s3://folder/at/", "--recursive")
    assert "PRE sub folder/" in aws(s3, "ls", "s3://folder/at/")
    aws(s3, "sync", "s3://folder/at", back)
    assert {
        str(file.relative_to(back)): file.read_bytes() for file in back.rglob("*") if file.is_file()
    } == contents
    assert aws(s3, "sync", here, "s3://folder/at") == ""
    aws(s3, "cp", "s3://folder/at/large.bin", "s3://folder/copy.bin")
    aws(s3, "rm", "s3://folder/at/large.bin")
    assert aws(s3, "rb", "s3://folder", "--force").endswith("remove_bucket: folder\n")
    assert aws(s3, "ls") == ""
