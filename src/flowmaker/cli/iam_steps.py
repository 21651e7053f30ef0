"""The tutorial's steps in IAM and Kubernetes: which are done, and how to do the others.

Nothing is changed while they are looked at, and a step that is done is not done again.
"""

import base64
import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, cast

from flowmaker.errors import FailedPrecondition

#: Managed policies that the tutorial gives to its user and to the role of its jobs.
USER_POLICIES = ("AmazonSageMakerFullAccess",)
ROLE_POLICIES = ("AmazonSageMakerFullAccess", "AmazonS3FullAccess")
WORKER_POLICY = "sagemaker-invoke-for-worker"
_SAGEMAKER = "sagemaker.amazonaws.com"
_ID, _SECRET = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"
_NOT_FOUND = 404
#: IAM's quota of access keys.
_MOST_KEYS = 2


@dataclass(frozen=True, kw_only=True, slots=True)
class Names:
    """What the parts are called."""

    user: str = "kf-smuser"
    role: str = "kfworkshop-sagemaker-kfp-role"
    #: Empty: the one that eksctl has made.
    worker: str = ""
    secret: str = "aws-secret"  # noqa: S105 - the name of one
    namespace: str = "kubeflow"


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that must be so."""

    text: str
    is_done: bool
    do: Callable[[], object]


@dataclass(frozen=True, kw_only=True, slots=True)
class Setup:
    """The account and the cluster, and what is wanted of them."""

    #: boto3's client of IAM, and the Kubernetes client's CoreV1Api.
    iam: Any
    cluster: Any
    names: Names
    #: `aws`, or as another partition is called.
    partition: str = "aws"

    def steps(self) -> list[Step]:
        """All of them, in order."""
        return [*self._user(), *self._role(), self._worker(), self._secret()]

    def role_arn(self) -> str:
        return self.iam.get_role(RoleName=self.names.role)["Role"]["Arn"]

    def _user(self) -> list[Step]:
        name, iam = self.names.user, self.iam
        found = self._found(iam.get_user, UserName=name)
        had: set[str] = set()
        if found is not None:
            had = self._attached(iam.list_attached_user_policies, UserName=name)
        return [
            Step(f"the user {name}", found is not None, lambda: iam.create_user(UserName=name)),
            *self._attachments("user", name, USER_POLICIES, had),
        ]

    def _role(self) -> list[Step]:
        name, iam = self.names.role, self.iam
        found = self._found(iam.get_role, RoleName=name)
        if found is not None and not _trusts(found["Role"]["AssumeRolePolicyDocument"]):
            raise FailedPrecondition(
                f"the role {name} is there, and its trust policy does not name {_SAGEMAKER}. "
                "Add that with `aws iam update-assume-role-policy`, or say --role ANOTHER."
            )
        had: set[str] = set()
        if found is not None:
            had = self._attached(iam.list_attached_role_policies, RoleName=name)
        make = Step(
            f"the role {name}, which {_SAGEMAKER} may assume",
            found is not None,
            lambda: iam.create_role(RoleName=name, AssumeRolePolicyDocument=_trust()),
        )
        return [make, *self._attachments("role", name, ROLE_POLICIES, had)]

    def _attachments(
        self, kind: str, name: str, policies: Iterable[str], had: set[str]
    ) -> Iterator[Step]:
        attach = getattr(self.iam, f"attach_{kind}_policy")
        where = {f"{kind.capitalize()}Name": name}
        for policy in policies:
            arn = f"arn:{self.partition}:iam::aws:policy/{policy}"
            do = partial(attach, **where, PolicyArn=arn)
            yield Step(f"{policy} attached to the {kind} {name}", arn in had, do)

    def _worker(self) -> Step:
        name, iam = self.names.worker or self._worker_name(), self.iam
        where = {"RoleName": name, "PolicyName": WORKER_POLICY}
        found = self._found(iam.get_role_policy, **where)
        document = _policy(Action="sagemaker:InvokeEndpoint", Resource="*")
        return Step(
            f"the worker nodes' role {name} may sagemaker:InvokeEndpoint ({WORKER_POLICY})",
            found is not None and found["PolicyDocument"] == json.loads(document),
            lambda: iam.put_role_policy(**where, PolicyDocument=document),
        )

    def _worker_name(self) -> str:
        """The role that eksctl made for the nodes."""
        pages = self.iam.get_paginator("list_roles").paginate()
        names = [role["RoleName"] for page in pages for role in page["Roles"]]
        found = [one for one in names if one.startswith("eksctl-") and "NodeInstanceRole" in one]
        if len(found) == 1:
            return found[0]
        if not found:
            raise FailedPrecondition(
                "there is no role eksctl-…-NodeInstanceRole: say the name of the role that the "
                "cluster's nodes have, --worker-role NAME"
            )
        raise FailedPrecondition(
            f"several clusters' nodes have roles here: {', '.join(found)}. "
            "Say which: --worker-role NAME"
        )

    def _secret(self) -> Step:
        names = self.names
        kept = self._kept_key()
        text = f"the secret {names.secret} in {names.namespace} with an access key of {names.user}"
        listed: list[Mapping[str, Any]] = []
        if self._found(self.iam.get_user, UserName=names.user) is not None:
            listed = self.iam.list_access_keys(UserName=names.user)["AccessKeyMetadata"]
        active = {one["AccessKeyId"] for one in listed if one["Status"] == "Active"}
        is_done = kept in active
        if not is_done and len(listed) >= _MOST_KEYS:
            ids = ", ".join(one["AccessKeyId"] for one in listed)
            raise FailedPrecondition(
                f"{names.user} has {_MOST_KEYS} access keys ({ids}), the most there can be, and "
                f"the secret {names.secret} has none of them. Their secrets cannot be read again: "
                f"delete one that nobody uses with `aws iam delete-access-key --user-name "
                f"{names.user} --access-key-id ID`."
            )
        return Step(text, is_done, self._make_key)

    def _kept_key(self) -> str:
        """The id of the key in the cluster's secret; empty when there is none."""
        try:
            found = self.cluster.read_namespaced_secret(self.names.secret, self.names.namespace)
        except Exception as error:
            if getattr(error, "status", None) != _NOT_FOUND:
                raise
            return ""
        data: Mapping[str, str] = found.data or {}
        return base64.b64decode(data.get(_ID, "")).decode()

    def _make_key(self) -> None:
        """A new key goes straight into the secret: it is shown to nobody."""
        names = self.names
        key = self.iam.create_access_key(UserName=names.user)["AccessKey"]
        body = {
            "apiVersion": "v1",
            "kind": "Secret",
            "metadata": {"name": names.secret, "namespace": names.namespace},
            "stringData": {_ID: key["AccessKeyId"], _SECRET: key["SecretAccessKey"]},
        }
        try:
            self.cluster.create_namespaced_secret(names.namespace, body)
        except Exception as error:
            if getattr(error, "reason", "") != "Conflict":
                raise
            self.cluster.patch_namespaced_secret(names.secret, names.namespace, body)

    def _found(self, get: Callable[..., Any], **where: str) -> Any:  # noqa: ANN401 - boto3's
        try:
            return get(**where)
        except self.iam.exceptions.NoSuchEntityException:
            return None

    def _attached(self, listing: Callable[..., Any], **where: str) -> set[str]:
        return {one["PolicyArn"] for one in listing(**where)["AttachedPolicies"]}


def _trusts(trust: Mapping[str, Any]) -> bool:
    """Whether a trust policy names SageMaker."""
    for statement in trust["Statement"]:
        named = statement.get("Principal", {})
        if statement["Effect"] != "Allow" or not isinstance(named, dict):
            continue
        services = cast("dict[str, str | list[str]]", named).get("Service", [])
        if _SAGEMAKER in ([services] if isinstance(services, str) else services):
            return True
    return False


def _trust() -> str:
    return _policy(Principal={"Service": _SAGEMAKER}, Action="sts:AssumeRole")


def _policy(**statement: object) -> str:
    allow = {"Effect": "Allow", **statement}
    return json.dumps({"Version": "2012-10-17", "Statement": [allow]})
