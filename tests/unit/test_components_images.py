"""The images that the SageMaker components were published in: executed, or refused."""

import pytest

from flowmaker.components.images import rule
from flowmaker.errors import Unsupported

PUBLISHED = "public.ecr.aws/kubeflow-on-aws/aws-sagemaker-kfp-components"


@pytest.mark.parametrize(
    "image",
    [
        f"{PUBLISHED}:1.1.2",
        f"{PUBLISHED}:1.0.0",
        f"{PUBLISHED}:1.1.2@sha256:{'0' * 64}",
        "amazon/aws-sagemaker-kfp-components:1.1.0",
        "docker.io/amazon/aws-sagemaker-kfp-components:latest",
    ],
)
def test_versions_1_are_executed(image: str) -> None:
    assert rule(image) is not None


@pytest.mark.parametrize(
    ("image", "why"),
    [
        (f"{PUBLISHED}:2.3.0", "the programs of version 2.3.0 are not here"),
        ("amazon/aws-sagemaker-kfp-components:0.3.0", "the programs of version 0.3.0"),
        ("amazon/aws-sagemaker-kfp-components:0.9.0", "the programs of version 0.9.0"),
        ("seedjeffwan/kubeflow-pipelines-aws-sm:20190501-05", "before version 1.0"),
        ("redbackthomson/aws-kubeflow-sagemaker:20200504", "before version 1.0"),
        ("docker.io/redbackthomson/aws-kubeflow-sagemaker", "before version 1.0"),
    ],
)
def test_other_versions_are_refused_with_what_to_do(image: str, why: str) -> None:
    with pytest.raises(Unsupported) as error:
        rule(image)
    assert image in str(error.value)
    assert why in str(error.value)
    assert "component.yaml of version 1.1.2" in str(error.value)


@pytest.mark.parametrize("image", ["python:3.11", "amazon/aws-cli", "someone/aws-sagemaker"])
def test_other_images_are_none_of_them(image: str) -> None:
    assert rule(image) is None
