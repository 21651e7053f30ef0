"""Images that jobs and models may name."""

from flowmaker.aws.errors import validation
from flowmaker.sagemaker.algorithms import registry
from flowmaker.sagemaker.algorithms.registry import BuiltIn


def known(image: str) -> BuiltIn:
    """The built-in algorithm of the image.

    Raises:
        AwsError: there is none; the message names those that there are.
    """
    builtin = registry.find(image) if image else None
    if builtin is None:
        named = (
            f"the image {image}" if image else "a job without AlgorithmSpecification.TrainingImage"
        )
        raise validation(
            f"Flowmaker does not know {named}. It knows the built-in algorithms' images, as "
            "sagemaker.image_uris.retrieve gives them for every region: "
            "…/sagemaker-xgboost:VERSION and …/kmeans:1."
        )
    return builtin
