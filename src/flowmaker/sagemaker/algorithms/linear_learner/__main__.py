"""`python -m flowmaker.sagemaker.algorithms.linear_learner train|serve`."""

import sys

from flowmaker.sagemaker.algorithms import program
from flowmaker.sagemaker.algorithms.linear_learner.schema import SCHEMA


def main(argv: list[str]) -> int:
    """Runs the command, and gives the exit code."""
    return program.main("flowmaker.sagemaker.algorithms.linear_learner", SCHEMA, argv)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
