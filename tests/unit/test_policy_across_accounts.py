"""Who may reach what is another account's: the evaluator alone, as a table, and the authorizer."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.auth.denials import denial, missing
from flowmaker.aws.auth.evaluate import Decision, Layer, Policies, Policy, Request, evaluate
from flowmaker.aws.auth.observed import Observation
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.principals import Caller
from flowmaker.aws.service import Need, Principal
from flowmaker.clock import SystemClock
from flowmaker.ids import account_of
from flowmaker.store.database import Database

A, B = "000000000000", "111111111111"
USER = Caller(account=B, arn=f"arn:aws:iam::{B}:user/eve")
ROOT = Caller(account=B, arn=f"arn:aws:iam::{B}:root")
ROLE = f"arn:aws:iam::{B}:role/R"
SESSION = Caller(account=B, arn=f"arn:aws:sts::{B}:assumed-role/R/s", role_arn=ROLE)
ANYBODY = Caller()
KEY = "arn:aws:s3:::of-a/k"

Statement = dict[str, Any]


def statement(effect: str, principal: Any = None, action: str = "s3:*") -> Statement:
    named = {"Principal": principal} if principal is not None else {}
    return {"Effect": effect, "Action": action, "Resource": "*", **named}


def policy(kind: Kind, *statements: Statement) -> Policy:
    document = {"Version": "2012-10-17", "Statement": list(statements)}
    return Policy("p", parse(json.dumps(document), kind))


def aws(*named: str) -> dict[str, list[str]]:
    return {"AWS": list(named)}


ALLOW, DENY = statement("Allow"), statement("Deny")
ELSEWHERE = statement("Allow", action="iam:*")
#: The caller's own statements, the bucket's, and what is decided: by which kind of policy.
CASES: list[tuple[str, Caller, list[Statement], list[Statement], tuple[bool, bool, Layer]]] = [
    ("nothing at all", USER, [], [], (False, False, Layer.RESOURCE)),
    ("identity alone", USER, [ALLOW], [], (False, False, Layer.RESOURCE)),
    (
        "the bucket alone, by the user's ARN",
        USER,
        [],
        [statement("Allow", aws(USER.arn))],
        (False, False, Layer.IDENTITY),
    ),
    (
        "the bucket alone, by the account's root",
        USER,
        [],
        [statement("Allow", aws(ROOT.arn))],
        (False, False, Layer.IDENTITY),
    ),
    (
        "the bucket alone, to everybody",
        USER,
        [],
        [statement("Allow", "*")],
        (False, False, Layer.IDENTITY),
    ),
    (
        "both, by the user's ARN",
        USER,
        [ALLOW],
        [statement("Allow", aws(USER.arn))],
        (True, False, Layer.IDENTITY),
    ),
    (
        "both, by the account's root",
        USER,
        [ALLOW],
        [statement("Allow", aws(ROOT.arn))],
        (True, False, Layer.IDENTITY),
    ),
    (
        "both, by the account's id",
        USER,
        [ALLOW],
        [statement("Allow", aws(B))],
        (True, False, Layer.IDENTITY),
    ),
    (
        "both, to everybody",
        USER,
        [ALLOW],
        [statement("Allow", "*")],
        (True, False, Layer.IDENTITY),
    ),
    (
        "the bucket names its own account alone",
        USER,
        [ALLOW],
        [statement("Allow", aws(A))],
        (False, False, Layer.RESOURCE),
    ),
    (
        "the bucket names a user of that name in its own account",
        USER,
        [ALLOW],
        [statement("Allow", aws(f"arn:aws:iam::{A}:user/eve"))],
        (False, False, Layer.RESOURCE),
    ),
    (
        "identity allows something else",
        USER,
        [ELSEWHERE],
        [statement("Allow", aws(USER.arn))],
        (False, False, Layer.IDENTITY),
    ),
    (
        "identity denies",
        USER,
        [ALLOW, DENY],
        [statement("Allow", aws(USER.arn))],
        (False, True, Layer.IDENTITY),
    ),
    (
        "the bucket denies the user",
        USER,
        [ALLOW],
        [statement("Allow", aws(B)), statement("Deny", aws(USER.arn))],
        (False, True, Layer.RESOURCE),
    ),
    (
        "the bucket denies the account",
        USER,
        [ALLOW],
        [statement("Allow", aws(USER.arn)), statement("Deny", aws(B))],
        (False, True, Layer.RESOURCE),
    ),
    (
        "the bucket denies another",
        USER,
        [ALLOW],
        [statement("Allow", aws(B)), statement("Deny", aws(f"arn:aws:iam::{B}:user/bob"))],
        (True, False, Layer.IDENTITY),
    ),
    ("a root user, without the bucket", ROOT, [ALLOW], [], (False, False, Layer.RESOURCE)),
    (
        "a root user, by the account",
        ROOT,
        [ALLOW],
        [statement("Allow", aws(ROOT.arn))],
        (True, False, Layer.IDENTITY),
    ),
    (
        "a root user is not a user of his account",
        ROOT,
        [ALLOW],
        [statement("Allow", aws(USER.arn))],
        (False, False, Layer.RESOURCE),
    ),
    (
        "a root user who is denied",
        ROOT,
        [ALLOW],
        [statement("Allow", aws(B)), statement("Deny", aws(B))],
        (False, True, Layer.RESOURCE),
    ),
    (
        "a session, by its role",
        SESSION,
        [ALLOW],
        [statement("Allow", aws(ROLE))],
        (True, False, Layer.IDENTITY),
    ),
    (
        "a session, whose role may not",
        SESSION,
        [],
        [statement("Allow", aws(ROLE))],
        (False, False, Layer.IDENTITY),
    ),
    (
        "a session that is named itself, whose role may not",
        SESSION,
        [],
        [statement("Allow", aws(SESSION.arn))],
        (False, False, Layer.IDENTITY),
    ),
    (
        "anonymous, to everybody",
        ANYBODY,
        [],
        [statement("Allow", "*")],
        (True, False, Layer.RESOURCE),
    ),
    (
        "anonymous, to an account",
        ANYBODY,
        [],
        [statement("Allow", aws(A, B))],
        (False, False, Layer.RESOURCE),
    ),
    ("anonymous, without a policy", ANYBODY, [], [], (False, False, Layer.RESOURCE)),
]


def policies(own: list[Statement], bucket: list[Statement], **more: Any) -> Policies:
    return Policies(
        identity=(policy(Kind.IDENTITY, *own),) if own else (),
        resource=policy(Kind.RESOURCE, *bucket) if bucket else None,
        **more,
    )


def asked(caller: Caller, **more: Any) -> Request:
    given = {"action": "s3:GetObject", "resource": KEY, "owner": A} | more
    return Request(caller=caller, **given)


@pytest.mark.parametrize(
    ("caller", "own", "bucket", "expected"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_table(
    caller: Caller,
    own: list[Statement],
    bucket: list[Statement],
    expected: tuple[bool, bool, Layer],
) -> None:
    decision = evaluate(asked(caller), policies(own, bucket))
    assert (decision.allowed, decision.explicit, decision.layer) == expected


@pytest.mark.parametrize("layer", [Layer.BOUNDARY, Layer.SESSION])
def test_what_limits_the_caller_limits_it_there_too(layer: Layer) -> None:
    """Even where the bucket names it: across accounts no grant goes past the caller's own side."""
    limit = policy(Kind.IDENTITY, ELSEWHERE)
    more = {"boundary": limit} if layer is Layer.BOUNDARY else {"session": (limit,)}
    for named in (ROLE, SESSION.arn):
        both = policies([ALLOW], [statement("Allow", aws(named))], **more)
        decision = evaluate(asked(SESSION), both)
        assert (decision.allowed, decision.layer) == (False, layer)


