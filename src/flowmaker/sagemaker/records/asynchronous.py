"""A request of InvokeEndpointAsync."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any


@dataclass(frozen=True, kw_only=True, slots=True)
class AsyncRequest:
    """One that is accepted and not answered yet."""

    id: str
    endpoint_id: str
    created_at: datetime
    #: The operation's members, `Body` in base64; `OutputLocation`, `FailureLocation` or empty.
    request: Mapping[str, Any]
