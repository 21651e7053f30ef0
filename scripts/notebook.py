"""Write `examples/mnist/mnist.ipynb` from `mnist.py`: the same code, with each stage in a cell.

python scripts/notebook.py          writes it
python scripts/notebook.py --check  fails when it is not what it would write
"""

import re
import sys
from pathlib import Path

import nbformat
from nbformat import v4

FOLDER = Path(__file__).parents[1] / "examples" / "mnist"
RULER = re.compile(r"^# -+ (.+)$", re.MULTILINE)

STAGES = (
    (
        (
            "## Who may do what\n\nThe pipeline's user, SageMaker's role, the worker nodes' leave; "
            "and the user's key where the pipeline's steps find it."
        ),
        (
            "suffix = secrets.token_hex(4)\n"
            'region = boto3.Session().region_name or "us-east-1"\n'
            "# AmazonSageMakerFullAccess reaches only buckets with `sagemaker` in their name.\n"
            'bucket = f"mnist-sagemaker-{suffix}"\n\n'
            "role_arn, keys = set_up_iam()\n"
            "set_up_secret(keys)"
        ),
    ),
    (
        "## The data\n\n`load_digits_from(Path('mnist.pkl.gz'))` takes a file of yours.",
        "digits = load_digits_from(None)\nraw_key = upload(bucket, digits, region)",
    ),
    (
        "## Prepare, train, deploy, transform, compare",
        (
            "arguments = {\n"
            '    "bucket": bucket,\n    "raw_key": raw_key,\n    "role_arn": role_arn,\n'
            '    "suffix": suffix,\n    "region": region,\n}\n'
            "run_pipeline(kfp.Client(), arguments)"
        ),
    ),
    (
        "## The results, and a prediction",
        (
            'body = boto3.client("s3").get_object(Bucket=bucket, Key="results.json")["Body"]\n'
            "results = json.load(body)\nprint(results)\n"
            'predict(f"mnist-{suffix}", digits)'
        ),
    ),
    ("## Cleaning up", 'clean_up(bucket, f"mnist-{suffix}")'),
)


def notebook() -> str:
    """The notebook as text, the same for the same script."""
    intro, *sections = RULER.split((FOLDER / "mnist.py").read_text())
    docstring, imports = _split_docstring(intro)
    cells = [v4.new_markdown_cell(docstring), v4.new_code_cell(imports)]
    for title, code in zip(sections[::2], sections[1::2], strict=True):
        cells.append(v4.new_markdown_cell(f"## {title[0].upper()}{title[1:]}"))
        cells.append(v4.new_code_cell(code.partition("\ndef main()")[0].strip()))
    for text, code in STAGES:
        cells += [v4.new_markdown_cell(text), v4.new_code_cell(code)]
    for number, cell in enumerate(cells):
        cell["id"] = f"cell-{number}"
    made = v4.new_notebook(cells=cells)
    made.metadata["kernelspec"] = {
        "display_name": "Python 3",
        "language": "python",
        "name": "python3",
    }
    return nbformat.writes(made) + "\n"


def _split_docstring(source: str) -> tuple[str, str]:
    """The script's docstring as Markdown, and its imports without what only a script needs."""
    _, docstring, code = source.split('"""', 2)
    kept = [line for line in code.strip().splitlines() if line != "import argparse"]
    return "# " + docstring.replace("    python mnist.py\n", "").strip(), "\n".join(kept)


def main() -> None:
    file = FOLDER / "mnist.ipynb"
    if sys.argv[1:] == ["--check"]:
        if file.read_text() != notebook():
            sys.exit(f"{file} is not what mnist.py makes of it: run python scripts/notebook.py")
        return
    file.write_text(notebook())


if __name__ == "__main__":
    main()
