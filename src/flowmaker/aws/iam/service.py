"""The IAM service: every operation that there is, by name."""

from collections.abc import Mapping

from flowmaker.aws.iam.absent import Absent
from flowmaker.aws.iam.details import Details
from flowmaker.aws.iam.groups import Groups
from flowmaker.aws.iam.held_policies import HeldPolicies
from flowmaker.aws.iam.instance_profiles import InstanceProfiles
from flowmaker.aws.iam.policies import Policies
from flowmaker.aws.iam.policy_versions import PolicyVersions
from flowmaker.aws.iam.roles import Roles
from flowmaker.aws.iam.simulate import Simulation
from flowmaker.aws.iam.summary import Summary
from flowmaker.aws.iam.user_keys import UserKeys
from flowmaker.aws.iam.users import Users
from flowmaker.aws.service import Operation
from flowmaker.clock import Clock
from flowmaker.store.database import Database


class IamService:
    """AWS Identity and Access Management, for the gateway."""

    name = "iam"

    def __init__(self, database: Database, clock: Clock) -> None:
        parts = (
            Users(database, clock),
            UserKeys(database, clock),
            Roles(database, clock),
            HeldPolicies(database, "user"),
            HeldPolicies(database, "role"),
            Groups(database, clock),
            HeldPolicies(database, "group"),
            InstanceProfiles(database, clock),
            Policies(database, clock),
            PolicyVersions(database, clock),
            Simulation(database),
            Details(database),
            Absent(database),
            Summary(database),
        )
        self._operations = {
            name: operation for part in parts for name, operation in part.operations().items()
        }

    def operations(self) -> Mapping[str, Operation]:
        return self._operations
