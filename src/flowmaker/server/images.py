"""Which images pipelines and jobs may name."""

from pathlib import Path

from flowmaker.components import images as components
from flowmaker.executors.executor import EnvironmentSpec
from flowmaker.executors.images import Images, ResolvedImage
from flowmaker.executors.registered import RegisteredImages
from flowmaker.sagemaker.images import JobImages


def pipeline_images(registered: Path) -> Images:
    """The images of pipelines' containers; those in the folder `registered` come first."""
    return Images((RegisteredImages(registered).rule, published_components))


def job_images(registered: Path) -> JobImages:
    """The images of SageMaker's jobs and models; the user's are in the folder `registered`."""
    return JobImages((RegisteredImages(registered).rule,))


def published_components(name: str) -> ResolvedImage | None:
    """`public.ecr.aws/kubeflow-on-aws/aws-sagemaker-kfp-components:1.x`, and `amazon/…`."""
    image = components.rule(name)
    if image is None:
        return None
    return ResolvedImage(
        environment=EnvironmentSpec(lock=image.lock, programs=True),
        entrypoint=image.entrypoint,
        workdir=image.workdir,
        kind="sagemaker-components",
    )
