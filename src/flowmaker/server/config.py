"""How a server is asked to be."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from flowmaker.errors import InvalidInput

DEFAULT_HOST = "127.0.0.1"
#: What kubectl asks when it has no kubeconfig.
DEFAULT_PORT = 8080
#: Characters of a bearer token at least.
SHORTEST_TOKEN = 16


@dataclass(frozen=True, kw_only=True, slots=True)
class Settings:
    """What the person who started the server chose."""

    data: Path
    host: str = DEFAULT_HOST
    #: 0 takes any free port.
    port: int = DEFAULT_PORT
    #: Asked of every KFP, Kubernetes and UI request when others than this machine can connect.
    token: str = ""
    #: Cores, and bytes of memory, that work may ask for; 0: those of this machine.
    cores: float = 0.0
    memory: int = 0
    #: How many accelerators of each kind they may ask for; empty: those of this machine.
    accelerators: Mapping[str, int] = field(default_factory=dict[str, int])
    #: KFP with several users, each in namespaces of their own: see docs/kfp.md.
    multi_user: bool = False
    #: Of SageMaker, how many instances may be in use, by AWS's names of the quotas.
    quotas: Mapping[str, int] = field(default_factory=dict[str, int])

    @property
    def is_loopback(self) -> bool:
        """Whether only this machine can connect."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def check(self) -> None:
        """Refuse what would not be safe.

        Raises:
            InvalidInput: it says what to do.
        """
        if not self.is_loopback and len(self.token) < SHORTEST_TOKEN:
            raise InvalidInput(
                f"--host {self.host} lets other machines connect. Set FLOWMAKER_TOKEN to a secret "
                f"of at least {SHORTEST_TOKEN} characters, which KFP, kubectl and browsers must "
                "then present as `Authorization: Bearer …`; or leave --host away."
            )
