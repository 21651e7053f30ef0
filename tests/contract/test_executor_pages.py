"""What the forks of a warm interpreter write to is copied for the next of them ahead of time."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from flowmaker.executors import pages

PROGRAMS = Path(pages.__file__).parent
#: Forks of a process that holds 200 pages write to every fourth of them, some to others as well;
#: then one that has written to nothing yet tells which pages are its own.
DRIVER = """
import ctypes, importlib.util, json, mmap, os, sys
spec = importlib.util.spec_from_file_location("pages", f"{sys.argv[1]}/pages.py")
pages = importlib.util.module_from_spec(spec)
spec.loader.exec_module(pages)

pages.MANY = int(sys.argv[2])
held = mmap.mmap(-1, 200 * mmap.PAGESIZE, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
held[:] = bytes(range(1, 251)) * (len(held) // 250) + bytes(len(held) % 250)
memory = pages.Pages()
address = ctypes.addressof(ctypes.c_char.from_buffer(held))

def own():
    with open("/proc/self/pagemap", "rb") as entries:
        entries.seek(address // mmap.PAGESIZE * 8)
        flags = entries.read(200 * 8)[7::8]
    return [page for page in range(200) if flags[page] & 1]

def fork(body):
    sys.stdout.flush()
    pid = os.fork()
    if pid == 0:
        body()
        sys.stdout.flush()
        os._exit(0)
    os.waitpid(pid, 0)

def write(also):
    memory.copy(lambda seconds: True)
    for page in {*range(0, 200, 4), *also}:
        held[page * mmap.PAGESIZE] = 0
    memory.learn()

def tell():
    before = own()
    memory.copy(lambda seconds: True)
    print(json.dumps([before, own()]))

for number in range(pages.LEARNERS + 2):
    fork(lambda: write({4 * number + 2}))
    fork(tell)
"""


pytestmark = pytest.mark.skipif(
    tuple(int(each) for each in os.uname().release.split(".")[:2]) < (5, 14),
    reason="Linux copies pages ahead of time since 5.14",
)


def _told(many: int) -> list[list[list[int]]]:
    """Its own pages before and after, of each fork, where so many for each processor are many."""
    driver = subprocess.run(
        [sys.executable, "-I", "-c", DRIVER, str(PROGRAMS), str(many)],
        check=True,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return [json.loads(line) for line in driver.stdout.splitlines()]


def test_what_the_first_wrote_to_is_copied_for_those_that_follow():
    told = _told(many=1_000_000)

    assert all(before == [] for before, _ in told)
    learning, learned = told[: pages.LEARNERS - 1], told[pages.LEARNERS - 1 :]
    assert all(copied == [] for _, copied in learning)
    assert len(learned) == 3
    assert all(copied == list(range(0, 200, 4)) for _, copied in learned)


def test_nothing_is_copied_for_who_is_wanted_while_many_want_to_run():
    assert _told(many=0) == [[[], []]] * (pages.LEARNERS + 2)
