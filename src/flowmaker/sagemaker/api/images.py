"""Images that jobs and models may name."""

from collections.abc import Mapping
from typing import Any

from flowmaker.aws.errors import validation
from flowmaker.errors import FlowmakerError
from flowmaker.sagemaker.images import Image, JobImages

#: Hyperparameters that ask the training toolkit for what does not run here.
_DISTRIBUTIONS = {
    "sagemaker_mpi_enabled": "MPI",
    "sagemaker_parameter_server_enabled": "parameter servers",
    "sagemaker_distributed_dataparallel_enabled": "SageMaker's distributed data parallel library",
    "sagemaker_pytorch_ddp_enabled": "SageMaker's launcher for PyTorch DDP (use torch_distributed)",
    "sagemaker_pytorch_xla_multi_worker_enabled": "PyTorch/XLA",
    "sagemaker_multi_worker_mirrored_strategy_enabled": "TensorFlow",
    "sagemaker_instance_groups": "instance groups",
}


def known(images: JobImages, name: str, member: str, *, script: bool = False) -> Image:
    """The image of that name.

    Raises:
        AwsError: it is not known; the message says which ones are.
    """
    try:
        found = images.find(name, script=script) if name else None
    except FlowmakerError as error:
        raise validation(error.message) from None
    if found is None:
        named = f"the image {name}" if name else f"a request without {member}"
        raise validation(
            f"Flowmaker does not know {named}. It knows the images of the built-in algorithms, "
            "scikit-learn, XGBoost and PyTorch, as sagemaker.image_uris.retrieve gives them for "
            "every region; Python's own images; and what was registered with: flowmaker image add "
            f"{name or 'NAME'} --requirements FILE --source FOLDER; or, where podman or docker "
            "has the image: --container."
        )
    return found


def trained_by(images: JobImages, given: Mapping[str, Any]) -> Image:
    """The image of a training job.

    Raises:
        AwsError: it is not known, or the job does not say what to run in it.
    """
    specification = given.get("AlgorithmSpecification", {})
    hyperparameters: Mapping[str, str] = given.get("HyperParameters", {})
    entrypoint = specification.get("ContainerEntrypoint") or specification.get("ContainerArguments")
    script = "sagemaker_submit_directory" in hyperparameters
    name = specification.get("TrainingImage", "")
    image = known(
        images, name, "AlgorithmSpecification.TrainingImage", script=bool(script or entrypoint)
    )
    if entrypoint or image.framework is None:
        return image
    if not image.train:
        raise validation(f"The image {name} is for inference: it has no `train`.")
    if not (script and "sagemaker_program" in hyperparameters):
        raise validation(
            f"A job with the image {name} runs a script: give the hyperparameters "
            "sagemaker_submit_directory and sagemaker_program, as the SDK does for an entry_point, "
            "or AlgorithmSpecification.ContainerEntrypoint."
        )
    for asked, what in _DISTRIBUTIONS.items():
        if hyperparameters.get(asked, "false") not in {"false", '"false"', "null"}:
            raise validation(f"HyperParameters: {asked}: {what} is not supported by Flowmaker.")
    return image


def served_by(images: JobImages, container: Mapping[str, Any]) -> Image:
    """The image of a model's container.

    Raises:
        AwsError: it is not known, or has no model server.
    """
    name = container.get("Image", "")
    script = "SAGEMAKER_PROGRAM" in container.get("Environment", {})
    image = known(images, name, "Image", script=script)
    if not image.serve:
        raise validation(f"The image {name} is for training: it has no `serve`.")
    return image
