"""A data folder of an older Flowmaker gets what the schema has now: tables, columns, indexes.

The schema only grows. A new column is nullable or has a `server_default`, which its old rows get;
what is no longer used is left where it is. So nothing has to be rewritten, and one rule takes every
older folder to now. A newer Flowmaker's folder is refused, as what it means is not known here.
"""

from sqlalchemy import Column, Connection, Engine, MetaData, Table, inspect
from sqlalchemy.schema import CreateColumn

from flowmaker.errors import FailedPrecondition

#: Raised when older versions must not open the folder any more, because they would misread it.
GENERATION = 1


def migrate(engine: Engine, metadata: MetaData) -> None:
    """Make the database as `metadata` says, in one transaction.

    Raises:
        FailedPrecondition: a newer Flowmaker has written it.
    """
    with engine.connect() as connection:
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        try:
            _check_generation(connection)
            metadata.create_all(connection)
            for table in metadata.sorted_tables:
                _complete(connection, table)
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


def _complete(connection: Connection, table: Table) -> None:
    """Add to a table what its older form lacks."""
    inspector = inspect(connection)
    columns = {column["name"] for column in inspector.get_columns(table.name)}
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
