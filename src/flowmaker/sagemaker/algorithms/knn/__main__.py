"""`python -m flowmaker.sagemaker.algorithms.knn train|serve`."""

import sys

from flowmaker.sagemaker.algorithms import program
from flowmaker.sagemaker.algorithms.knn.schema import SCHEMA


def main(argv: list[str]) -> int:
    """Runs the command, and gives the exit code."""
    return program.main("flowmaker.sagemaker.algorithms.knn", SCHEMA, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
