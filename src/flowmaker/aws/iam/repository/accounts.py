"""The accounts beside the first, in the database."""

from sqlalchemy import insert, select

from flowmaker.aws.iam.records import Account
from flowmaker.store.database import Transaction
from flowmaker.store.schema.aws import aws_accounts


def account(tx: Transaction, name: str) -> Account | None:
    query = select(aws_accounts).where(aws_accounts.c.name == name)
    row = tx.execute(query).mappings().first()
    return Account(**row) if row else None


def accounts(tx: Transaction) -> list[Account]:
    """In the order they were made."""
    query = select(aws_accounts).order_by(aws_accounts.c.created_at, aws_accounts.c.name)
    return [Account(**row) for row in tx.execute(query).mappings()]


def add(tx: Transaction, new: Account) -> None:
    values = {name: getattr(new, name) for name in new.__dataclass_fields__}
    tx.execute(insert(aws_accounts).values(**values))
