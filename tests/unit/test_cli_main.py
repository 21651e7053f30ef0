"""The whole command line: every command is there, and costs the others nothing."""

import subprocess
import sys

import pytest

from flowmaker.cli.main import COMMANDS, parser

#: Prints which modules `flowmaker env --help` imported.
PROGRAM = """
import sys
from flowmaker.cli.main import main
try:
    main(["env", "--help"])
except SystemExit:
    print(*sys.modules, sep="\\n")
"""


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_explains_itself(name: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args([name, "--help"])
    assert ended.value.code == 0
    shown = capsys.readouterr().out
    assert shown.startswith(f"usage: flowmaker {name} [-h] [--data DIR]")
    assert " ".join(COMMANDS[name].split())[1:] in " ".join(shown.split())


def test_a_command_imports_only_what_it_needs() -> None:
    command = [sys.executable, "-c", PROGRAM]
    ran = subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()
    assert "flowmaker.cli.env" in ran
    unneeded = {"sqlalchemy", "httpx", "asyncio", "flowmaker.cli.up", "flowmaker.cli.doctor"}
    assert not unneeded & set(ran)
