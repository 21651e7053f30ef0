"""Every table of the system: one page for each half of the house.

Times are UTC, written as ISO 8601 text with microseconds, so that they sort as they read. Columns
called `document` hold JSON: what is stored and given back, but never searched.
"""

from flowmaker.store.schema import aws, kubernetes, objects, pipelines, sagemaker
from flowmaker.store.schema.metadata import metadata

__all__ = ["aws", "kubernetes", "metadata", "objects", "pipelines", "sagemaker"]
