"""The smallest policy of what was needed: it allows all of it, and nothing of it is spare."""

import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flowmaker.aws.auth.evaluate import Policies, Policy, Request, evaluate
from flowmaker.aws.auth.explain import Fit, explain
from flowmaker.aws.auth.least import general, least
from flowmaker.aws.auth.observed import Observation
from flowmaker.aws.auth.policy import parse
from flowmaker.aws.auth.principals import Caller

NOW = datetime(2026, 1, 1, tzinfo=UTC)
ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/jobs"


def needed(action: str, resource: str, passed_to: str = "") -> Observation:
    return Observation(
        id="1",
        principal=f"arn:aws:iam::{ACCOUNT}:user/ann",
        app="",
        action=action,
        resource=resource,
        passed_to=passed_to,
        allowed=True,
        explicit=False,
        told="",
        missing="",
        count=1,
        first_at=NOW,
        last_at=NOW,
    )


def allows(document: Any, one: Observation) -> bool:
    context = {"iam:passedtoservice": (one.passed_to,)} if one.passed_to else {}
    request = Request(
        caller=Caller(account=ACCOUNT, arn=one.principal),
        action=one.action,
        resource=one.resource if one.resource.startswith("arn:") else "*",
        context=context,
    )
    policy = Policy("least", parse(json.dumps(document)))
    return evaluate(request, Policies(identity=(policy,))).allowed


NEEDS = st.lists(
    st.builds(
        needed,
        st.sampled_from(["s3:GetObject", "s3:PutObject", "sagemaker:CreateTrainingJob"]),
        st.one_of(
            st.just("*"),
            st.just("policy path /"),
            st.text("ab/1", min_size=1, max_size=6).map("arn:aws:s3:::data/{}".format),
            st.uuids().map("arn:aws:sagemaker:us-east-1:000000000000:training-job/x-{}".format),
        ),
        st.sampled_from(["", "sagemaker.amazonaws.com"]),
    ),
    min_size=1,
    max_size=12,
)


@given(NEEDS, st.booleans())
def test_it_allows_all_that_was_needed_and_each_statement_is_needed(
    needs: list[Observation], exact: bool
) -> None:
    document = least(needs, exact=exact)
    assert all(allows(document, one) for one in needs)
    statements = document["Statement"]
    # A condition asks for its own statement, though one without it may allow the same.
    if any(one.passed_to for one in needs):
        return
    for spare in statements:
        others = [one for one in statements if one is not spare]
        if others:
            less = {"Version": "2012-10-17", "Statement": others}
            assert not all(allows(less, one) for one in needs), spare


def test_what_is_named_anew_each_time_is_a_star() -> None:
    job = f"arn:aws:sagemaker:us-east-1:{ACCOUNT}:training-job"
    assert general(f"{job}/xgboost-2026-11-26-20-10-11-123") == f"{job}/xgboost-*"
    assert general(f"{job}/mnist-1a2b3c") == f"{job}/mnist-*"
    assert general(f"{job}/TrainingJob-20261126201011-ab12") == f"{job}/TrainingJob-*-ab12"
    assert general(f"{job}/churn-v2") == f"{job}/churn-v2"
    assert general("arn:aws:s3:::data-2026-11-26") == "arn:aws:s3:::data-2026-11-26"


def test_many_objects_are_their_folder_and_few_are_themselves() -> None:
    many = [needed("s3:GetObject", f"arn:aws:s3:::data/train/part{n}.csv") for n in range(9)]
    (statement,) = least(many)["Statement"]
    assert statement["Resource"] == "arn:aws:s3:::data/train/*"
    assert len(least(many, exact=True)["Statement"][0]["Resource"]) == 9
    few = least(many[:2])["Statement"][0]["Resource"]
    assert few == [one.resource for one in many[:2]]


def test_a_role_is_passed_to_that_service_only() -> None:
    document = least([needed("iam:PassRole", ROLE, "sagemaker.amazonaws.com")])
    assert document["Statement"] == [
        {
            "Effect": "Allow",
            "Action": "iam:PassRole",
            "Resource": ROLE,
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        }
    ]


def test_whose_policies_decide() -> None:
    session = f"arn:aws:sts::{ACCOUNT}:assumed-role/jobs/SageMaker"
    one = needed("s3:GetObject", "*")
    assert one.holder == "user/ann"
    assert replace(one, principal=session).holder == "role/jobs"


def test_an_explanation_says_what_each_statement_lacks() -> None:
    def policy(name: str, **statement: Any) -> Policy:
        full = {"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*", **statement}
        text = json.dumps({"Version": "2012-10-17", "Statement": [full]})
        return Policy(name, parse(text))

    request = Request(
        caller=Caller(account=ACCOUNT, arn=f"arn:aws:iam::{ACCOUNT}:user/ann"),
        action="s3:GetObject",
        resource="arn:aws:s3:::data/x",
        context={"aws:sourceip": ("10.0.0.1",)},
    )
    policies = Policies(
        identity=(
            policy("other-bucket", Resource="arn:aws:s3:::other/*"),
            policy("office", Condition={"IpAddress": {"aws:SourceIp": "192.0.2.0/24"}}),
            policy("tagged", Condition={"Null": {"aws:PrincipalTag/team": "false"}}),
            policy("unrelated", Action="s3:PutObject"),
        )
    )
    found = explain(request, policies)
    assert not found.decision.allowed
    assert [(one.policy, one.fit, one.why) for one in found.statements] == [
        (
            "other-bucket",
            Fit.MISSES,
            "would allow it, but its Resource does not have arn:aws:s3:::data/x",
        ),
        (
            "office",
            Fit.MISSES,
            (
                "would allow it, but its Condition wants aws:sourceip 192.0.2.0/24; "
                "the request has 10.0.0.1"
            ),
        ),
        (
            "tagged",
            Fit.MISSES,
            (
                "would allow it, but its Condition wants aws:principaltag/team present; "
                "the request has no value"
            ),
        ),
    ]
    deny = policy("never", Effect="Deny", Action="s3:*")
    denied = explain(request, Policies(identity=(deny,)))
    assert denied.decision.explicit
    assert denied.statements[0].fit is Fit.DENIES
