"""Which images pipelines may name: the SageMaker components' own, and the official Pythons."""

from flowmaker.components import images as components
from flowmaker.executors.executor import EnvironmentSpec
from flowmaker.executors.images import Images, ResolvedImage


def pipeline_images() -> Images:
    """The images of pipelines' containers."""
    return Images((published_components,))


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
