"""The queues of asynchronous endpoints in the database: what is accepted stays until it is done."""

from typing import Any

from sqlalchemy import Row, select

from flowmaker.sagemaker.records.asynchronous import AsyncRequest
from flowmaker.store.database import Transaction
from flowmaker.store.schema.sagemaker import async_requests as requests


def add(tx: Transaction, request: AsyncRequest) -> None:
    tx.execute(
        requests.insert().values(
            id=request.id,
            endpoint_id=request.endpoint_id,
            created_at=request.created_at,
            request=request.request,
        )
    )


def first(tx: Transaction, endpoint_id: str, limit: int) -> list[AsyncRequest]:
    """The oldest ones of an endpoint."""
    rows = tx.execute(
        select(requests)
        .where(requests.c.endpoint_id == endpoint_id)
        .order_by(requests.c.created_at, requests.c.id)
        .limit(limit)
    )
    return [_request(row) for row in rows]


def endpoints(tx: Transaction) -> list[str]:
    """The ids of those that have any."""
    return list(tx.execute(select(requests.c.endpoint_id).distinct()).scalars())


def remove(tx: Transaction, request_id: str) -> None:
    tx.execute(requests.delete().where(requests.c.id == request_id))


def remove_all(tx: Transaction, endpoint_id: str) -> None:
    tx.execute(requests.delete().where(requests.c.endpoint_id == endpoint_id))


def _request(row: Row[Any]) -> AsyncRequest:
    return AsyncRequest(
        id=row.id, endpoint_id=row.endpoint_id, created_at=row.created_at, request=row.request
    )
