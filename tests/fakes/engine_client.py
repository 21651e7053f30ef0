"""A container engine's client that a test plays: a program on PATH which says what it was told.

`run` runs the command as a process of this machine, whose number it keeps under the container's
name; `kill` and `rm` act on that, also when the `run` is gone, as those of an engine do.
"""

import stat
import sys
from pathlib import Path

_PROGRAM = """#!{python}
import json, os, signal, subprocess, sys
folder, given = {folder!r}, sys.argv[1:]

def say(**more):
    with open(os.path.join(folder, "said"), "a") as file:
        file.write(json.dumps({{"argv": given, **more}}) + "\\n")

def number(name):
    try:
        return int(open(os.path.join(folder, name)).read())
    except FileNotFoundError:
        sys.exit("Error: no container " + name)

if given[0] == "run":
    say(env=dict(os.environ))
    place = next(n for n, one in enumerate(given) if n and not one.startswith("--"))
    name = next(one for one in given if one.startswith("--name=")).partition("=")[2]
    entry = [one.partition("=")[2] for one in given if one.startswith("--entrypoint=")]
    # A container is no child of the client: it lives on without it.
    child = subprocess.Popen([*entry, *given[place + 1:]], start_new_session=True)
    with open(os.path.join(folder, name), "w") as file:
        file.write(str(child.pid))
    code = child.wait()
    sys.exit(code if code >= 0 else 128 - code)
say()
if given[0] == "kill":
    os.kill(number(given[-1]), signal.SIGTERM)
elif given[0] == "rm":
    try:
        os.kill(number(given[-1]), signal.SIGKILL)
    except ProcessLookupError:
        pass
    os.unlink(os.path.join(folder, given[-1]))
elif given[:2] == ["image", "inspect"] and given[-1] != "trees:1":
    sys.exit("Error: no such image: " + given[-1])
"""


def play(folder: Path, name: str = "podman") -> Path:
    """Make the program in a folder, to be first on PATH; where it says what it was told."""
    program = folder / name
    program.write_text(_PROGRAM.format(python=sys.executable, folder=str(folder)))
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return folder / "said"
