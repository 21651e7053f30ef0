"""The order of keys, and the folders that a delimiter makes of it.

S3 orders keys by the bytes of their UTF-8. That is the order of code points, so it is also the
order in which Python compares strings.
"""

_LAST = 0x10FFFF
_SURROGATES = range(0xD800, 0xE000)


def successor(prefix: str) -> str | None:
    """The smallest key beyond all that start with `prefix`; none when there is no such key."""
    for end in range(len(prefix), 0, -1):
        following = ord(prefix[end - 1]) + 1
        if following > _LAST:
            continue
        if following in _SURROGATES:
            following = _SURROGATES.stop
        return prefix[: end - 1] + chr(following)
    return None


def common_prefix(key: str, prefix: str, delimiter: str) -> str | None:
    """What `key` is rolled up into: all up to the first delimiter after `prefix`."""
    if not delimiter or not key.startswith(prefix):
        return None
    found = key.find(delimiter, len(prefix))
    return None if found < 0 else key[: found + len(delimiter)]
