"""The cases of AWS's "Policy evaluation logic", as a table, and what must hold of all of them."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.auth.evaluate import (
    Decision,
    Layer,
    Policies,
    Policy,
    Request,
    evaluate,
)
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.principals import Caller

ACCOUNT = "000000000000"
USER = Caller(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/ann")
ROLE = f"arn:aws:iam::{ACCOUNT}:role/team/R"
SESSION = Caller(account=ACCOUNT, arn=f"arn:aws:sts::{ACCOUNT}:assumed-role/R/s", role_arn=ROLE)
STRANGER = Caller(account="111111111111", arn="arn:aws:iam::111111111111:user/eve")
ANYBODY = Caller()
KEY = "arn:aws:s3:::b/k"


def policy(*statements: dict[str, Any], kind: Kind = Kind.IDENTITY, name: str = "p") -> Policy:
    text = json.dumps({"Version": "2012-10-17", "Statement": list(statements)})
    return Policy(name, parse(text, kind))


def allow(action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {"Effect": "Allow", "Action": action, "Resource": resource, **more}


def deny(action: str = "s3:*", resource: str = "*", **more: Any) -> dict[str, Any]:
    return {**allow(action, resource, **more), "Effect": "Deny"}


def bucket(*statements: dict[str, Any]) -> Policy:
    return policy(*statements, kind=Kind.RESOURCE, name="bucket")


def trust(principal: Any, **more: Any) -> Policy:
    statement = {"Effect": "Allow", "Principal": principal, "Action": "sts:AssumeRole", **more}
    return policy(statement, kind=Kind.TRUST, name="trust")


def decide(policies: Policies, caller: Caller = USER, **request: Any) -> Decision:
    request = {"action": "s3:GetObject", "resource": KEY, "owner": ACCOUNT} | request
    return evaluate(Request(caller=caller, **request), policies)


ME = {"AWS": USER.arn}
IN_ACCOUNT = [
    ("nothing says anything", Policies(), USER, (False, False, Layer.IDENTITY)),
    ("identity allows", Policies(identity=(policy(allow()),)), USER, (True, False, Layer.IDENTITY)),
    (
        "a deny beats an allow, in whatever order",
        Policies(identity=(policy(allow()), policy(deny(resource=KEY)))),
        USER,
        (False, True, Layer.IDENTITY),
    ),
    (
        "the bucket alone allows",
        Policies(resource=bucket(allow(Principal=ME))),
        USER,
        (True, False, Layer.RESOURCE),
    ),
    (
        "the bucket denies",
        Policies(identity=(policy(allow()),), resource=bucket(deny(Principal="*"))),
        USER,
        (False, True, Layer.RESOURCE),
    ),
    (
        "the bucket names the account: its own policies must allow",
        Policies(resource=bucket(allow(Principal={"AWS": ACCOUNT}))),
        USER,
        (False, False, Layer.IDENTITY),
    ),
    (
        "boundary limits identity",
        Policies(identity=(policy(allow()),), boundary=policy(allow("iam:*"))),
        USER,
        (False, False, Layer.BOUNDARY),
    ),
    (
        "boundary alone allows nothing",
        Policies(boundary=policy(allow())),
        USER,
        (False, False, Layer.IDENTITY),
    ),
    (
        "boundary denies",
        Policies(identity=(policy(allow()),), boundary=policy(deny(), allow("*"))),
        USER,
        (False, True, Layer.BOUNDARY),
    ),
    (
        "boundary does not limit a bucket that names the user",
        Policies(resource=bucket(allow(Principal=ME)), boundary=policy(allow("iam:*"))),
        USER,
        (True, False, Layer.RESOURCE),
    ),
    (
        "boundary limits a bucket that names the role",
        Policies(resource=bucket(allow(Principal={"AWS": ROLE})), boundary=policy(allow("iam:*"))),
        SESSION,
        (False, False, Layer.BOUNDARY),
    ),
    (
        "session policies limit the role",
        Policies(identity=(policy(allow("*")),), session=(policy(allow("iam:*")),)),
        SESSION,
        (False, False, Layer.SESSION),
    ),
    (
        "one of several session policies allows",
        Policies(identity=(policy(allow("*")),), session=(policy(allow("iam:*")), policy(allow()))),
        SESSION,
        (True, False, Layer.IDENTITY),
    ),
    (
        "session policies limit a bucket that names the role",
        Policies(
            resource=bucket(allow(Principal={"AWS": ROLE})), session=(policy(allow("iam:*")),)
        ),
        SESSION,
        (False, False, Layer.SESSION),
    ),
    (
        "they do not limit a bucket that names the session",
        Policies(
            resource=bucket(allow(Principal={"AWS": SESSION.arn})),
            session=(policy(allow("iam:*")),),
        ),
        SESSION,
        (True, False, Layer.RESOURCE),
    ),
    (
        "a stranger needs both: the bucket's is missing",
        Policies(identity=(policy(allow()),)),
        STRANGER,
        (False, False, Layer.RESOURCE),
    ),
    (
        "a stranger needs both: their own is missing",
        Policies(resource=bucket(allow(Principal={"AWS": STRANGER.arn}))),
        STRANGER,
        (False, False, Layer.IDENTITY),
    ),
    (
        "a stranger has both",
        Policies(
            identity=(policy(allow()),), resource=bucket(allow(Principal={"AWS": "111111111111"}))
        ),
        STRANGER,
        (True, False, Layer.IDENTITY),
    ),
    (
        "anybody may what the bucket gives everybody",
        Policies(resource=bucket(allow(Principal="*"))),
        ANYBODY,
        (True, False, Layer.RESOURCE),
    ),
    (
        "and nothing else",
        Policies(resource=bucket(allow(Principal={"AWS": ACCOUNT}))),
        ANYBODY,
        (False, False, Layer.RESOURCE),
    ),
    (
        "NotPrincipal denies all but the named",
        Policies(
            identity=(policy(allow()),),
            resource=bucket(
                {
                    "Effect": "Deny",
                    "NotPrincipal": {"AWS": [USER.arn, ACCOUNT]},
                    "Action": "s3:*",
                    "Resource": "*",
                }
            ),
        ),
        SESSION,
        (False, True, Layer.RESOURCE),
    ),
]


@pytest.mark.parametrize(
    ("policies", "caller", "expected"),
    [case[1:] for case in IN_ACCOUNT],
    ids=[case[0] for case in IN_ACCOUNT],
)
def test_table(policies: Policies, caller: Caller, expected: tuple[bool, bool, Layer]) -> None:
    decision = decide(policies, caller)
    assert (decision.allowed, decision.explicit, decision.layer) == expected


def test_a_decision_names_who_made_it() -> None:
    policies = Policies(identity=(policy(allow(Sid="Yes"), name="mine"),))
    decision = decide(policies)
    assert (decision.policy, decision.sid) == ("mine", "Yes")
    policies = Policies(identity=(policy(allow(), deny(Sid="No"), name="mine"),))
    decision = decide(policies)
    assert (decision.policy, decision.sid) == ("mine", "No")


@pytest.mark.parametrize(
    ("principal", "identity", "allowed"),
    [
        ({"AWS": USER.arn}, False, True),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, False, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:root"}, True, True),
        ({"AWS": ACCOUNT}, True, True),
        ({"Service": "sagemaker.amazonaws.com"}, True, False),
        ({"AWS": f"arn:aws:iam::{ACCOUNT}:user/bob"}, True, False),
        ("*", False, True),
    ],
)
def test_a_role_is_assumed_only_when_it_trusts(
    principal: Any, identity: bool, allowed: bool
) -> None:
    policies = Policies(
        identity=(policy(allow("sts:*")),) if identity else (), resource=trust(principal)
    )
    assert decide(policies, action="sts:AssumeRole", resource=ROLE).allowed is allowed


def test_without_trust_nobody_assumes() -> None:
    decision = decide(
        Policies(identity=(policy(allow("*")),)), action="sts:AssumeRole", resource=ROLE
    )
    assert (decision.allowed, decision.layer) == (False, Layer.RESOURCE)


def test_a_service_is_trusted_by_name() -> None:
    service = Caller(service="sagemaker.amazonaws.com")
    for named, allowed in (("sagemaker.amazonaws.com", True), ("ec2.amazonaws.com", False)):
        policies = Policies(resource=trust({"Service": named}))
        request = Request(caller=service, action="sts:AssumeRole")
        assert evaluate(request, policies).allowed is allowed


@pytest.mark.parametrize(
    ("statement", "action", "resource", "allowed"),
    [
        ({"Action": "s3:getobject", "Resource": "*"}, "s3:GetObject", KEY, True),
        ({"Action": "S3:Get*", "Resource": "*"}, "s3:GetObject", KEY, True),
        ({"Action": "s3:Get?bject", "Resource": "*"}, "s3:GetObject", KEY, True),
        ({"Action": "s3:*Object", "Resource": "*"}, "s3:ListBucket", KEY, False),
        ({"NotAction": "iam:*", "Resource": "*"}, "s3:GetObject", KEY, True),
        ({"NotAction": ["iam:*", "s3:Get*"], "Resource": "*"}, "s3:GetObject", KEY, False),
        ({"Action": "*", "Resource": "arn:aws:s3:::b/*"}, "s3:GetObject", KEY, True),
        ({"Action": "*", "Resource": "arn:aws:s3:::B/*"}, "s3:GetObject", KEY, False),
        ({"Action": "*", "Resource": "arn:aws:s3:::*"}, "s3:GetObject", KEY, True),
        ({"Action": "*", "Resource": "arn:aws:s3:::b"}, "s3:GetObject", KEY, False),
        ({"Action": "*", "Resource": "arn:*:s3:::?/k"}, "s3:GetObject", KEY, True),
        ({"Action": "*", "NotResource": KEY}, "s3:GetObject", KEY, False),
        ({"Action": "*", "NotResource": "arn:aws:s3:::c/*"}, "s3:GetObject", KEY, True),
        ({"Action": "*", "NotResource": "arn:aws:s3:::c/*"}, "s3:ListAllMyBuckets", "*", True),
        ({"Action": "*", "Resource": "arn:aws:s3:::b/*"}, "s3:ListAllMyBuckets", "*", False),
        ({"Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}"}, "s3:GetObject", KEY, False),
        (
            {"Action": "*", "Resource": "arn:aws:s3:::b/${aws:username}/*"},
            "s3:GetObject",
            "arn:aws:s3:::b/ann/x",
            True,
        ),
        (
            {"Action": "*", "Resource": "arn:aws:s3:::b/${no:such, 'ann'}"},
            "s3:GetObject",
            "arn:aws:s3:::b/ann",
            True,
        ),
        (
            {"Action": "*", "Resource": "arn:aws:s3:::b/${no:such}"},
            "s3:GetObject",
            "arn:aws:s3:::b/${no:such}",
            False,
        ),
        (
            {"Action": "*", "Resource": "arn:aws:s3:::b/${*}"},
            "s3:GetObject",
            "arn:aws:s3:::b/k",
            False,
        ),
        (
            {"Action": "*", "Resource": "arn:aws:s3:::b/${*}"},
            "s3:GetObject",
            "arn:aws:s3:::b/*",
            True,
        ),
    ],
)
def test_actions_and_resources(
    statement: dict[str, Any], action: str, resource: str, allowed: bool
) -> None:
    policies = Policies(identity=(policy({"Effect": "Allow", **statement}),))
    context = {"aws:username": ("ann",)}
    assert decide(policies, action=action, resource=resource, context=context).allowed is allowed


def test_what_a_variable_stands_for_is_no_pattern() -> None:
    policies = Policies(identity=(policy(allow(resource="arn:aws:s3:::b/${aws:username}/*")),))
    star = {"aws:username": ("*",)}
    assert not decide(policies, resource="arn:aws:s3:::b/bob/x", context=star).allowed
    assert decide(policies, resource="arn:aws:s3:::b/*/x", context=star).allowed


def test_policies_of_2008_have_no_variables() -> None:
    text = json.dumps({"Statement": allow(resource="arn:aws:s3:::b/${aws:username}")})
    policies = Policies(identity=(Policy("old", parse(text)),))
    context = {"aws:username": ("ann",)}
    assert not decide(policies, resource="arn:aws:s3:::b/ann", context=context).allowed
    assert decide(policies, resource="arn:aws:s3:::b/${aws:username}", context=context).allowed


def test_many_stars_take_no_time() -> None:
    policies = Policies(identity=(policy(allow(resource="arn:aws:s3:::" + "*a" * 400 + "b")),))
    assert not decide(policies, resource="arn:aws:s3:::" + "a" * 2000).allowed


_ACTIONS = st.sampled_from(["s3:*", "s3:Get*", "s3:GetObject", "s3:PutObject", "iam:*", "*"])
_RESOURCES = st.sampled_from(["*", KEY, "arn:aws:s3:::b/*", "arn:aws:s3:::c/*"])
_WHO = st.sampled_from([{"AWS": USER.arn}, {"AWS": ACCOUNT}, "*", {"AWS": ROLE}])
_EFFECT = st.sampled_from(["Allow", "Deny"])
_STATEMENTS = st.lists(
    st.builds(
        lambda effect, action, resource: {**allow(action, resource), "Effect": effect},
        _EFFECT,
        _ACTIONS,
        _RESOURCES,
    ),
    min_size=1,
    max_size=4,
)
_OF_BUCKET = st.lists(
    st.builds(
        lambda effect, action, who: {**allow(action), "Effect": effect, "Principal": who},
        _EFFECT,
        _ACTIONS,
        _WHO,
    ),
    min_size=1,
    max_size=3,
)
_CALLERS = st.sampled_from([USER, SESSION, STRANGER, ANYBODY])
_POLICIES = st.builds(
    lambda identity, resource, boundary, session: Policies(
        identity=tuple(policy(*one) for one in identity),
        resource=bucket(*resource) if resource else None,
        boundary=policy(*boundary) if boundary else None,
        session=tuple(policy(*one) for one in session),
    ),
    st.lists(_STATEMENTS, max_size=3),
    st.none() | _OF_BUCKET,
    st.none() | _STATEMENTS,
    st.lists(_STATEMENTS, max_size=2),
)


@given(_POLICIES, _CALLERS)
def test_a_deny_always_wins(policies: Policies, caller: Caller) -> None:
    denied = Policies(
        identity=(*policies.identity, policy(deny("s3:GetObject", KEY))),
        resource=policies.resource,
        boundary=policies.boundary,
        session=policies.session,
    )
    decision = decide(denied, caller)
    assert not decision.allowed
    assert decision.explicit


@given(_POLICIES, _CALLERS)
def test_one_more_allow_takes_nothing_away(policies: Policies, caller: Caller) -> None:
    more = Policies(
        identity=(*policies.identity, policy(allow("*"))),
        resource=policies.resource,
        boundary=policies.boundary,
        session=policies.session,
    )
    assert decide(policies, caller).allowed <= decide(more, caller).allowed


@given(_POLICIES, _CALLERS)
def test_limits_only_limit(policies: Policies, caller: Caller) -> None:
    unlimited = Policies(identity=policies.identity, resource=policies.resource)
    assert decide(policies, caller).allowed <= decide(unlimited, caller).allowed
