"""Which images this server knows: each half brings its own, the official Pythons come with it."""

from flowmaker.components import images as components
from flowmaker.executors.executor import EnvironmentSpec
from flowmaker.executors.images import Images


class PipelineImages:
    """The images of pipelines' containers."""

    def __init__(self) -> None:
        self._images = Images((components.rule,))

    def environment(self, image: str) -> EnvironmentSpec:
        """The environment that `image` names; raises Unsupported when none does."""
        return self._images.resolve(image).environment

    def check(self, image: str) -> None:
        """Raises Unsupported for an image that is not known."""
        self._images.resolve(image)
