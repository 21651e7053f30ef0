"""A processing job: how many flowers of each kind there are."""

from collections import Counter
from pathlib import Path

FOLDER = Path("/opt/ml/processing")

lines = (FOLDER / "input" / "data.csv").read_text().splitlines()
kinds = Counter(line.partition(",")[0] for line in lines)
(FOLDER / "output" / "kinds.txt").write_text(
    ", ".join(f"{kind}: {count}" for kind, count in sorted(kinds.items())) + "\n"
)
