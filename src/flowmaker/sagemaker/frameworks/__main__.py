"""`python -m flowmaker.sagemaker.frameworks NAME:VERSION train|serve`: a framework's container."""

import importlib
import platform
import sys
from importlib import metadata

#: Names of frameworks, and the distributions that they are.
_DISTRIBUTIONS = {
    "scikit-learn": ("scikit-learn",),
    "xgboost": ("xgboost-cpu", "xgboost"),
    "pytorch": ("torch",),
}
_MODULES = {"train": "training", "serve": "serving"}


def main(argv: list[str]) -> int:
    """Runs the command, and gives the exit code."""
    if len(argv) != 2 or argv[1] not in _MODULES:  # noqa: PLR2004 - the two of the usage
        print("usage: python -m flowmaker.sagemaker.frameworks NAME:VERSION train|serve")  # noqa: T201
        return 2
    name, _, version = argv[0].partition(":")
    print(_running(name, version), flush=True)  # noqa: T201 - the log
    module = importlib.import_module(f"{__package__}.{_MODULES[argv[1]]}")
    return module.run(name)


def _running(name: str, version: str) -> str:
    """What really runs: its version may be another than the image's."""
    python = f"Python {platform.python_version()}"
    for distribution in _DISTRIBUTIONS.get(name, ()):
        try:
            found = metadata.version(distribution)
        except metadata.PackageNotFoundError:
            continue
        return f"Running on {name} {found} and {python}; the image says {name} {version}"
    return f"Running on {python}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
