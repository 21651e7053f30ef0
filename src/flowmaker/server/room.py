"""What room there is on this machine, who holds it, who waits for it: `flowmaker status` asks."""

from dataclasses import dataclass
from typing import Any

from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from flowmaker.executors.room import Amount, Demand, Room, taken

#: Of those that wait, how many are listed.
LISTED = 20


@dataclass(frozen=True, kw_only=True, slots=True)
class RoomDoor:
    """An ASGI app that answers every request with the state of both rooms."""

    tasks: Room
    jobs: Room

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = JSONResponse({"tasks": _shown(self.tasks), "jobs": _shown(self.jobs)})
        await response(scope, receive, send)


def _shown(room: Room) -> dict[str, Any]:
    waiting = room.waiting()
    return {
        "capacity": _amount(room.capacity),
        "in_use": _amount(taken(room.held(), room.capacity)),
        "said": room.in_use(),
        "held": [_demand(each) for each in room.held()],
        "waiting": [_demand(each) | {"why": room.why(each.id)} for each in waiting[:LISTED]],
        "waiting_count": len(waiting),
    }


def _demand(demand: Demand) -> dict[str, Any]:
    return {"what": demand.what, "asks_for": str(demand.amount)}


def _amount(amount: Amount) -> dict[str, float]:
    return {"cores": amount.millicores / 1000, "memory_bytes": amount.memory}
