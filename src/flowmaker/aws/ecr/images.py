"""Which images registered names stand for, by repository. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from flowmaker.aws.ecr.repository import Place
from flowmaker.executors.registered import Registration

_REPOSITORY = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*"
)
_URI = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com/"
    rf"(?P<repository>{_REPOSITORY.pattern})"
    r"(?::(?P<tag>\w[\w.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
_LATEST = "latest"
#: How long a repository's name may be.
_LENGTHS = range(2, 257)


@dataclass(frozen=True, kw_only=True, slots=True)
class Image:
    """An image of a repository: what has one digest is one image, whatever its tags."""

    digest: str
    #: Sorted.
    tags: tuple[str, ...]
    pushed_at: datetime
    #: Bytes of its files; 0 where it is an environment without files, or a real container.
    size: int
    #: As it was registered: once for each tag.
    names: tuple[str, ...]

    def is_meant(self, digest: str | None, tag: str | None) -> bool:
        """Whether an identifier with these, of which one may be missing, names it."""
        return digest in (None, self.digest) and (tag is None or tag in self.tags)


def by_repository(registered: Iterable[Registration], place: Place) -> Mapping[str, list[Image]]:
    """The images of an account in a region, in the order of their digests.

    A name without a tag is that of `latest`. One with a digest has that one, as jobs say it.
    """
    found: dict[str, dict[str, Image]] = {}
    for one in registered:
        uri = _URI.fullmatch(one.image.name)
        if uri is None or len(uri["repository"]) not in _LENGTHS:
            continue
        if (uri["account"], uri["region"]) == (place.account, place.region):
            images = found.setdefault(uri["repository"], {})
            image = _image(one, uri["tag"], uri["digest"])
            images[image.digest] = _merged(images.get(image.digest), image)
    return {
        name: sorted(images.values(), key=lambda image: image.digest)
        for name, images in found.items()
    }


def _image(one: Registration, tag: str | None, digest: str | None) -> Image:
    tags = (tag,) if tag else () if digest else (_LATEST,)
    return Image(
        digest=digest or one.image.digest,
        tags=tags,
        pushed_at=one.at,
        size=one.image.size,
        names=(one.image.name,),
    )


def _merged(before: Image | None, image: Image) -> Image:
    if before is None:
        return image
    return Image(
        digest=image.digest,
        tags=tuple(sorted({*before.tags, *image.tags})),
        pushed_at=min(before.pushed_at, image.pushed_at),
        size=image.size,
        names=(*before.names, *image.names),
    )
