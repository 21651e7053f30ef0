"""The pauses of SageMaker's SDK v2 between its questions, made short for tests."""

import time
from typing import Any


class Clock:
    """`time` as the session sees it: a pause takes a tenth of a second and counts in full."""

    def __init__(self) -> None:
        self._skipped = 0.0

    def sleep(self, seconds: float) -> None:
        time.sleep(0.1)
        self._skipped += seconds

    def time(self) -> float:
        return time.time() + self._skipped

    def __getattr__(self, name: str) -> Any:
        return getattr(time, name)
