"""Tables of the Kubernetes sliver."""

from sqlalchemy import JSON, Column, Index, Integer, Table, Text

from flowmaker.store.schema.metadata import Timestamp, metadata

kubernetes_objects = Table(
    "kubernetes_objects",
    metadata,
    Column("kind", Text, primary_key=True),
    #: Empty for what belongs to no namespace.
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("uid", Text, nullable=False),
    Column("resource_version", Integer, nullable=False),
    Column("created_at", Timestamp, nullable=False),
    #: Labels, annotations, and all of the object that is not its metadata.
    Column("labels", JSON, nullable=False),
    Column("annotations", JSON, nullable=False),
    Column("document", JSON, nullable=False),
    #: Which fields whom wrote last: [[operation, manager, [path, ...]], ...]. Null: nobody knows.
    Column("owners", JSON),
    Index("kubernetes_objects_by_version", "resource_version"),
)

#: What became of objects, so that watches can go on from a version. Old changes are forgotten.
kubernetes_changes = Table(
    "kubernetes_changes",
    metadata,
    Column("version", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    #: The labels before the change. Null: it was not there.
    Column("labels_before", JSON),
    #: The object without its values, when it has gone: {uid, created_at, ...}.
    Column("gone", JSON),
)

#: What was removed on somebody's behalf, so that doing it again is known to be that.
kubernetes_removals = Table(
    "kubernetes_removals",
    metadata,
    Column("remover", Text, primary_key=True),
    Column("name", Text, primary_key=True),
    Column("removed_at", Timestamp, nullable=False),
)
