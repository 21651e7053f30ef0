"""What the handlers of the API work with."""

from collections.abc import Callable
from dataclasses import dataclass

from flowmaker.clock import Clock
from flowmaker.pipelines.api.access import Access
from flowmaker.pipelines.ir.validate import Machine
from flowmaker.reconcile.hints import Hints
from flowmaker.store.database import Database


@dataclass(frozen=True, kw_only=True, slots=True)
class Context:
    """One server's database, and whom to tell of what was written."""

    database: Database
    hints: Hints
    clock: Clock
    access: Access
    #: What pipelines find where they run.
    machine: Machine
    #: What a process that is yet to be waits for, by its id; empty for one that does not wait.
    waits_for: Callable[[str], str]
