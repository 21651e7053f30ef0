"""`flowmaker account`, and what acts in an account: `env` and `exec`."""

import json
import stat
from pathlib import Path

import pytest

from tests.house import House, flowmaker, house


def keys(printed: str) -> dict[str, str]:
    lines = (line.partition("=") for line in printed.splitlines() if "=" in line)
    return {name: value for name, _, value in lines if name.startswith("AWS_")}


def listed(data: Path) -> dict[str, str]:
    lines = flowmaker("account", "list", "--data", str(data)).stdout.splitlines()
    return {name: account for account, name in (line.split() for line in lines)}


def whom(server: House, *options: str) -> str:
    command = ("flowmaker", "exec", "--data", str(server.data), *options, "--")
    return server.run(*command, "aws", "sts", "get-caller-identity", "--query", "Arn").strip('"\n')


def test_accounts_are_made_with_and_without_a_server(tmp_path: Path) -> None:
    option = ("--data", str(tmp_path))
    assert listed(tmp_path) == {"main": "000000000000"}
    before = flowmaker("account", "add", "before", *option).stdout
    with house(tmp_path) as server:
        meanwhile = flowmaker("account", "add", "meanwhile", *option).stdout
        known = listed(tmp_path)
        assert list(known) == ["main", "before", "meanwhile"]
        assert len(set(known.values())) == 3
        for name, printed in (("before", before), ("meanwhile", meanwhile)):
            assert f"The account {name} is {known[name]}." in printed
            shown = flowmaker("env", "--account", name, "--format", "json", *option).stdout
            environment = json.loads(shown)
            assert keys(printed).items() <= environment.items()
            assert environment["AWS_ENDPOINT_URL"] == server.url
            assert whom(server, "--account", name) == f"arn:aws:iam::{known[name]}:root"
            kept = tmp_path / "accounts" / name
            assert stat.S_IMODE(kept.stat().st_mode) == 0o600
            again = flowmaker("account", "add", name, *option, check=False)
            assert again.returncode == 1
            assert f"there is an account {name} already: {known[name]}" in again.stderr
            assert again.stdout == ""
        assert stat.S_IMODE((tmp_path / "accounts").stat().st_mode) == 0o700
        assert whom(server).endswith("assumed-role/FlowmakerAdmin/flowmaker-env")
        assert whom(server, "--account", "main") == whom(server)
    assert listed(tmp_path) == known
    assert flowmaker("account", "add", "before", *option, check=False).returncode == 1


def test_the_token_of_a_session_does_not_stay_in_a_shell(server: House) -> None:
    data = str(server.data)
    flowmaker("account", "add", "shell", "--data", data)
    script = f'eval "$(flowmaker env --account shell --data {data})"; aws sts get-caller-identity'
    told = json.loads(server.run("sh", "-c", script))
    assert told["Account"] == listed(server.data)["shell"]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("account", "add", "main"), "main is what the first account is called"),
        (("account", "add", "../credentials"), "is no name of an account"),
        (("account", "add", ".hidden"), "is no name of an account"),
        (("account", "add", ""), "is no name of an account"),
        (("account", "add", "x" * 51), "is no name of an account"),
        (("env", "--account", "nowhere"), "there is no account nowhere"),
        (("env", "--account", "../credentials"), "is no name of an account"),
        (("exec", "--account", "nowhere", "true"), "there is no account nowhere"),
    ],
)
def test_what_is_no_account_is_said(server: House, arguments: tuple[str, ...], words: str) -> None:
    command, *rest = arguments
    option = ("--data", str(server.data))
    place = (command, *option, *rest) if command != "account" else (*arguments, *option)
    refused = flowmaker(*place, check=False)
    assert refused.returncode == 1
    assert words in refused.stderr
