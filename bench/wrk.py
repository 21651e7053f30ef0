"""Requests per second by `wrk`: a client in C, which leaves the processors to the servers."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

#: Where it is installed; None where it is not.
WRK = shutil.which("wrk")

SCRIPT = """
wrk.method = "POST"
wrk.headers = HEADERS
wrk.body = BODY
done = function(summary)
  local errors = summary.errors
  local failed = errors.connect + errors.read + errors.write + errors.timeout
  io.write(string.format('\\n{"requests": %d, "microseconds": %d, "status": %d, "failed": %d}\\n',
    summary.requests, summary.duration, errors.status, failed))
end
"""


@dataclass(frozen=True)
class Counted:
    """What wrk has counted."""

    requests: int
    seconds: float
    #: Answers that were not 2xx or 3xx, and requests without any.
    errors: int

    @property
    def rate(self) -> float:
        """Answers of a second; errors are none."""
        return (self.requests - self.errors) / self.seconds


def run(
    url: str, headers: Mapping[str, str], body: bytes, *, connections: int, seconds: int
) -> Counted:
    """POST the same body on so many connections for so long."""
    assert WRK is not None, "wrk is not installed"
    listed = ", ".join(f"[{_lua(name)}] = {_lua(value)}" for name, value in headers.items())
    script = SCRIPT.replace("HEADERS", f"{{{listed}}}")
    script = script.replace("BODY", _lua(body.decode()))
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "request.lua"
        file.write_text(script)
        file.chmod(0o600)  # it has a signature
        counts = ("-t1", f"-c{connections}", f"-d{seconds}s", "--timeout", "10s")
        ran = subprocess.run(
            [WRK, *counts, "-s", str(file), url], check=True, capture_output=True, text=True
        )
    told = json.loads(ran.stdout.strip().splitlines()[-1])
    errors = told["status"] + told["failed"]
    return Counted(told["requests"], told["microseconds"] / 1e6, errors)


def _lua(text: str) -> str:
    """A Lua string: its escapes for bytes are decimal."""
    inside = "".join(c if c.isalnum() or c in " /:=,.-;_+" else f"\\{ord(c):03d}" for c in text)
    return f'"{inside}"'
