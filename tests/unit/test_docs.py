"""What the docs say of tests: each that they name is there."""

import ast
import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flowmaker.aws.ecr.service import EcrService
from flowmaker.aws.iam.service import IamService
from flowmaker.aws.logs.service import LogsService
from flowmaker.aws.s3.service import S3Service
from flowmaker.aws.sts.service import StsService
from flowmaker.clock import SystemClock
from flowmaker.sagemaker.api.service import SageMakerService
from flowmaker.store.database import Database

ROOT = Path(__file__).parents[2]
DOCS = sorted((ROOT / "docs").glob("*.md"))
#: Tables in which every row names a test function.
TABLES = ("kfp-ir.md", "kfp-kubernetes.md")
_FUNCTION = re.compile(r"`(test_\w+)`")
_FILE = re.compile(r"\b((?:tests/\w+/)?test_\w+\.py)\b")


@cache
def functions() -> set[str]:
    trees = (ast.parse(path.read_text()) for path in ROOT.glob("tests/*/test_*.py"))
    return {
        node.name
        for tree in trees
        for node in ast.walk(tree)
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
    }


@pytest.mark.parametrize("doc", DOCS, ids=lambda doc: doc.name)
def test_the_tests_that_the_docs_name_are_there(doc: Path) -> None:
    text = doc.read_text()
    missing = {name for name in _FUNCTION.findall(text) if name not in functions()}
    files = {path.name for path in ROOT.glob("tests/*/test_*.py")}
    for name in _FILE.findall(text):
        is_there = (ROOT / name).exists() if "/" in name else name in files
        missing |= set() if is_there else {name}
    assert not missing


@pytest.mark.parametrize("name", TABLES)
def test_every_row_names_the_test_that_shows_it(name: str) -> None:
    rows = [line for line in (ROOT / "docs" / name).read_text().splitlines() if line[:1] == "|"]
    told = [row for row in rows if set(row) - set("|-") and not re.match(r"\| [fF]\w+ \|", row)]
    assert len(told) > 10
    assert [row for row in told if not _FUNCTION.search(row)] == []


def test_the_operations_that_the_docs_list_are_those_that_there_are() -> None:
    nothing: Any = None
    service = SageMakerService(
        database=nothing,
        objects=nothing,
        authorizer=nothing,
        sessions=nothing,
        hints=nothing,
        clock=nothing,
    )
    assert listed_in("sagemaker-operations.md") == sorted(service.operations())


def test_the_s3_operations_that_the_docs_list_are_those_that_there_are() -> None:
    nothing: Any = None
    assert listed_in("s3.md") == sorted(S3Service(nothing, nothing).operations())


def test_the_logs_operations_that_the_docs_list_are_those_that_there_are() -> None:
    nothing: Any = None
    assert listed_in("cloudwatch-logs.md") == sorted(LogsService(nothing, nothing).operations())


def test_the_ecr_operations_that_the_docs_list_are_those_that_there_are() -> None:
    nothing: Any = None
    service = EcrService(nothing, nothing, nothing, nothing)
    assert listed_in("ecr.md") == sorted(service.operations())


def test_the_iam_operations_that_the_docs_list_are_those_that_there_are(tmp_path: Path) -> None:
    database, clock = Database(tmp_path / "flowmaker.db"), SystemClock()
    services = (IamService(database, clock), StsService(database, clock))
    there_are = [name for service in services for name in service.operations()]
    database.close()
    assert listed_in("iam.md") == sorted(there_are)


def listed_in(doc: str) -> list[str]:
    """What the second column of the tables names."""
    text = (ROOT / "docs" / doc).read_text()
    cells = [row.split("|")[2] for row in text.splitlines() if row.startswith("|")]
    return sorted(name for cell in cells for name in re.findall(r"`(\w+)`", cell))
