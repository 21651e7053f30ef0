"""`python -m flowmaker.sagemaker.tuner`: a question of JSON a line, an answer a line."""

import json
import sys

from flowmaker.sagemaker.tuner.suggesting import suggest


def main() -> None:
    """Answers until there are no more questions."""
    for line in sys.stdin:
        try:
            answer: dict[str, object] = {"values": suggest(json.loads(line))}
        except Exception as error:  # noqa: BLE001 - told to whoever asked
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)  # noqa: T201 - the answer


if __name__ == "__main__":
    main()
