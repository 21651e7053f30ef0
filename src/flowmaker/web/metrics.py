"""What runs measured: `GET /ui/metrics?runs=ID,ID`, for a page of a list of runs.

Runs are found by their metrics through KFP's own filter: see docs/kfp.md.
"""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from flowmaker.errors import InvalidInput
from flowmaker.pipelines.repository import metrics
from flowmaker.store.database import Database, Transaction
from flowmaker.web.answers import answering, json_response

#: Runs that are told of at once: as many as KFP's API lists on a page.
RUNS = 200
#: Values of all of them together, and names of metrics that any run has.
VALUES, NAMES = 20_000, 500


class Measured:
    """The route of metrics."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def routes(self) -> list[Route]:
        return [Route("/ui/metrics", answering(self.show))]

    async def show(self, request: Request) -> Response:
        """The values of the runs that are named, and the names of all metrics there are."""
        ids = [each for each in request.query_params.get("runs", "").split(",") if each]
        if len(ids) > RUNS:
            raise InvalidInput(f"?runs= has {len(ids)} runs; {RUNS} at most may be asked for.")

        def read(tx: Transaction) -> dict[str, Any]:
            return {"names": metrics.names(tx, NAMES), "runs": metrics.of_runs(tx, ids, VALUES)}

        return json_response(await self._database.read(read))
