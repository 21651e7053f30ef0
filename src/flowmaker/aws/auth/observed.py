"""A decision as it is remembered: who needed what, and whether it was allowed."""

from dataclasses import dataclass
from datetime import datetime

from flowmaker import ids


@dataclass(frozen=True, kw_only=True, slots=True)
class Observation:
    """One need of one principal, for as long as it comes again without a long pause."""

    id: str
    principal: str
    #: What the caller's SDK says that it is part of: `task-…` in a pipeline's task.
    app: str
    action: str
    resource: str
    #: `iam:PassedToService`, of a role that is passed.
    passed_to: str
    allowed: bool
    #: Of a denial: whether a statement denies, rather than none allowing.
    explicit: bool
    #: Of a denial: what the caller was told, and the statement (JSON) that would allow it.
    told: str
    missing: str
    count: int
    first_at: datetime
    last_at: datetime

    @property
    def holder(self) -> str:
        """The user or role whose policies decide: `user/NAME`, `role/NAME`.

        Of an account beside the first, with its id before it: `123456789012:user/NAME`.
        """
        account, resource = ids.account_of(self.principal), self.principal.rpartition(":")[2]
        of = f"{account}:" if account not in ("", ids.ACCOUNT) else ""
        if resource.startswith("assumed-role/"):
            return f"{of}role/{resource.split('/')[1]}"
        if resource.startswith("user/"):
            return f"{of}user/{resource.rpartition('/')[2]}"
        return f"{of}{resource}" or "anonymous"


@dataclass(frozen=True, kw_only=True, slots=True)
class Wanted:
    """Which observations somebody asks for; what is empty limits nothing."""

    since: datetime | None = None
    until: datetime | None = None
    #: A user's or session's ARN, or that of an assumed role without its session.
    principal: str = ""
    #: Ids of pipelines' tasks.
    tasks: tuple[str, ...] = ()
    denied: bool = False
    limit: int = 10_000
