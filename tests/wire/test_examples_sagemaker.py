"""examples/sagemaker runs as it stands; only the SDK's pauses are shortened."""

from pathlib import Path

import pytest

from tests.house import House, flowmaker

EXAMPLES = Path(__file__).parents[2] / "examples" / "sagemaker"
IMAGE = "000000000000.dkr.ecr.us-east-1.amazonaws.com/flowers:1"
HERE = Path(__file__).parent

pytestmark = [pytest.mark.slow, pytest.mark.timeout(400)]


def register_image(server: House) -> None:
    """What the examples' first lines say to do before they are run."""
    options = ("--source", str(EXAMPLES / "image"), "--data", str(server.data))
    flowmaker("image", "add", IMAGE, *options)


def test_the_sdk_v2_example(server: House, tmp_path: Path) -> None:
    register_image(server)
    impatient = tmp_path / "impatient.py"
    impatient.write_text(
        "import runpy, sys\n"
        f"sys.path.insert(0, {str(HERE)!r})\n"
        "import sagemaker\n"
        "from sagemaker_pauses import Clock\n"
        "sagemaker.session.time = Clock()\n"
        f"runpy.run_path({str(EXAMPLES / 'sdk_v2.py')!r}, run_name='__main__')\n"
        "print('null')\n"
    )
    printed, _ = server.run_script(impatient, tmp_path, timeout=380)
    said = [line for line in printed.splitlines() if "right" in line]
    shares = [int(line.split("%")[0].split()[-1]) for line in said]
    assert len(shares) == 5, printed
    assert min(shares) >= 85
    assert "flowers of each kind: 0: " in printed
    assert "the best of the tuning is sagemaker-xgboost-" in printed


def test_the_pipeline_example(server: House, tmp_path: Path) -> None:
    quiet = tmp_path / "quiet.py"
    quiet.write_text(
        "import runpy\n"
        f"runpy.run_path({str(EXAMPLES / 'pipeline_v2.py')!r}, run_name='__main__')\n"
        "print('null')\n"
    )
    printed, _ = server.run_script(quiet, tmp_path, timeout=380)
    first, second = printed.split("the first execution has ")[1].split("the second execution: ")
    steps = ("Train", "Measure", "Check", "Keep-RegisterModel", "Make-CreateModel", "Transform")
    assert first.startswith("Succeeded"), printed
    assert all(f"  {name}: Succeeded\n" in first for name in steps), printed
    assert second.startswith("Step failure: One or multiple steps failed."), printed
    assert "  Train: Succeeded (cached)\n  Measure: Succeeded (cached)\n" in second, printed
    assert "  Poor: Failed\n" in second, printed
