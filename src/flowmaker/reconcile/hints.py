"""Who should look again at what: a word from whoever changed something to whoever cares.

A hint is never needed for correctness. After a restart every open thing is looked at once; a hint
only makes the look come at once instead of at the next round.
"""

from collections import defaultdict
from collections.abc import Callable

Listener = Callable[[str], None]


class Hints:
    """Hints by topic, e.g. `training_job`, with the key of the thing that changed."""

    def __init__(self) -> None:
        self._listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    def listen(self, topic: str, listener: Listener) -> None:
        """Call `listener(key)` on the event loop for each hint on `topic`."""
        self._listeners[topic].append(listener)

    def hint(self, topic: str, key: str) -> None:
        """Something about `key` changed. Call it on the event loop, after the commit."""
        for listener in self._listeners[topic]:
            listener(key)
