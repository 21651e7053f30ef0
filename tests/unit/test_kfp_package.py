"""Reading packages: every form that there is, and the ones that mean harm."""

import gzip
import io
import json
import tarfile
import zipfile
from typing import Any

import pytest
import yaml

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.ir import package
from flowmaker.pipelines.ir.documents import LIMIT

SPEC: dict[str, Any] = {
    "pipelineInfo": {"name": "p"},
    "schemaVersion": "2.1.0",
    "root": {
        "dag": {"tasks": {"a": {"componentRef": {"name": "comp-a"}}}},
        "inputDefinitions": {
            "parameters": {"day": {"parameterType": "STRING", "defaultValue": "2026-01-31"}}
        },
    },
}
PLATFORM: dict[str, Any] = {
    "platforms": {"kubernetes": {"deploymentSpec": {"executors": {"exec-a": {}}}}}
}
ONE = yaml.safe_dump(SPEC).encode()
TWO = yaml.safe_dump_all([SPEC, PLATFORM]).encode()


def zipped(**files: bytes) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("_", "."), data)
    return content.getvalue()


def tarred(**files: bytes) -> bytes:
    content = io.BytesIO()
    with tarfile.open(fileobj=content, mode="w:gz") as archive:
        for name, data in files.items():
            member = tarfile.TarInfo(name.replace("_", "."))
            member.size = len(data)
            archive.addfile(member, io.BytesIO(data))
    return content.getvalue()


@pytest.mark.parametrize(
    "content",
    [
        ONE,
        b"\xef\xbb\xbf" + ONE,
        b"# PIPELINE DEFINITION\n---\n" + ONE,
        json.dumps(SPEC).encode(),
        json.dumps({"pipeline_spec": SPEC}).encode(),
        zipped(pipeline_yaml=ONE, other_yaml=b"x: 1"),
        zipped(mine_yaml=ONE, README_md=b"hello"),
        zipped(mine_json=json.dumps(SPEC).encode()),
        tarred(pipeline_yaml=ONE),
        tarred(mine_yml=ONE, notes_txt=b""),
    ],
)
def test_a_pipeline_alone(content: bytes) -> None:
    assert package.read(content) == (SPEC, {})


@pytest.mark.parametrize(
    "content",
    [
        TWO,
        json.dumps({"pipeline_spec": SPEC, "platform_spec": PLATFORM}).encode(),
        yaml.safe_dump({"pipelineSpec": SPEC, "platformSpec": PLATFORM}).encode(),
        zipped(pipeline_yaml=TWO),
        tarred(pipeline_yaml=TWO),
    ],
)
def test_a_pipeline_with_its_platform_spec(content: bytes) -> None:
    assert package.read(content) == (SPEC, PLATFORM)


def test_what_a_client_sends_is_split_the_same_way() -> None:
    assert package.split(SPEC) == (SPEC, {})
    both = {"pipeline_spec": SPEC, "platform_spec": PLATFORM}
    assert package.split(both) == (SPEC, PLATFORM)


def test_names_in_snake_case_come_out_as_the_engine_reads_them() -> None:
    assert package.split({"pipeline_info": {"name": "p"}})[0] == {"pipelineInfo": {"name": "p"}}


def test_a_date_stays_the_text_that_it_is() -> None:
    unquoted = ONE.replace(b"'2026-01-31'", b"2026-01-31")
    assert unquoted != ONE
    assert package.read(unquoted) == (SPEC, {})


def test_aliases_are_unfolded() -> None:
    text = ONE + b"components:\n  a: &a {executorLabel: x}\n  b: *a\n"
    assert package.read(text)[0]["components"]["b"] == {"executorLabel": "x"}


NO_PACKAGES: list[tuple[bytes, str]] = [
    (b"", "empty"),
    (b"---\n", "empty"),
    (b"just words", "must be an object"),
    (b"- a\n- b\n", "must be an object"),
    (b"\xff\xfe\x00", "UTF-8"),
    (b"a: [1", "not YAML"),
    (b"a: !!python/object:os.system x", "not YAML"),
    (b"a: .nan", "'a': nan has no counterpart"),
    (b"a: !!binary aGk=", "no counterpart in JSON"),
    (b"a: " + b"9" * 400, "number of that size"),
    (b'{"a": "\\ud800"}', "no Unicode"),
    (b"1: x", "key 1 is no string"),
    (b"apiVersion: argoproj.io/v1alpha1\nkind: Workflow\n", "KFP SDK 2"),
    (b"name: x\nimplementation: {container: {}}\n", "component"),
    (ONE + b"---\n" + ONE + b"---\n" + ONE, "3 documents"),
    (ONE + b"colour: red\n", "colour"),
    (json.dumps({"pipeline_spec": SPEC, "more": 1}).encode(), "more than"),
    (json.dumps({"pipeline_spec": [], "platform_spec": {}}).encode(), "must be objects"),
    (zipped(a_yaml=ONE, b_yaml=ONE), "exactly one"),
    (zipped(README_md=b""), "exactly one"),
    (zipped(pipeline_yaml=ONE)[:-30], "cannot be read"),
    (tarred(pipeline_yaml=ONE)[:60], "cannot be read"),
    (gzip.compress(ONE), "cannot be read"),
    (zipped(**{f"f{n}_txt": b"" for n in range(1001)}), "more than 1000 files"),
]


# An archive is another each second, and so would be a name made of it.
@pytest.mark.parametrize(("content", "says"), NO_PACKAGES, ids=map(str, range(len(NO_PACKAGES))))
def test_what_is_no_package_says_why(content: bytes, says: str) -> None:
    with pytest.raises(InvalidInput, match=says):
        package.read(content)


def test_an_encrypted_zip_is_refused() -> None:
    content = bytearray(zipped(pipeline_yaml=ONE))
    content[6] |= 1  # the flag, in the file's own header
    content[content.index(b"PK\x01\x02") + 8] |= 1  # and in the directory
    with pytest.raises(InvalidInput, match="cannot be read"):
        package.read(bytes(content))


ZEROS = bytes(LIMIT + 10)


@pytest.mark.parametrize(
    "content",
    [
        ZEROS,
        zipped(pipeline_yaml=ZEROS),
        tarred(pipeline_yaml=ZEROS),
        tarred(pipeline_yaml=ONE, notes_txt=ZEROS + ZEROS),
    ],
    ids=["plain", "zip", "tar.gz", "beside it"],
)
def test_nothing_over_the_limit_is_unpacked(content: bytes) -> None:
    with pytest.raises(InvalidInput, match="MiB"):
        package.read(content)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200_000,
        "a: " + "{a: " * 1000,
        "- " * 1000 + "a",
        '{"a":' * 100_000,
        '{"a":' * 500 + "1" + "}" * 500,
        "a: &a [*a]",
    ],
    ids=["brackets", "braces", "dashes", "open json", "json", "a list in itself"],
)
def test_what_nests_without_end_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        package.read(text.encode())


def test_more_values_than_memory_is_for_are_refused() -> None:
    with pytest.raises(InvalidInput, match="more than 1000000 values"):
        package.read(b"a: [" + b"1," * 1_000_001 + b"1]")


def test_a_billion_laughs_is_refused() -> None:
    lines = ["a0: &a0 [" + ", ".join(["ha"] * 10) + "]"]
    lines += [
        f"a{level}: &a{level} [" + ", ".join([f"*a{level - 1}"] * 10) + "]"
        for level in range(1, 12)
    ]
    with pytest.raises(InvalidInput, match="aliases unfolded"):
        package.read("\n".join(lines).encode())
