"""`python -m flowmaker.sagemaker.algorithms.kmeans train|serve`: the container's two commands."""

import sys

from flowmaker.sagemaker.algorithms import job
from flowmaker.sagemaker.algorithms.kmeans.schema import SCHEMA


def main(argv: list[str]) -> int:
    """Runs the command, and gives the exit code."""
    if argv == ["train"]:
        from flowmaker.sagemaker.algorithms.kmeans.train import train  # noqa: PLC0415 - one half

        return job.run(SCHEMA, train)
    if argv == ["serve"]:
        from flowmaker.sagemaker.algorithms.kmeans.serve import serve  # noqa: PLC0415

        return serve(job.base_folder() / "model")
    print("usage: python -m flowmaker.sagemaker.algorithms.kmeans train|serve", file=sys.stderr)  # noqa: T201
    return 2


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