_EFFECT = st.sampled_from(["Allow", "Deny"])
_ACTION = st.sampled_from(["s3:*", "s3:GetObject", "s3:PutObject", "iam:*", "*"])
_WHO = st.sampled_from(["*", aws(A), aws(B), aws(USER.arn), aws(ROLE), aws(SESSION.arn)])
_OWN = st.lists(st.builds(lambda e, a: statement(e, action=a), _EFFECT, _ACTION), max_size=3)
_BUCKET = st.lists(st.builds(statement, _EFFECT, _WHO, _ACTION), max_size=3)
_CALLERS = st.sampled_from([USER, ROOT, SESSION])


@given(_CALLERS, _OWN, _BUCKET)
def test_whoever_is_allowed_is_allowed_by_both_sides(
    caller: Caller, own: list[Statement], bucket: list[Statement]
) -> None:
    if not evaluate(asked(caller), policies(own, bucket)).allowed:
        return
    assert not evaluate(asked(caller), policies([], bucket)).allowed
    assert not evaluate(asked(caller), policies(own, [])).allowed
    at_home = asked(caller, owner=caller.account)
    assert evaluate(at_home, policies(own, [])).allowed


# --- the authorizer: whose a resource is ---


@pytest.fixture
async def authorizer(tmp_path: Path) -> AsyncIterator[PolicyAuthorizer]:
    database = Database(tmp_path / "flowmaker.db")
    yield PolicyAuthorizer(database, SystemClock())
    database.close()


