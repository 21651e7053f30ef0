"""What an AWS service is to the gateway: operations, and what each needs permission for."""

from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from flowmaker import ids

Parameters = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True, slots=True)
class Principal:
    """Whoever signed a request, or a job's role that the server acts for."""

    account: str
    #: `arn:aws:iam::A:root`, `…:user/NAME` or `arn:aws:sts::A:assumed-role/ROLE/SESSION`.
    arn: str
    #: The `aws:userid`, e.g. `AIDA…` or `AROA…:session`.
    user_id: str
    access_key_id: str = ""
    #: Inline session policies that narrow what the session may do, as JSON text.
    session_policies: tuple[str, ...] = ()
    #: Session tags: `aws:PrincipalTag/KEY`, before the tags of the role.
    session_tags: tuple[tuple[str, str], ...] = ()
    #: The keys of those that a session which this one assumes has as well.
    transitive_tags: tuple[str, ...] = ()
    #: Who is behind a session, as said when it or one before it was begun; empty if nobody said.
    source_identity: str = ""

    @property
    def is_root(self) -> bool:
        return self.arn.endswith(":root")

    @property
    def role_name(self) -> str:
        """The role of an assumed-role session, else empty."""
        _, found, rest = self.arn.partition(":assumed-role/")
        return rest.split("/")[0] if found else ""

    @property
    def user_name(self) -> str:
        """The IAM user, else empty."""
        _, found, rest = self.arn.partition(":user/")
        return rest.rsplit("/", 1)[-1] if found else ""


@dataclass(frozen=True, kw_only=True, slots=True)
class Need:
    """One permission that an operation needs: IAM's action on a resource, and in which context."""

    action: str
    resource: str = "*"
    #: Condition keys beside the global ones, e.g. `iam:PassedToService`.
    context: Mapping[str, str | tuple[str, ...]] = field(
        default_factory=dict[str, str | tuple[str, ...]]
    )
    #: The policy attached to the resource itself (a bucket's), as JSON text; empty for none.
    resource_policy: str = ""
    #: The account that owns the resource; empty for the one in its ARN, else the caller's own.
    owner: str = ""

    @property
    def account(self) -> str:
        """The account of the resource; empty where neither owner nor ARN says it."""
        return self.owner or ids.account_of(self.resource)


@dataclass(frozen=True, kw_only=True, slots=True)
class Call:
    """One request, understood: who asks which operation with what."""

    service: str
    operation: str
    #: As in botocore's model of the operation's input: names, nesting, Python types. A streaming
    #: member is absent here and read from `body`.
    parameters: dict[str, Any]
    principal: Principal
    region: str
    request_id: str
    #: The payload of an operation with a streaming input; empty for others. Already verified
    #: against signature and checksums when it ends; reading it raises AwsError when it is not.
    body: AsyncIterator[bytes]
    #: Header names in lower case.
    headers: Mapping[str, str]
    #: What the client sees as the server, `http://127.0.0.1:8080`, for URLs in answers.
    endpoint: str
    #: `method`, raw `path`, and decoded `query` of the request.
    method: str = "POST"
    path: str = "/"
    query: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Headers that came behind a streaming body (`x-amz-checksum-crc32` …), names in lower case;
    #: filled, and verified, when `body` has ended.
    trailers: Mapping[str, str] = field(default_factory=dict[str, str])
    #: What was looked up to find out what the call needs: the handler need not look again.
    known: dict[str, Any] = field(default_factory=dict[str, Any])

    @property
    def account(self) -> str:
        return self.principal.account


@dataclass(frozen=True, kw_only=True, slots=True)
class Reply:
    """An answer whose payload is not in the parameters: a stream, or a status of its own."""

    #: As in botocore's model of the output; a streaming member is left out.
    parameters: Parameters = field(default_factory=dict[str, Any])
    body: AsyncIterator[bytes] | bytes | None = None
    #: Bytes of `body` when it is a stream and the length is known.
    length: int | None = None
    #: 0: as the model says.
    status: int = 0
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    #: Of an operation that answers with an event stream: each event's name and members.
    events: AsyncIterator[tuple[str, Mapping[str, Any]]] | None = None


Answer = Parameters | Reply | None
Handler = Callable[[Call], Awaitable[Answer]]
#: What must be allowed before the handler is called. It may read the database.
Needs = Callable[[Call], Awaitable[Iterable[Need]]]


@dataclass(frozen=True, kw_only=True, slots=True)
class Operation:
    """An operation that a service has."""

    handler: Handler
    needs: Needs


class Service(Protocol):
    """A service that the gateway can ask. Checked against botocore's model at the start."""

    #: botocore's name: `s3`, `iam`, `sts`, `sagemaker`, `sagemaker-runtime`, `logs`.
    name: str

    def operations(self) -> Mapping[str, Operation]:
        """By the model's name. An operation of the model that is not here is refused by name."""
        ...
