"""The worker node: what identity a pipeline's task has unless a secret gives it another.

On a real cluster a task's AWS client asks the node for credentials of the node's role. Here it
asks this server, in the container-credentials way that every AWS SDK follows by itself: an
address and a token in the environment. The token names the task and is worthless once it ended.
"""

import hashlib
import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import Receive, Scope, Send

from flowmaker.aws.errors import AwsError
from flowmaker.aws.iam.bootstrap import WORKER_ROLE
from flowmaker.aws.sts.sessions import RoleSessions
from flowmaker.server.front_doors import WORKER_CREDENTIALS

REGION = "us-east-1"
#: A task outlives the server: its AWS clients wait for the next one instead of failing.
PATIENCE = {"AWS_RETRY_MODE": "standard", "AWS_MAX_ATTEMPTS": "10"}


@dataclass(frozen=True, slots=True)
class Worker:
    """Gives tasks their way to the worker role's credentials, and gives those out."""

    key: bytes
    url: str
    sessions: RoleSessions
    is_running: Callable[[str], Awaitable[bool]]
    #: The tasks that asked for it, until somebody wants to know.
    asked: set[str] = field(default_factory=set[str])

    async def environment(self, task_id: str) -> Mapping[str, str]:
        """The variables with which an AWS SDK in the task `task_id` finds server and identity."""
        return {
            "AWS_ENDPOINT_URL": self.url,
            "AWS_DEFAULT_REGION": REGION,
            "AWS_REGION": REGION,
            **PATIENCE,
            # SDKs say it with each call, so that it is known of which task a user's key was.
            "AWS_SDK_UA_APP_ID": f"task-{task_id}",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI": self.url + WORKER_CREDENTIALS,
            "AWS_CONTAINER_AUTHORIZATION_TOKEN": f"{task_id}.{self._sign(task_id)}",
        }

    def was_asked(self, task_id: str) -> bool:
        """Whether the task asked for the worker's identity since this was last asked."""
        was_asked = task_id in self.asked
        self.asked.discard(task_id)
        return was_asked

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> JSONResponse:
        task_id, _, signature = request.headers.get("authorization", "").rpartition(".")
        if not hmac.compare_digest(signature.encode(), self._sign(task_id).encode()):
            return _error(401, "InvalidToken", "the authorization token is not one of this server")
        if not await self.is_running(task_id):
            return _error(403, "ExpiredToken", f"the task {task_id} does not run")
        self.asked.add(task_id)
        try:
            session = await self.sessions.for_worker(WORKER_ROLE, f"task-{task_id}")
        except AwsError as error:
            return _error(error.status, error.code, error.message)
        return JSONResponse(
            {
                "AccessKeyId": session.access_key_id,
                "SecretAccessKey": session.secret_access_key,
                "Token": session.session_token,
                "Expiration": session.expires_at.strftime("%Y-%m-%dT%H:%M:%SZ"),
            }
        )

    def _sign(self, task_id: str) -> str:
        return hmac.new(self.key, task_id.encode(), hashlib.sha256).hexdigest()


def _error(status: int, code: str, message: str) -> JSONResponse:
    return JSONResponse({"code": code, "message": message}, status_code=status)