def root_of(account: str) -> Principal:
    return Principal(account=account, arn=f"arn:aws:iam::{account}:root", user_id=account)


async def test_a_root_user_may_all_in_the_account_and_nothing_elsewhere(
    authorizer: PolicyAuthorizer,
) -> None:
    """An ARN says whose a resource is, where the operation does not."""
    for resource in ("*", f"arn:aws:iam::{B}:role/R", f"arn:aws:sagemaker:eu-west-1:{B}:model/m"):
        need = Need(action="iam:PassRole", resource=resource)
        assert await authorizer.allowed(root_of(B), need), resource
    for resource in (f"arn:aws:iam::{A}:role/R", f"arn:aws:sagemaker:eu-west-1:{A}:model/m"):
        need = Need(action="iam:PassRole", resource=resource)
        decision = await authorizer.decide(root_of(B), need)
        assert (decision.allowed, decision.layer) == (False, Layer.RESOURCE), resource
        assert missing(root_of(B), need, decision) == ""
    assert await authorizer.allowed(root_of(B), Need(action="s3:GetObject", resource=KEY, owner=B))
    assert not await authorizer.allowed(
        root_of(B), Need(action="s3:GetObject", resource=KEY, owner=A)
    )
    # AWS's own are nobody's.
    managed = Need(action="iam:GetPolicy", resource="arn:aws:iam::aws:policy/ReadOnlyAccess")
    assert await authorizer.allowed(root_of(B), managed)


async def test_a_user_that_is_not_there_may_nothing(authorizer: PolicyAuthorizer) -> None:
    gone = Principal(account=B, arn=USER.arn, user_id="AIDAGONE")
    assert not await authorizer.allowed(gone, Need(action="s3:ListAllMyBuckets"))


def test_what_denies_in_another_account_is_not_told() -> None:
    principal = Principal(account=B, arn=USER.arn, user_id="AIDA")
    decision = Decision(
        allowed=False, explicit=True, layer=Layer.RESOURCE, policy="of b", sid="TheirSid"
    )
    for owner, told in ((A, False), (B, True)):
        need = Need(action="s3:GetObject", resource=KEY, owner=owner)
        assert ("TheirSid" in denial(principal, need, decision).message) is told


@pytest.mark.parametrize(
    ("principal", "holder"),
    [
        (f"arn:aws:iam::{A}:user/team/ann", "user/ann"),
        (f"arn:aws:sts::{A}:assumed-role/R/s", "role/R"),
        (f"arn:aws:iam::{B}:user/team/ann", f"{B}:user/ann"),
        (f"arn:aws:sts::{B}:assumed-role/R/s", f"{B}:role/R"),
        ("", "anonymous"),
    ],
)
def test_holders_of_two_accounts_are_told_apart(principal: str, holder: str) -> None:
    now = SystemClock().now()
    texts = dict.fromkeys(("id", "app", "action", "resource", "passed_to", "told", "missing"), "")
    one = Observation(
        **texts,
        principal=principal,
        allowed=True,
        explicit=False,
        count=1,
        first_at=now,
        last_at=now,
    )
    assert one.holder == holder


@pytest.mark.parametrize(
    ("resource", "account"),
    [
        (f"arn:aws:iam::{B}:root", B),
        (f"arn:aws:logs:eu-west-1:{B}:log-group:/a:b", B),
        (f"arn:aws-cn:iam::{B}:role/R", B),
        ("arn:aws:s3:::bucket/111111111111", ""),
        ("arn:aws:iam::aws:policy/P", ""),
        ("arn:aws:iam::*:role/R", ""),
        (f"arn:aws:iam::{B}", ""),
        (B, ""),
        ("*", ""),
    ],
)
def test_the_account_in_an_arn(resource: str, account: str) -> None:
    assert account_of(resource) == account
