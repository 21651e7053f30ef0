"""Lightweight components are recognised by the exact shape of their command."""

from pathlib import Path

import kfp
import pytest
from kfp import dsl

from flowmaker.pipelines.ir.lightweight import Lightweight, recognise
from tests.fakes.compiled import compiled

OLD_INSTALL = """
if ! [ -x "$(command -v pip)" ]; then
    python3 -m ensurepip || python3 -m ensurepip --user || apt-get install python3-pip
fi

PIP_DISABLE_PIP_VERSION_CHECK=1 python3 -m pip install --quiet --no-warn-script-location \
'kfp==2.0.1' && "$0" "$@"
"""
RUN = """program_path=$(mktemp -d)

printf "%s" "$0" > "$program_path/ephemeral_component.py"
_KFP_RUNTIME=true python3 -m kfp.dsl.executor_main                         \
--component_module_path                         "$program_path/ephemeral_component.py" \
                        "$@"
"""


def command_of(component: object, folder: Path) -> tuple[str, ...]:
    spec, _ = compiled(component, folder)  # type: ignore[arg-type]
    (executor,) = spec["deploymentSpec"]["executors"].values()
    return tuple(executor["container"]["command"])


def test_the_sdk_of_today(tmp_path: Path):
    @dsl.component(
        base_image="python:3.11",
        packages_to_install=["numpy==2.0", "pandas>=2; python_version<'4'"],
        pip_index_urls=["https://a.example/simple", "https://b.example/simple"],
    )
    def double(x: int) -> int:
        return 2 * x

    found = recognise(command_of(double, tmp_path))
    assert found is not None
    assert found.requirements == ("numpy==2.0", "pandas>=2; python_version<'4'")
    assert found.no_deps[0] == f"kfp=={kfp.__version__}"
    assert found.install_options == (
        *("--index-url", "https://a.example/simple"),
        *("--extra-index-url", "https://b.example/simple"),
        *("--trusted-host", "https://a.example/simple"),
        *("--trusted-host", "https://b.example/simple"),
    )
    assert "def double(x: int) -> int:" in found.source


def test_without_any_packages(tmp_path: Path):
    @dsl.component(base_image="python:3.11", install_kfp_package=False)
    def nothing():
        pass

    found = recognise(command_of(nothing, tmp_path))
    assert found is not None
    assert found.requirements == found.no_deps == ()


def test_the_sdk_of_yesterday():
    command = ("sh", "-c", OLD_INSTALL, "sh", "-ec", RUN, "source")
    assert recognise(command) == Lightweight(requirements=("kfp==2.0.1",), source="source")


@pytest.mark.parametrize(
    "command",
    [
        ("sh", "-c", "echo hello"),
        ("python3", "main.py"),
        ("sh", "-c", OLD_INSTALL.replace("pip install", "pip download"), "sh", "-ec", RUN, "s"),
        ("sh", "-c", OLD_INSTALL.replace("'kfp", "--target /x 'kfp"), "sh", "-ec", RUN, "s"),
        ("sh", "-c", OLD_INSTALL.replace('&& "$0"', '&& rm x && "$0"'), "sh", "-ec", RUN, "s"),
        ("sh", "-c", OLD_INSTALL, "sh", "-ec", RUN + "echo more", "s"),
        ("sh", "-c", OLD_INSTALL, "sh", "-c", RUN, "s"),
    ],
)
def test_anything_else_is_left_as_it_is(command: tuple[str, ...]):
    assert recognise(command) is None
