"""A process's own environment above a shared one: it may install packages, and nobody sees them.

Shared environments are read-only. A container's user installs into the container; here pip installs
into the layer, which hides what it replaces and goes with the job.
"""

import os
import shutil
from pathlib import Path

_UNFINISHED = ".part"


def lay(base: Path, target: Path) -> Path:
    """Make the environment `target` above `base`. It is whole or absent. Blocking.

    Both are seen by the process under these paths.
    """
    if target.exists():
        return target
    part = target.with_name(f"{target.name}{_UNFINISHED}-{os.getpid()}")
    packages = next((base / "lib").glob("python3.*/site-packages"))
    own = part / packages.relative_to(base)
    own.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(base / "pyvenv.cfg", part / "pyvenv.cfg")
    # As a site folder: what is listed in its own .pth files can be imported too.
    (own / "base.pth").write_text(f"import site; site.addsitedir({str(packages)!r})\n")
    (part / "bin").mkdir(exist_ok=True)
    for program in (base / "bin").iterdir():
        copy = part / "bin" / program.name
        if not copy.is_symlink() and not copy.exists():
            # Scripts run the python beside them, so a copy runs this environment's.
            shutil.copy2(program, copy, follow_symlinks=False)
    part.rename(target)
    return target
