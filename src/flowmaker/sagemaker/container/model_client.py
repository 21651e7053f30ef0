"""HTTP to the model servers, as SageMaker speaks it: pings and invocations."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import httpx

#: What SageMaker gives a container to answer a ping, and an invocation.
PING_SECONDS = 2.0
INVOCATION_SECONDS = 60.0


class ModelUnreachable(Exception):  # noqa: N818 - it says what is
    """No answer came from the model server; the message says why."""


@dataclass(frozen=True, kw_only=True, slots=True)
class ModelAnswer:
    """What a model server answered."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes = b""


class ModelClient:
    """One pool of kept connections to all model servers."""

    def __init__(self) -> None:
        self._client = httpx.AsyncClient(
            trust_env=False,
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=100),
        )

    async def ping(self, port: int) -> bool:
        """The server on the port is ready."""
        try:
            answer = await self.get(port, "/ping")
        except ModelUnreachable:
            return False
        return answer.status == 200  # noqa: PLR2004

    async def get(self, port: int, path: str) -> ModelAnswer:
        return await self._send("GET", port, path, {}, b"", PING_SECONDS)

    async def invoke(
        self,
        port: int,
        body: bytes,
        headers: Mapping[str, str],
        *,
        seconds: float = INVOCATION_SECONDS,
    ) -> ModelAnswer:
        return await self._send("POST", port, "/invocations", headers, body, seconds)

    async def close(self) -> None:
        await self._client.aclose()

    async def _send(
        self,
        method: str,
        port: int,
        path: str,
        headers: Mapping[str, str],
        body: bytes,
        seconds: float,
    ) -> ModelAnswer:
        try:
            answer = await self._client.request(
                method,
                f"http://127.0.0.1:{port}{path}",
                headers=dict(headers),
                content=body,
                timeout=seconds,
            )
        except httpx.TimeoutException:
            raise ModelUnreachable(f"no answer within {seconds:.0f} seconds") from None
        except httpx.HTTPError as error:
            raise ModelUnreachable(str(error) or type(error).__name__) from None
        return ModelAnswer(
            status=answer.status_code, headers=dict(answer.headers), body=answer.content
        )
