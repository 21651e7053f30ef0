"""Pages of what a pipeline or an execution has all of in one record."""

from collections.abc import Sequence
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.aws.service import Call

#: Of a page when MaxResults is not given: the SDK asks for one page of steps alone.
_PAGE = 100


def whole_page(call: Call, member: str, told: Sequence[Any]) -> dict[str, Any]:
    """A page of what is listed; its token is where the next one begins."""
    token = call.parameters.get("NextToken") or "0"
    if not token.isdecimal():
        raise validation("The NextToken is not one that this operation gave")
    start = int(token)
    end = start + call.parameters.get("MaxResults", _PAGE)
    further = {"NextToken": str(end)} if end < len(told) else {}
    return {member: list(told[start:end])} | further
