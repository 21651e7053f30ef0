"""Permissions for whoever is lost in them: what was denied, what was needed, and why.

* `GET /ui/iam/decisions` lists the decisions of late, with the statement that a denied one lacked:
  `?denied=1`, `?since=` and `?until=` (ISO 8601), `?principal=` (an ARN), `?run=` and `?task=`
  (their ids), `?limit=`.
* `GET /ui/iam/explanation?principal=&action=&resource=` decides without doing, and says by what.
  A condition key of the request is given as `&context=KEY=VALUE`.
"""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker import ids
from flowmaker.aws.auth.authorize import PolicyAuthorizer
from flowmaker.aws.auth.denials import denial, missing
from flowmaker.aws.auth.explain import Explanation
from flowmaker.aws.auth.observations import Observations
from flowmaker.aws.auth.observed import Observation, Wanted
from flowmaker.aws.iam.asking import need_of, principal_of
from flowmaker.aws.service import Need, Principal
from flowmaker.errors import InvalidInput, NotFound
from flowmaker.pipelines.repository import runs
from flowmaker.pipelines.repository.steps import steps_of
from flowmaker.store.database import Database, Transaction
from flowmaker.web.answers import json_response
from flowmaker.web.session import Session

_MOST = 10_000


class Permissions:
    """The routes about permissions, for the owner of the data folder."""

    def __init__(
        self, database: Database, authorizer: PolicyAuthorizer, observations: Observations
    ) -> None:
        self._database = database
        self._authorizer = authorizer
        self._observations = observations

    def routes(self, session: Session) -> list[Route]:
        return [
            Route("/ui/iam/decisions", session.guarding(self.decisions)),
            Route("/ui/iam/explanation", session.guarding(self.explanation)),
        ]

    async def decisions(self, request: Request) -> Response:
        given = request.query_params
        run_id = given.get("run", "")
        tasks = await self._database.read(_tasks, run_id) if run_id else ()
        task_id = given.get("task", "")
        if task_id:
            tasks = (task_id,) if task_id in tasks or not run_id else ()
        if (run_id or task_id) and not tasks:
            return json_response({"decisions": []})
        wanted = Wanted(
            since=_moment(given, "since"),
            until=_moment(given, "until"),
            principal=given.get("principal", ""),
            tasks=tasks,
            denied=given.get("denied", "") in ("1", "true"),
            limit=_limit(given.get("limit", "1000")),
        )
        found = await self._observations.read(wanted)
        return json_response({"decisions": [_decision(one) for one in found]})

    async def explanation(self, request: Request) -> Response:
        given = request.query_params
        lacking = [name for name in ("principal", "action") if not given.get(name)]
        if lacking:
            raise InvalidInput(f"The parameter {lacking[0]} is missing.")
        principal = await self._database.read(principal_of, ids.ACCOUNT, given["principal"])
        need = await self._database.read(
            need_of,
            principal.account,
            given["action"],
            given.get("resource", "*"),
            given.getlist("context"),
        )
        found = await self._authorizer.explain(principal, need, region=given.get("region", ""))
        return json_response(_explanation(principal, need, found))


def _tasks(tx: Transaction, run_id: str) -> tuple[str, ...]:
    if runs.get_run(tx, run_id) is None:
        raise NotFound(f"There is no run {run_id!r}.")
    return tuple(step.task_id for step in steps_of(tx, run_id))


def _moment(given: Mapping[str, str], name: str) -> datetime | None:
    text = given.get(name, "")
    if not text:
        return None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise InvalidInput(f"?{name}= must be a time as 2026-01-31T12:00:00Z, not {text!r}.") from (
            None
        )
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _limit(text: str) -> int:
    if not text.isdecimal() or not 0 < int(text) <= _MOST:
        raise InvalidInput(f"?limit= must be a number from 1 to {_MOST}, not {text!r}.")
    return int(text)


def _decision(one: Observation) -> dict[str, Any]:
    return {**asdict(one), "holder": one.holder}


def _explanation(principal: Principal, need: Need, found: Explanation) -> dict[str, Any]:
    decision = found.decision
    denied = not decision.allowed
    return {
        "principal": principal.arn,
        "action": need.action,
        "resource": need.resource,
        "context": dict(need.context),
        "allowed": decision.allowed,
        "explicit": decision.explicit,
        "layer": decision.layer.value,
        "policy": decision.policy,
        "told": denial(principal, need, decision).message if denied else "",
        "missing": missing(principal, need, decision) if denied else "",
        "statements": [
            {
                "layer": one.layer.value,
                "policy": one.policy,
                "statement": one.statement,
                "fit": one.fit.value,
                "why": one.why,
            }
            for one in found.statements
        ],
        "policies": {layer.value: count for layer, count in found.policies},
    }
