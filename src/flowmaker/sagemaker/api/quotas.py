"""ResourceLimitExceeded: what is asked for is more than a quota leaves."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from flowmaker.aws.errors import AwsError
from flowmaker.sagemaker.lifecycle import quotas
from flowmaker.sagemaker.records.resource import Resource
from flowmaker.sagemaker.repository import resources
from flowmaker.store.database import Transaction


@dataclass(frozen=True, slots=True)
class Quotas:
    """How many instances may be in use, by AWS's name of the quota; the others have no limit."""

    limits: Mapping[str, int] = field(default_factory=dict[str, int])

    def check(self, tx: Transaction, after: Resource, before: Resource | None = None) -> None:
        """In the transaction that writes `after`, in the place of `before`.

        Raises:
            AwsError: it would be above a quota; the transaction must be undone.
        """
        if not self.limits:
            return
        more = quotas.needed(after)
        more.subtract(quotas.needed(before) if before else {})
        for name, count in more.items():
            if name not in self.limits:
                continue
            current = self._current(tx, name, after, before)
            if why := quotas.refusal(name, self.limits[name], current, count):
                raise AwsError("ResourceLimitExceeded", why)

    def _current(self, tx: Transaction, name: str, after: Resource, before: Resource | None) -> int:
        """What is in use of a quota, by `before` as it was."""
        others = (
            one
            for kind in quotas.kinds_of(name)
            for one in resources.open_resources(tx, kind)
            if (one.account, one.region) == (after.account, after.region) and one.id != after.id
        )
        found: Counter[str] = Counter()
        for one in others:
            found += quotas.needed(one)
        return found[name] + (quotas.needed(before)[name] if before else 0)
