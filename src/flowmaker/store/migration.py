"""A data folder of an older Flowmaker gets what the schema has now: tables, columns, indexes.

The schema only grows. A new column is nullable or has a `server_default`, which its old rows get,
and is added to the table; what is no longer used is left where it is. A column that new rows must
say, or that is part of the primary key, tells in its `info` what old rows have (`OF_OLD`): its
table is made anew with all its rows. So one rule takes every older folder to now. A newer
Flowmaker's folder is refused, as what it means is not known here.
"""

from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect
from sqlalchemy.schema import CreateColumn

from flowmaker.errors import FailedPrecondition
from flowmaker.store.schema.metadata import OF_OLD

#: Raised when older versions must not open the folder any more, because they would misread it.
#: 2: IAM's tables say whose a row is.
GENERATION = 2


def migrate(engine: Engine, metadata: MetaData) -> None:
    """Make the database as `metadata` says, in one transaction.

    Raises:
        FailedPrecondition: a newer Flowmaker has written it.
    """
    with engine.connect() as connection:
        # A table that is made anew is gone for a moment, with rows elsewhere that refer to it.
        # Inside a transaction this cannot be said.
        connection.exec_driver_sql("PRAGMA foreign_keys = OFF")
        try:
            _migrate(connection, metadata)
        finally:
            connection.exec_driver_sql("PRAGMA foreign_keys = ON")


def _migrate(connection: Connection, metadata: MetaData) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
    try:
        _check_generation(connection)
        metadata.create_all(connection)
        anew = [table for table in metadata.sorted_tables if _is_to_be_made_anew(connection, table)]
        for table in anew:
            _make_anew(connection, table)
        for table in metadata.sorted_tables:
            _complete(connection, table)
        if anew:
            _check_references(connection)
        connection.exec_driver_sql(f"PRAGMA user_version = {GENERATION}")
    except BaseException:
        connection.exec_driver_sql("ROLLBACK")
        raise
    connection.exec_driver_sql("COMMIT")


def _check_generation(connection: Connection) -> None:
    found = connection.exec_driver_sql("PRAGMA user_version").scalar_one()
    if found > GENERATION:
        raise FailedPrecondition(
            f"this data folder is of a newer Flowmaker (generation {found}, this one knows "
            f"{GENERATION}). Use that version, or another folder: flowmaker up --data DIR"
        )


def _columns(connection: Connection, table: Table) -> set[str]:
    """The columns that the table has, in the database."""
    return {column["name"] for column in inspect(connection).get_columns(table.name)}


def _is_to_be_made_anew(connection: Connection, table: Table) -> bool:
    """Whether it lacks a column that cannot be added to it as it is."""
    there = _columns(connection, table)
    return any(OF_OLD in one.info for one in table.columns if one.name not in there)


def _make_anew(connection: Connection, table: Table) -> None:
    """The table as it is now, with its rows: in the transaction, so that no moment has neither."""
    there = _columns(connection, table)
    kept = [column.name for column in table.columns if column.name in there]
    added = [
        column for column in table.columns if OF_OLD in column.info and column.name not in there
    ]
    listed = ", ".join(f'"{name}"' for name in (*kept, *(column.name for column in added)))
    values = ", ".join((*(f'"{name}"' for name in kept), *("?" for _ in added)))
    keep = f'CREATE TEMP TABLE kept_rows AS SELECT * FROM "{table.name}"'  # noqa: S608 - ours
    connection.exec_driver_sql(keep)
    table.drop(connection)
    table.create(connection)
    connection.exec_driver_sql(
        f'INSERT INTO "{table.name}" ({listed}) SELECT {values} FROM kept_rows',  # noqa: S608 - ours
        tuple(column.info[OF_OLD] for column in added),
    )
    connection.exec_driver_sql("DROP TABLE kept_rows")


def _check_references(connection: Connection) -> None:
    wrong = connection.exec_driver_sql("PRAGMA foreign_key_check").first()
    assert wrong is None, f"a row of {wrong[0]} refers to none of {wrong[2]}"


def _complete(connection: Connection, table: Table) -> None:
    """Add to a table what its older form lacks."""
    columns = _columns(connection, table)
    for column in table.columns:
        if column.name not in columns:
            _add(connection, table, column)
    # Asked of SQLite: SQLAlchemy does not tell of indexes over expressions.
    listed = connection.exec_driver_sql(f'PRAGMA index_list("{table.name}")').mappings()
    indexes = {index["name"] for index in listed}
    for index in table.indexes:
        if index.name not in indexes:
            index.create(connection)


def _add(connection: Connection, table: Table, column: Column[object]) -> None:
    assert column.nullable or column.server_default is not None, f"{column} has no value of old"
    definition = CreateColumn(column).compile(dialect=connection.dialect)
    connection.exec_driver_sql(f'ALTER TABLE "{table.name}" ADD COLUMN {definition}')
