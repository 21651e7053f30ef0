"""The command that the SDK compiles a lightweight Python component to, recognised by its shape.

It installs packages with pip, writes the component's source to a file and hands it to
`kfp.dsl.executor_main`. Knowing that, one can do the same in a warm interpreter of an environment
that has the packages: a second less for each task. A command of any other shape is run as it is.
"""

import re
import shlex
from dataclasses import dataclass
from functools import lru_cache

#: First of all the script makes sure that there is a pip. Every SDK since 2.0 says so in one of two
#: ways, and then installs: with or without --no-deps, the packages first or last, in one go or two.
_INSTALL = re.compile(
    r'\s*if ! \[ -x "\$\(command -v pip\)" \]; then\n'
    r"[^\n]*(?:ensurepip|python3-pip)[^\n]*\n"
    r"\s*fi\n+"
    r'\s*(?P<pips>PIP_DISABLE_PIP_VERSION_CHECK=1 .*?)\s*&& "\$0" "\$@"\s*',
    re.DOTALL,
)
#: With use_venv the packages go into a venv over the image's own; our environments are such.
_VENV = re.compile(
    r"(?:&&)?\s*export PIP_DISABLE_PIP_VERSION_CHECK=1\n"
    r"tmp=\$\(mktemp -d\)\n"
    r'python3 -m venv "\$tmp/venv" --system-site-packages\n'
    r'\. "\$tmp/venv/bin/activate"\n'
)
#: Before 2.1 executor_main was in kfp.components, and needed no variable.
_RUN = re.compile(
    r'program_path=\$\(mktemp -d\) printf "%s" "\$0" > "\$program_path/ephemeral_component\.py" '
    r"(?:_KFP_RUNTIME=true )?python3 -m kfp\.(?:dsl|components)\.executor_main "
    r'--component_module_path "\$program_path/ephemeral_component\.py" "\$@"'
)
_SHELL, _SHELL_STRICT = ("sh", "-c"), ("sh", "-ec")
#: Options of pip that say where packages come from, each with one value.
_SOURCES = ("--index-url", "--extra-index-url", "--trusted-host")
_QUIET = ("--quiet", "--no-warn-script-location")


@dataclass(frozen=True, kw_only=True, slots=True)
class Lightweight:
    """What such a command says."""

    #: Installed with all that they need.
    requirements: tuple[str, ...] = ()
    #: Installed alone, as kfp is: at run time it needs nothing else.
    no_deps: tuple[str, ...] = ()
    #: Where pip looks for them, e.g. `--index-url`, `https://…`.
    install_options: tuple[str, ...] = ()
    source: str


@lru_cache(maxsize=1024)
def recognise(command: tuple[str, ...]) -> Lightweight | None:
    """What the command says, when it is one of a lightweight component to the letter."""
    if len(command) == 7 and command[:2] == _SHELL:  # noqa: PLR2004 - see the parts below
        match = _INSTALL.fullmatch(command[2])
        groups = _groups(match["pips"]) if match else None
        rest = command[3:]
    else:
        groups, rest = [], command
    if groups is None or len(rest) != 4 or rest[:2] != _SHELL_STRICT:  # noqa: PLR2004
        return None
    if not _RUN.fullmatch(" ".join(rest[2].split())):
        return None
    return Lightweight(
        requirements=tuple(each for group in groups if not group.alone for each in group.packages),
        no_deps=tuple(each for group in groups if group.alone for each in group.packages),
        install_options=groups[0].options if groups else (),
        source=rest[3],
    )


@dataclass(frozen=True, slots=True)
class _Group:
    """One `pip install`."""

    packages: tuple[str, ...]
    options: tuple[str, ...]
    alone: bool


def _groups(script: str) -> list[_Group] | None:
    """The installs that a script does, or None when it does anything else."""
    script = script.removeprefix("PIP_DISABLE_PIP_VERSION_CHECK=1 ")
    parts = _VENV.split(script)
    script = " && ".join(part.strip() for part in parts if part.strip())
    try:
        words = shlex.split(script)
    except ValueError:
        return None
    groups: list[_Group] = []
    for install in _split(words, "&&"):
        if install[:4] != ["python3", "-m", "pip", "install"]:
            return None
        group = _group(install[4:])
        if group is None:
            return None
        groups.append(group)
    return groups


def _split(words: list[str], separator: str) -> list[list[str]]:
    parts: list[list[str]] = [[]]
    for word in words:
        if word == separator:
            parts.append([])
        else:
            parts[-1].append(word)
    return parts


def _group(words: list[str]) -> _Group | None:
    packages: list[str] = []
    options: list[str] = []
    alone = False
    rest = iter(words)
    for word in rest:
        if word in _SOURCES:
            options += [word, next(rest, "")]
        elif word == "--no-deps":
            alone = True
        elif word.startswith("-") and word not in _QUIET:
            return None
        elif word not in _QUIET:
            packages.append(word)
    return _Group(tuple(packages), tuple(options), alone)
