"""What a principal may do at all: its policies, parsed, and remembered until IAM changes."""

from dataclasses import dataclass, field

from flowmaker.aws.auth import managed_policies, repository
from flowmaker.aws.auth.changes import changes_of
from flowmaker.aws.auth.evaluate import Policy
from flowmaker.aws.auth.policy import Kind, parse
from flowmaker.aws.auth.repository import Held
from flowmaker.aws.errors import AwsError
from flowmaker.ids import arn
from flowmaker.store.database import Database, Transaction

#: How many principals are remembered at most.
REMEMBERED = 1024


@dataclass(frozen=True, kw_only=True, slots=True)
class Standing:
    """The policies of a user or a role."""

    #: Of the user, or of the role (not of its session).
    arn: str
    unique_id: str
    tags: dict[str, str] = field(default_factory=dict[str, str])
    identity: tuple[Policy, ...] = ()
    boundary: Policy | None = None


class Standings:
    """The standing of each principal, read once and again after each change of IAM."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._changes = changes_of(database)
        self._count = self._changes.count
        self._known: dict[tuple[str, str, str], Standing | None] = {}

    async def of(self, account: str, kind: str, name: str) -> Standing | None:
        """The standing of the `user` or `role` of that name; nothing when there is none."""
        count = self._changes.count
        if count != self._count or len(self._known) > REMEMBERED:
            self._known.clear()
            self._count = count
        key = (account, kind, name)
        if key not in self._known:
            standing = await self._database.read(read, account, kind, name)
            if self._changes.count != count or self._count != count:
                return standing
            self._known[key] = standing
        return self._known[key]


def read(tx: Transaction, account: str, kind: str, name: str) -> Standing | None:
    """The standing as the database has it. It reads files too: in a reader's thread."""
    held = repository.held(tx, account, kind, name)
    if held is None:
        return None
    inline = [
        Policy(one.name, parse(one.text), source=f"{one.holder_kind}_{one.holder}_{one.name}")
        for one in held.inline
    ]
    attached = [managed(one, held) for one in held.attached]
    return Standing(
        arn=arn("iam", "", account, f"{kind}{held.path}{name}"),
        unique_id=held.unique_id,
        tags=held.tags,
        identity=(*inline, *attached),
        boundary=managed(held.boundary, held) if held.boundary else None,
    )


def managed(policy_arn: str, held: Held) -> Policy:
    """An attached managed policy.

    Raises:
        AwsError: there is none any more: it might deny, so that going on without is not safe.
    """
    text = held.texts.get(policy_arn)
    if text is None:
        text = managed_policies.document(policy_arn)
        if text is None:
            raise AwsError(
                "ServiceFailure",
                f"The attached policy {policy_arn} is in no data of this server. Detach it, or "
                "install the version of Flowmaker that knows it.",
                500,
            )
    return Policy(policy_arn.rsplit("/", 1)[-1], parse(text, Kind.IDENTITY))
