"""How the instances of a job agree on something: all send to the first, the first answers all.

The instances of a job have names that resolve to each other and nothing else in common. The port
follows from the job's name and the address of its first instance, so that two jobs on one machine
do not meet; who connects says which job it belongs to, and in which round.
"""

import hashlib
import json
import os
import socket
import struct
import time
from collections.abc import Callable, Mapping

from flowmaker.sagemaker.algorithms.job import Job

_LENGTH = struct.Struct("<Q")
_FIRST_PORT, _PORTS = 20_000, 12_000
_TIMEOUT = 300.0
_RETRY = 0.01


class PeerLost(ConnectionError):  # noqa: N818 - named for what happened
    """Another instance of the job did not answer."""


def _job_name() -> str:
    return os.environ.get("TRAINING_JOB_NAME") or "job"


def port(first: str) -> int:
    """The port of this job's meetings on the first instance.

    PyTorch listens on it at all addresses of the machine: a job of the same name, in another region
    or of another server, must have another.
    """
    digest = hashlib.sha256(f"{_job_name()} at {address(first)}".encode()).digest()
    return _FIRST_PORT + int.from_bytes(digest[:4], "big") % _PORTS


def address(host: str) -> str:
    """Where an instance is; this machine where its name is not known: they are processes here."""
    try:
        return socket.gethostbyname(host)
    except OSError:
        return "127.0.0.1"


def _send(connection: socket.socket, data: bytes) -> None:
    connection.sendall(_LENGTH.pack(len(data)) + data)


def _receive(connection: socket.socket) -> bytes:
    (size,) = _LENGTH.unpack(_exactly(connection, _LENGTH.size))
    return _exactly(connection, size)


def _exactly(connection: socket.socket, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        part = connection.recv(min(size - len(data), 1 << 20))
        if not part:
            raise PeerLost("Another instance of the job closed the connection")
        data += part
    return bytes(data)


def exchange(
    job: Job, topic: str, mine: bytes, answer: Callable[[Mapping[str, bytes]], bytes]
) -> bytes:
    """Sends `mine` to the first instance, which makes one answer of everyone's for all.

    Raises:
        PeerLost: an instance did not come, or went away.
    """
    if len(job.hosts) == 1:
        return answer({job.host: mine})
    hello = json.dumps({"job": _job_name(), "topic": topic, "host": job.host}).encode()
    try:
        if job.leads:
            return _lead(job, topic, mine, answer)
        with _connect(job.hosts[0]) as connection:
            _send(connection, hello)
            _send(connection, mine)
            return _receive(connection)
    except TimeoutError as error:
        raise PeerLost(f"Not all of {', '.join(job.hosts)} came within {_TIMEOUT:.0f} s") from error


def _connect(host: str) -> socket.socket:
    deadline = time.monotonic() + _TIMEOUT
    while True:
        try:
            connection = socket.create_connection((address(host), port(host)), timeout=_TIMEOUT)
        except OSError as error:
            if time.monotonic() > deadline:
                raise PeerLost(f"{host} did not answer at port {port(host)}: {error}") from error
            # There is no event to wait for: the other process has not opened its port yet.
            time.sleep(_RETRY)  # noqa: TID251
        else:
            connection.settimeout(_TIMEOUT)
            return connection


def _lead(
    job: Job, topic: str, mine: bytes, answer: Callable[[Mapping[str, bytes]], bytes]
) -> bytes:
    everyone = {job.host: mine}
    connections: list[socket.socket] = []
    try:
        # It is closed before anyone has an answer: who has one may come to the next meeting, and
        # must not come to this one.
        with socket.create_server((address(job.host), port(job.host))) as server:
            server.settimeout(_TIMEOUT)
            while len(everyone) < len(job.hosts):
                connection, _ = server.accept()
                connection.settimeout(_TIMEOUT)
                connections.append(connection)
                hello = json.loads(_receive(connection))
                if (hello["job"], hello["topic"]) != (_job_name(), topic):
                    raise PeerLost(f"{hello['host']} of {hello['job']} came to {topic}")
                everyone[hello["host"]] = _receive(connection)
        reply = answer({host: everyone[host] for host in job.hosts})
        for connection in connections:
            _send(connection, reply)
    finally:
        for connection in connections:
            connection.close()
    return reply
