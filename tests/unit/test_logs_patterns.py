"""Filter patterns of CloudWatch Logs: which messages fit."""

import json
import re
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.errors import AwsError
from flowmaker.aws.logs.pattern import compiled
from flowmaker.aws.logs.regular import search


@pytest.mark.parametrize(
    ("pattern", "fits", "fits_not"),
    [
        ("", "anything", None),
        ("ERROR", "an ERROR here", "an error here"),
        ("a b", "b a", "a"),
        ("?a ?b", "b", "c"),
        ("a -b", "a", "a b"),
        ('"a b"', "x a b y", "b a"),
        ('-"a b"', "b a", "x a b"),
        ("%AUTHORIZED%", "[200] UNAUTHORIZED", "authorized"),
        ("%[Ee]rror|[Ff]ail%", "it Failed", "FAIL"),
        (r"%\d{1,3}\.\d{1,3}\.\d{1,3}\.\d{1,3}%", "from 10.0.0.1:80", "from 10.0.0"),
        ("%^[hc]at$%", "hat", "that"),
        ("%colou?r%", "a color", "a colouur"),
        ("%^a{3,5}$%", "aaaa", "aaaaaa"),
        ("%^a{3}$%", "aaa", "aaaa"),
        ("%^ab{2,}c%", "abbbc", "abc"),
        (r"%[^a-c]\x41%", "dA", "aA"),
        (r"%a\.b%", "a.b", "axb"),
    ],
)
def test_patterns_of_terms_and_regular_expressions(
    pattern: str, fits: str, fits_not: str | None
) -> None:
    matches = compiled(pattern)
    assert matches(fits)
    assert fits_not is None or not matches(fits_not)


EVENT = {
    "eventType": "UpdateTrail",
    "sourceIPAddress": "111.111.111.111",
    "n": 5,
    "count": "12",
    "half": 0.5,
    "ok": True,
    "bad": False,
    "none": None,
    "a": {"b": "x y", "deep.name": 1},
    "list": [{"id": 1}, {"id": 2, "name": "two"}],
    "codes": ["e1", "e2"],
}


@pytest.mark.parametrize(
    ("condition", "fits"),
    [
        ('$.eventType = "UpdateTrail"', True),
        ("$.eventType = UpdateTrail", True),
        ("$.eventType = Update*", True),
        ('$.eventType = "*Trail"', True),
        ('$.eventType = "*"', True),
        ("$.eventType = *a*a*", True),
        ("$.eventType = a*", False),
        ("$.eventType != Update*", False),
        ("$.sourceIPAddress != 123.123.*", True),
        ("$.sourceIPAddress = %111%", True),
        ("$.sourceIPAddress != %111%", False),
        ("$.a.b = x", False),
        ('$.a.b = "x y"', True),
        ('$.a["deep.name"] = 1', True),
        ("$.a.['deep.name'] > 0", True),
        ("$.n = 5", True),
        ("$.n = 5.0", True),
        ("$.n != 5", False),
        ("$.n >= 5 && $.n <= 5", True),
        ("$.n > 5 || $.n < 5", False),
        ("$.half < 1e0", True),
        ("$.count > 11", True),
        ("$.eventType > 3", False),
        ("$.ok IS TRUE", True),
        ("$.bad IS FALSE", True),
        ("$.ok IS FALSE", False),
        ("$.n IS TRUE", False),
        ("$.ok = true", True),
        ("$.none IS NULL", True),
        ("$.missing IS NULL", False),
        ("$.missing NOT EXISTS", True),
        ("$.none NOT EXISTS", False),
        ("$.missing != 1", False),
        ("$.a = *", False),
        ("$.list[1].name = two", True),
        ("$.list[0].name = two", False),
        ("$.list[7].name NOT EXISTS", True),
        ("$.list[*].id = 2", True),
        ("$.list[*].id = 3", False),
        ("$.codes[*] = e2", True),
        ("$.*.b = *y", True),
        ("$.n = 1 && $.n = 5 || $.ok IS TRUE", True),
        ("$.n = 1 && ($.n = 5 || $.ok IS TRUE)", False),
        ('$.a.b = "x*" && ($.n > 3 || $.m NOT EXISTS )', True),
        ("(($.n = 5))", True),
    ],
)
def test_patterns_of_json(condition: str, fits: bool) -> None:
    matches = compiled(f"{{ {condition} }}")
    assert matches(json.dumps(EVENT)) is fits
    assert not matches("no JSON")
    assert not matches("[" * 100_000)


