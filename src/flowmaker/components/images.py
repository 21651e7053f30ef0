"""The published images of the SageMaker components, as environments with the same programs."""

import re
from dataclasses import dataclass
from importlib.resources import files

from flowmaker.errors import Unsupported

_IMAGE = re.compile(
    r"(?:docker\.io/)?(?:public\.ecr\.aws/kubeflow-on-aws|amazon)/aws-sagemaker-kfp-components"
    r"(?::(?P<tag>[\w.-]+))?(?:@sha256:[0-9a-f]{64})?"
)
#: Where the components were published before that, with programs of other names and arguments.
_EARLIER = re.compile(
    r"(?:docker\.io/)?(?:seedjeffwan/kubeflow-pipelines-aws-sm|redbackthomson/aws-kubeflow-sagemaker)"
    r"(?::[\w.-]+)?(?:@sha256:[0-9a-f]{64})?"
)
_TAGS = re.compile(r"1\.\d+\.\d+|latest")

INSTEAD = "Load the component.yaml of version 1.1.2 instead, or use flowmaker.components.sagemaker."


@dataclass(frozen=True, kw_only=True, slots=True)
class ComponentImage:
    """What an image comes to: flowmaker can be imported in it, and its programs run there."""

    #: A requirements file with hashes.
    lock: str
    #: The image's working directory; its commands name programs relative to it.
    workdir: str
    #: What is run when only arguments are given.
    entrypoint: tuple[str, ...] = ("bash",)


def rule(image: str) -> ComponentImage | None:
    """`public.ecr.aws/kubeflow-on-aws/aws-sagemaker-kfp-components:1.x`, and `amazon/…`.

    Raises:
        Unsupported: it is one of these images, in a version whose programs are not here.
    """
    if _EARLIER.fullmatch(image):
        raise Unsupported(
            f"image {image}: it is of the SageMaker components before version 1.0, whose programs "
            f"had other names and arguments and are not here. {INSTEAD}"
        )
    match = _IMAGE.fullmatch(image)
    if match is None:
        return None
    tag = match["tag"] or "latest"
    if not _TAGS.fullmatch(tag):
        raise Unsupported(
            f"image {image}: the programs of version {tag} are not here. Versions 1.x are; later "
            "ones leave the work to a controller in the cluster, earlier ones had other arguments. "
            + INSTEAD
        )
    package = files("flowmaker.components")
    return ComponentImage(
        lock=(package / "requirements.txt").read_text(),
        workdir=str(package / "published" / "image"),
    )
