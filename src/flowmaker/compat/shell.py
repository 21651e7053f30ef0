"""A command wrapped in `sh`, for what KFP 1's machinery did around it in the container.

Values were put into files and files into values by Argo; today's SDK hands paths to the program,
which an old program does not know. So a command like this one comes of it, for a program that
reads a value from a file and leaves its output in `/tmp/out.txt`:

    sh -c '…
    printf %s "${1}" > "$in/data"
    "${3}" "${4}" "$in/data"
    …
    cp /tmp/out.txt "${2}"' kfp1 {{value}} {{output}} python3 program.py

Each thing that the server fills in is an argument of its own, so no quoting can go wrong.
"""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

#: Stops when told to only after the program did: it has a job to stop, too.
_BEFORE = 'trap : TERM INT\nin="${TMPDIR:-/tmp}/kfp1"; mkdir -p "$in"'
#: `/tmp` is `$TMPDIR` where it is not the task's own.
_AFTER = """\
rc=$?; [ $rc -eq 0 ] || exit $rc
take() {
  own="${TMPDIR:-/tmp}/${2#/tmp/}"; [ -e "$own" ] || own="$2"
  [ -e "$own" ] || { echo "The program has not written $2, its output $1" >&2; exit 1; }
  mkdir -p "$(dirname "$3")"; cp "$own" "$3"
}"""


@dataclass(frozen=True)
class FilePath:
    """Where in a command the path of a file goes that holds an input's value."""

    name: str


@dataclass(frozen=True)
class FileContent:
    """Where in a command the content of an input's file goes."""

    name: str


#: A word of a command: one piece, or several that are written one after the other. A piece is
#: text, a placeholder of component.yaml, or one of the two above.
Piece = Any
Word = Sequence[Piece]


@dataclass
class _Script:
    """The arguments of the script, and its lines."""

    arguments: list[Any] = field(default_factory=list[Any])
    lines: list[str] = field(default_factory=lambda: [_BEFORE])

    def argument(self, value: object) -> str:
        self.arguments.append(value)
        return f'"${{{len(self.arguments)}}}"'

    def word(self, pieces: Word) -> str:
        return "".join(self.piece(piece) for piece in pieces) or '""'

    def piece(self, piece: Piece) -> str:
        if isinstance(piece, FilePath):
            return f'"$in"/{shlex.quote(piece.name)}'
        if isinstance(piece, FileContent):
            return f'"$(cat {self.argument({"inputPath": piece.name})})"'
        return self.argument(piece)


def needs_shell(words: Sequence[Word], fixed_outputs: Mapping[str, str]) -> bool:
    """Whether anything is to be done around a command."""
    return bool(fixed_outputs) or any(
        isinstance(piece, FilePath | FileContent) for word in words for piece in word
    )


def wrapped(words: Sequence[Word], fixed_outputs: Mapping[str, str]) -> list[Any]:
    """The command in its shell, as a command of component.yaml.

    Args:
        words: The command and its arguments.
        fixed_outputs: The file that the program leaves each output in.
    """
    script = _Script()
    by_path = dict.fromkeys(
        piece.name for word in words for piece in word if isinstance(piece, FilePath)
    )
    for name in by_path:
        value = script.argument({"inputValue": name})
        script.lines.append(f'printf %s {value} > "$in"/{shlex.quote(name)}')
    script.lines.append(" ".join(script.word(word) for word in words))
    script.lines.append(_AFTER)
    for name, path in fixed_outputs.items():
        target = script.argument({"outputPath": name})
        script.lines.append(f"take {shlex.quote(name)} {shlex.quote(path)} {target}")
    return ["sh", "-c", "\n".join(script.lines), "kfp1", *script.arguments]