LINE = '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534'


@pytest.mark.parametrize(
    ("pattern", "fits"),
    [
        ("[ip, id, user, time, request, status, bytes]", True),
        ("[ip, id, user, time, request, status]", False),
        ("[ip, id, user, time, request, status, bytes, more]", False),
        ("[ip, id, user, ...]", True),
        ("[..., status, bytes]", True),
        ("[ip, ..., bytes > 1500]", True),
        ("[ip, ..., bytes > 1600]", False),
        ("[ip, id, user, time, request, status = 4*, bytes > 1000]", True),
        ("[ip, id, user, time, request, status = 5*, bytes]", False),
        ("[ip, id, user = frank, ...]", True),
        ("[ip = %127\\.0%, ...]", True),
        ("[..., status = 404 || status = 410, bytes]", True),
        ("[..., status = 4* && status != 404, bytes]", False),
        ('[ip, id, user, time, request = "GET *", ...]', True),
        ("[ip, id, user, time = *-0700, ...]", True),
        ("[a, b, c, d, e, f, g, ...]", True),
        ("[a, b, c, d, e, f, g, ..., h]", False),
    ],
)
def test_patterns_of_fields(pattern: str, fits: bool) -> None:
    assert compiled(pattern)(LINE) is fits


@pytest.mark.parametrize(
    "pattern",
    [
        *(
            "a*b",
            '"a',
            "{",
            "{ }",
            "{ $.a }",
            "{ $.a = }",
            "{ $.a = 1",
            "{ a = 1 }",
            "{ $.a = 1 } x",
        ),
        *("{ $.a > x }", '{ $.a > "1" }', "{ $.a IS MAYBE }", "{ $.a NOT THERE }", "{ ($.a = 1 }"),
        *("{ $.a = 1 && }", "{ $.a = 1 $.b = 2 }", "{ $.a = 1) }", "{ $.a = $.b }"),
        "{ " + "(" * 500 + "$.a = 1" + ")" * 500 + " }",
        "{ $.a = %a% || $.b = %b% || $.c = %c% }",
        *("[", "[]", "[a, ..., b, ...]", "[a = 1 && b = 2]", "[a, , b]", "[a = ]"),
        *("%", "%%", "%a", "%(a)%", "%a!%", "%a**%", "%[b-a]%", "%a{2,1}%", "%a{9999}%", "%é%"),
        *("%a^b%", "%a$b%", "%[a%", "%a{700}b{700}%", "%a{99999999999}%"),
    ],
)
def test_what_is_no_pattern_is_refused(pattern: str) -> None:
    with pytest.raises(AwsError, match="Invalid filter pattern") as refused:
        compiled(pattern)
    assert refused.value.code == "InvalidParameterException"


@given(
    parts=st.lists(
        st.tuples(
            st.sampled_from(["a", "b", ".", "[ab]", "[^a]", r"\d"]),
            st.sampled_from(["", "?", "*", "+", "{2}", "{1,2}", "{1,}"]),
        ).map("".join)
        | st.just("|"),
        max_size=6,
    ).map("".join),
    ends=st.sampled_from([("", ""), ("^", ""), ("", "$"), ("^", "$")]),
    text=st.text(alphabet="ab1", max_size=8),
)
def test_regular_expressions_find_what_pythons_find(
    parts: str, ends: tuple[str, str], text: str
) -> None:
    expression = ends[0] + parts + ends[1]
    python = expression.removesuffix("$") + (r"\Z" if ends[1] else "")
    assert search(expression)(text) is bool(re.search(python, text))


def test_long_lines_do_not_hold_up_everybody() -> None:
    """Python's own search would take hours for this one."""
    begun = time.process_time()
    assert not compiled("%a*a*a*a*a*b%")("a" * 100_000)
    assert not compiled("{ $.a = *a*a*a*a*b }")(json.dumps({"a": "a" * 100_000}))
    assert time.process_time() - begun < 10
