"""The published SageMaker components, as their component.yaml files describe them."""

import json
from typing import Any

import yaml

from flowmaker.components.published import batch_transform, deploy, model, process, train, tune
from flowmaker.components.published.arguments import boolean, integer, mapping, sequence

IMAGE = "public.ecr.aws/kubeflow-on-aws/aws-sagemaker-kfp-components:1.1.2"
PROGRAMS = {
    "train/src/sagemaker_training_component.py": train,
    "model/src/sagemaker_model_component.py": model,
    "deploy/src/sagemaker_deploy_component.py": deploy,
    "batch_transform/src/sagemaker_transform_component.py": batch_transform,
    "process/src/sagemaker_process_component.py": process,
    "hyperparameter_tuning/src/sagemaker_tuning_component.py": tune,
}


def component_yaml(script: str, program: Any) -> str:
    """A component.yaml of the published form: every input and every output on the command line."""
    types = {boolean: "Bool", integer: "Integer", mapping: "JsonObject", sequence: "JsonArray"}
    inputs: list[dict[str, object]] = []
    arguments: list[object] = []
    for one in program.INPUTS:
        item: dict[str, object] = {"name": one.name, "type": types.get(one.parse, "String")}
        if one.default is not None:
            text = one.default if isinstance(one.default, str) else json.dumps(one.default)
            item["default"] = text.capitalize() if isinstance(one.default, bool) else text
        inputs.append(item)
        arguments += [f"--{one.name}", {"inputValue": one.name}]
    for name in program.OUTPUTS:
        arguments += [f"--{name}_output_path", {"outputPath": name}]
    container = {"image": IMAGE, "command": ["python3"], "args": [script, *arguments]}
    return yaml.safe_dump(
        {
            "name": "SageMaker",
            "inputs": inputs,
            "outputs": [{"name": name} for name in program.OUTPUTS],
            "implementation": {"container": container},
        }
    )
