"""KFP's API of the server that runs, for commands of the terminal."""

import json
import os
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote

import httpx

from flowmaker.cli.running import Running
from flowmaker.errors import FailedPrecondition, FlowmakerError, NotFound

#: KFP's API asks for it where there are several users.
ADMINISTRATOR = "flowmaker-administrator"
#: Seconds without a byte of an answer. What is followed may be silent for as long as it likes.
_PATIENCE = 60.0
_PAGE = 200
_NOT_FOUND = 404


class KfpApi:
    """A client of one server. Every method raises FlowmakerError with what the server said."""

    def __init__(self, server: Running) -> None:
        token = os.environ.get("FLOWMAKER_TOKEN", "")
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        if server.administrator:
            headers[ADMINISTRATOR] = server.administrator
        self._http = httpx.Client(
            base_url=server.url, headers=headers, timeout=_PATIENCE, trust_env=False
        )

    def run(self, run_id: str) -> Mapping[str, Any]:
        """The run, with its tasks."""
        return self._json("GET", f"/apis/v2beta1/runs/{quote(run_id, safe='')}")

    def tasks(self, run: Mapping[str, Any]) -> list[Mapping[str, Any]]:
        """Those tasks of a run that run something, in the order in which they began."""
        details = run.get("run_details", {}).get("task_details", [])
        found = [task for task in details if task["kind"] == "CONTAINER"]
        return sorted(found, key=lambda task: task.get("start_time") or task["create_time"])

    def runs(self, most: int = 2000, **options: str) -> list[Mapping[str, Any]]:
        """The latest runs, without their tasks."""
        found: list[Mapping[str, Any]] = []
        query: dict[str, Any] = {"page_size": _PAGE, "sort_by": "created_at desc", **options}
        while len(found) < most:
            page = self._json("GET", "/apis/v2beta1/runs", params=query)
            found += page.get("runs", [])
            if not page.get("next_page_token"):
                break
            query["page_token"] = page["next_page_token"]
        return found

    def runs_going(self) -> int:
        """How many runs have not ended."""
        open_states = ["PENDING", "RUNNING", "CANCELING", "PAUSED"]
        wanted = {"key": "state", "operation": "IN", "string_values": {"values": open_states}}
        query = {"page_size": 1, "filter": json.dumps({"predicates": [wanted]})}
        return self._json("GET", "/apis/v2beta1/runs", params=query).get("total_size", 0)

    def room(self) -> Mapping[str, Any]:
        """What room tasks and jobs have, and who waits for it."""
        return self._json("GET", "/flowmaker/v1/room")

    def log(self, run_id: str, task_id: str, *, follow: bool) -> Iterator[str]:
        """The lines of a task's log."""
        path = f"/apis/v1alpha1/runs/{run_id}/nodes/{task_id}/log"
        timeout = httpx.Timeout(_PATIENCE, read=None) if follow else _PATIENCE
        options: Any = {"params": {"follow": "true"} if follow else {}, "timeout": timeout}
        with self._reaching(), self._http.stream("GET", path, **options) as answer:
            if answer.is_error:
                answer.read()
                raise _said(answer)
            yield from answer.iter_lines()

    def debug(self, run_id: str, task_id: str, how: str) -> Mapping[str, Any]:
        """A prepared debug session."""
        path = f"/flowmaker/v1/runs/{run_id}/nodes/{task_id}:debug"
        # An environment may have to be made first.
        return self._json("POST", path, params={"how": how}, timeout=None)

    def _json(self, method: str, path: str, **options: Any) -> Mapping[str, Any]:  # noqa: ANN401
        with self._reaching():
            answer = self._http.request(method, path, **options)
        if answer.is_error:
            raise _said(answer)
        return answer.json()

    def _reaching(self) -> "_Reaching":
        return _Reaching(str(self._http.base_url))


class _Reaching:
    """Says which server it was that could not be reached."""

    def __init__(self, url: str) -> None:
        self._url = url

    def __enter__(self) -> None:
        return

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if isinstance(error, httpx.TransportError):
            raise FailedPrecondition(f"{self._url} does not answer any more: {error}") from None


def _said(answer: httpx.Response) -> FlowmakerError:
    try:
        message = answer.json()["message"]
    except (ValueError, KeyError, TypeError):
        message = f"the server answered with status {answer.status_code}"
    return NotFound(message) if answer.status_code == _NOT_FOUND else FailedPrecondition(message)
