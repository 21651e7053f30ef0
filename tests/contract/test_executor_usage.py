"""What a process uses, with all that it started."""

import subprocess
import sys
from contextlib import suppress

from flowmaker.executors.usage import usage

MEGABYTE = 1 << 20
#: A child that has 60 MB and used half a second of CPU, below a process that waits for it; one
#: that used as much has ended.
PROGRAM = """
import subprocess, sys
burn = "import time\\nwhile time.process_time() < .5: pass\\n"
subprocess.run([sys.executable, "-c", burn])
child = "kept = b'x' * (60 << 20)\\n" + burn + "print('ready', flush=True); input()"
subprocess.run([sys.executable, "-c", child])
"""


def test_children_count_also_those_that_have_ended() -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        try:
            assert process.stdout.readline() == b"ready\n"
            used = usage(process.pid)
        finally:
            with suppress(BrokenPipeError):
                process.stdin.write(b"\n")
                process.stdin.flush()
    assert used is not None
    assert 0.9 <= used.cpu_seconds < 10, "each time is rounded to hundredths"
    assert 60 * MEGABYTE < used.memory < 200 * MEGABYTE
    assert usage(process.pid) is None
