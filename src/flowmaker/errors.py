"""What can go wrong, in words for the person who reads them.

    FlowmakerError
    ├── InvalidInput        what was sent is wrong; nothing was done
    │   └── Unsupported     it is valid, but Flowmaker does not do it (and says which thing)
    ├── NotFound
    ├── AlreadyExists
    ├── FailedPrecondition  right at another time, or in another state
    ├── PermissionDenied
    └── Unavailable         this machine cannot do it now

A domain's API turns them into its protocol's own form (google.rpc.Status for KFP, Status for
Kubernetes). AWS services raise `flowmaker.aws.errors.AwsError`, which carries AWS's code.
"""


class FlowmakerError(Exception):
    """Something that a person can understand went wrong."""

    @property
    def message(self) -> str:
        return str(self)


class InvalidInput(FlowmakerError):  # noqa: N818 - the names are the protocols' own words
    """What was sent is wrong; nothing was done."""


class Unsupported(InvalidInput):
    """It is valid, but Flowmaker does not do it; the message names the thing."""


class NotFound(FlowmakerError):  # noqa: N818
    """There is no such thing."""


class AlreadyExists(FlowmakerError):  # noqa: N818
    """There is one of that name."""


class FailedPrecondition(FlowmakerError):  # noqa: N818
    """Right at another time, or in another state."""


class PermissionDenied(FlowmakerError):  # noqa: N818
    """The caller may not do this."""


class Unavailable(FlowmakerError):  # noqa: N818
    """This machine cannot do it now."""
