"""`python -m flowmaker.sagemaker.algorithms.pca train|serve`."""

import sys

from flowmaker.sagemaker.algorithms import program
from flowmaker.sagemaker.algorithms.pca.schema import SCHEMA


def main(argv: list[str]) -> int:
    """Runs the command, and gives the exit code."""
    return program.main("flowmaker.sagemaker.algorithms.pca", SCHEMA, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
