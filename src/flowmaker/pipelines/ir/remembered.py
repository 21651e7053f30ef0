"""What was made of a document is not made again: a pipeline is sent, checked and run often."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable
from hashlib import sha256
from typing import Generic, TypeVar

from flowmaker.pipelines.records.catalog import Document

T = TypeVar("T")

#: Bytes of the documents, as JSON, of which results are kept.
MOST = 1024 * 1024


class Remembered(Generic[T]):
    """The latest results of a pure function of documents. Nobody may change what it gives.

    Safe to use from several threads.
    """

    def __init__(self, most: int = MOST) -> None:
        self._most = most
        self._results: OrderedDict[bytes, tuple[T, int]] = OrderedDict()
        self._bytes = 0
        self._lock = threading.Lock()

    def of(self, document: Document, make: Callable[[], T]) -> T:
        """The result that was made of an equal document, or what `make` gives now."""
        text = _text(document)
        if text is None:
            return make()
        digest = sha256(text).digest()
        with self._lock:
            if digest in self._results:
                self._results.move_to_end(digest)
                return self._results[digest][0]
        result = make()
        self._keep(digest, result, len(text))
        return result

    def keep(self, document: Document, result: T) -> None:
        """Remember what would be made of the document."""
        text = _text(document)
        if text is not None:
            self._keep(sha256(text).digest(), result, len(text))

    def _keep(self, digest: bytes, result: T, size: int) -> None:
        with self._lock:
            if digest in self._results:
                return
            self._results[digest] = (result, size)
            self._bytes += size
            while self._bytes > self._most:
                _, (_, gone) = self._results.popitem(last=False)
                self._bytes -= gone


def _text(document: Document) -> bytes | None:
    """None for what is no JSON, which whoever reads it will say."""
    try:
        return json.dumps(document).encode()
    except (TypeError, ValueError, RecursionError):
        return None
