"""docs/iam.md and docs/accounts.md are true: files are written, commands typed, output compared."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.house import House, client_environment, house

DOCS = Path(__file__).parents[2] / "docs"
TOOLS = ("aws", "bash")


def blocks(page: str, language: str) -> list[str]:
    text = (DOCS / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)


def typed(page: str) -> Iterator[tuple[str, list[str]]]:
    """Each command, and the lines that it prints."""
    for block in blocks(page, "console"):
        first, *commands = re.split(r"^\$ ", block, flags=re.MULTILINE)
        assert not first
        for command in commands:
            line, *output = command.rstrip("\n").split("\n")
            yield line, output


@pytest.mark.slow
@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
def test_every_command_of_the_page_prints_what_the_page_says(data: Path, tmp_path: Path) -> None:
    (script,) = blocks("iam.md", "python")
    (tmp_path / "churn.py").write_text(script)
    (job,) = blocks("iam.md", "json")
    (tmp_path / "job.json").write_text(job)
    with house(data) as server:
        for command, output in typed("iam.md"):
            said = run(server, command, tmp_path)
            assert fits(said, output), f"$ {command}\n{said}"


@pytest.mark.skipif(not all(map(shutil.which, TOOLS)), reason=f"needs {', '.join(TOOLS)}")
def test_every_command_of_the_page_about_accounts(data: Path, tmp_path: Path) -> None:
    with house(data) as server:
        for command, output in typed("accounts.md"):
            said = run(server, command, tmp_path)
            assert fits(said, output), f"$ {command}\n{said}"


def run(server: House, command: str, folder: Path) -> str:
    """Both outputs as a terminal shows them."""
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env={
            **client_environment(server.data),
            **server.environment,
            "FLOWMAKER_HOME": str(server.data),
            "PYTHONWARNINGS": "ignore",
            "AWS_PAGER": "",
        },
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=400,
        check=False,
    )
    return done.stdout


def fits(said: str, page: list[str]) -> bool:
    """A `…` is any text; a line of it alone any lines."""
    lines = [
        "(?:.*\n)*" if line == "…" else ".*".join(map(re.escape, line.split("…"))) + "\n"
        for line in page
    ]
    return re.fullmatch("".join(lines), said) is not None
