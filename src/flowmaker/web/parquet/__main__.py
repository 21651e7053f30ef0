"""`python -m flowmaker.web.parquet SIZE MEMORY`: what is told of a file of so many bytes.

A small file may unpack to a large one, so it may use no more than so many bytes of memory. It asks
for parts of the file with lines of JSON, `{"at": N, "length": N}`, and is given just these bytes.
Its last line is `{"told": …}` or `{"error": …}`.
"""

import json
import resource
import sys

from flowmaker.web.parquet.reading import Remote, beginning


def main() -> None:
    size, memory = (int(word) for word in sys.argv[1:])
    resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))
    try:
        answer: dict[str, object] = {"told": beginning(Remote(size, _part))}
    except MemoryError:
        answer = {"error": f"It takes more than {memory // 1_000_000} MB of memory to read."}
    except ValueError as error:
        answer = {"error": str(error)}
    _say(answer)


def _part(at: int, length: int) -> bytes:
    _say({"at": at, "length": length})
    return sys.stdin.buffer.read(length)


def _say(words: dict[str, object]) -> None:
    sys.stdout.write(json.dumps(words) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
