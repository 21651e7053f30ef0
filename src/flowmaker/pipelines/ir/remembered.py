"""What was made of a document is not made again: a pipeline is sent, checked and run often."""

import json
from collections.abc import Callable
from functools import lru_cache, wraps
from typing import TypeVar

from flowmaker.pipelines.records.catalog import Document

T = TypeVar("T")

#: Documents of which the results are kept, and their characters as JSON at most: some 20 MB.
LATEST = 16
LONGEST = 128 * 1024


def remembered(make: Callable[[Document], T]) -> Callable[[Document], T]:
    """A pure function of a JSON document, with its latest results. Nobody may change what it gives.

    What it raises is raised again each time.
    """

    @lru_cache(LATEST)
    def of_text(text: str) -> T:
        return make(json.loads(text))

    @wraps(make)
    def of(document: Document) -> T:
        try:
            text = json.dumps(document)
        except (TypeError, ValueError, RecursionError):
            return make(document)  # it is no JSON, and that will be said of it
        return of_text(text) if len(text) <= LONGEST else make(document)

    return of
