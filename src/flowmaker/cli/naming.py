"""What a person means by a name that may be a run's, a job's or an endpoint's. Pure."""

import difflib
from collections.abc import Iterable
from dataclasses import dataclass

from flowmaker.errors import InvalidInput, NotFound

#: Characters of an id from which it may be told.
_SHORTEST = 4
_NEAR = 5
_LISTED = 8


@dataclass(frozen=True, kw_only=True, slots=True)
class Named:
    """Something with logs."""

    #: `run`, `training-job` …
    kind: str
    #: A run's id; the name of everything else.
    id: str
    #: What people call it.
    name: str
    #: `SUCCEEDED`, `InService` …
    state: str

    @property
    def address(self) -> str:
        """The name that no other has."""
        return f"{self.kind}/{self.id}"

    def __str__(self) -> str:
        called = f" ({self.name})" if self.name != self.id else ""
        return f"{self.address}{called}, {self.state}"


def meant(text: str, known: Iterable[Named]) -> Named:
    """The one that `text` means: by address, id or name, or by a unique beginning of its id.

    Raises:
        NotFound: none; the message has what is near.
        InvalidInput: several.
    """
    known = list(known)
    for found in (
        [each for each in known if text in (each.address, each.id)],
        [each for each in known if text == each.name],
        [each for each in known if len(text) >= _SHORTEST and each.id.startswith(text)],
    ):
        if len(found) == 1:
            return found[0]
        if found:
            raise InvalidInput(_several(text, found))
    raise NotFound(_nothing(text, known))


def _several(text: str, found: list[Named]) -> str:
    more = f"\n  and {len(found) - _LISTED} others" if len(found) > _LISTED else ""
    listed = "".join(f"\n  {each}" for each in found[:_LISTED])
    return f"{text!r} may be any of {len(found)}; say which:{listed}{more}"


def _nothing(text: str, known: list[Named]) -> str:
    if not known:
        return f"there is nothing called {text!r}: there are no runs, jobs or endpoints yet"
    by_name = {name: each for each in reversed(known) for name in (each.id, each.name)}
    near = difflib.get_close_matches(text, by_name, n=_NEAR, cutoff=0.5)
    near += [name for name in by_name if text.lower() in name.lower()]
    found = dict.fromkeys(by_name[name] for name in near)
    head = "Near it is" if found else "The latest are"
    listed = "".join(f"\n  {each}" for each in list(found or known)[:_NEAR])
    return f"there is no run, job or endpoint {text!r}. {head}:{listed}"
