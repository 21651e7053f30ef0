"""A process's own view of the machine's files, made by the process itself before it begins.

Standard library only (it runs under the Python of any environment, 3.9 and later), for a forked
child that is about to become a user's process. It costs a third of a millisecond where a sandbox
program costs five, and needs either root or user namespaces. The view is a list of steps:

    ["read", source, target]     a folder or file, read-only
    ["bind", source, target]     the same, writable
    ["device", "/dev", "/dev"]   the same, with its devices
    ["proc", "", "/proc"]        the machine's processes (as they are: no process namespace here)
    ["empty", "", target]        an empty folder, in memory
    ["link", text, target]       a symbolic link

The first step makes the root: ["read", "/", "/"], or ["empty", "", "/"] to be filled by the others.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import os
import socket
import stat
import struct
import sys
from pathlib import Path
from typing import Any

_LIBC = ctypes.CDLL(None, use_errno=True)

CLONE_NEWNS, CLONE_NEWUSER, CLONE_NEWNET = 0x20000, 0x10000000, 0x40000000
MS_NOSUID, MS_NODEV, MS_REC, MS_PRIVATE = 2, 4, 16384, 1 << 18
# The same numbers on every architecture: these calls are younger than their unification.
SYS_OPEN_TREE, SYS_MOVE_MOUNT, SYS_MOUNT_SETATTR = 428, 429, 442
AT_FDCWD, AT_RECURSIVE = -100, 0x8000
OPEN_TREE_CLONE, MOVE_MOUNT_F_EMPTY_PATH = 1, 4
MOUNT_ATTR_RDONLY = 1
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
PR_CAPBSET_DROP, CAPABILITY_VERSION_3 = 24, 0x20080522
#: What root keeps, which is what a container's root has: files, users, ports; never mounts,
#: other processes' memory or the kernel.
KEPT_CAPABILITIES = (0, 1, 3, 4, 5, 6, 7, 8, 10, 13, 18, 27, 29, 31)


def enter(view: dict[str, Any]) -> None:
    """Move this (single-threaded) process into the view, for good."""
    _unshare(CLONE_NEWNS | (0 if view["network"] else CLONE_NEWNET))
    if not view["network"]:
        _raise_loopback()
    _mount(None, "/", None, MS_REC | MS_PRIVATE)
    steps = [(kind, source, target) for kind, source, target in view["steps"]]
    # All sources are taken before anything is laid over them.
    trees = [_clone(kind, source) for kind, source, _ in steps]
    root = _make_root(steps[0][0], view["root"])
    for (kind, source, target), tree in zip(steps[1:], trees[1:]):  # noqa: B905 - Python 3.9
        _place(kind, source, f"{root}{target}", tree)
    if root:
        os.chroot(root)
    _drop_capabilities()


def _checked(result: int, what: str) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def _unshare(flags: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    if _LIBC.unshare(flags) == 0:
        return
    if ctypes.get_errno() != errno.EPERM:
        _checked(-1, "unshare")
    _checked(_LIBC.unshare(flags | CLONE_NEWUSER), "unshare with a user namespace")
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{uid} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{gid} {gid} 1")


def _raise_loopback() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        request = struct.pack("16sh14x", b"lo", 0)
        answer = fcntl.ioctl(any_socket, SIOCGIFFLAGS, request)
        flags = struct.unpack("16sh14x", answer)[1] | IFF_UP
        fcntl.ioctl(any_socket, SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags))


def _mount(source: str | None, target: str, kind: str | None, flags: int, data: str = "") -> None:
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind)]
    _checked(_LIBC.mount(*encoded, ctypes.c_ulong(flags), data.encode()), f"mount {target}")


def _clone(kind: str, source: str) -> int | None:
    """The tree of mounts at `source`, detached, as it is now."""
    if kind in {"empty", "link"} or source == "/":
        return None
    path = os.fsencode(source or "/proc")
    flags = OPEN_TREE_CLONE | os.O_CLOEXEC | AT_RECURSIVE
    return _checked(_LIBC.syscall(SYS_OPEN_TREE, AT_FDCWD, path, flags), f"open_tree {source}")


def _make_root(kind: str, spare: str) -> str:
    """The prefix under which the steps are laid: nothing, or a new root on the folder `spare`."""
    if kind == "read":
        _make_read_only("/")
        return ""
    os.makedirs(spare, exist_ok=True)
    _mount("tmpfs", spare, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    return spare


def _make_read_only(target: str) -> None:
    # struct mount_attr: what to set, what to clear, propagation, user namespace.
    attributes = struct.pack("QQQQ", MOUNT_ATTR_RDONLY, 0, 0, 0)
    size = ctypes.c_size_t(len(attributes))
    result = _LIBC.syscall(
        SYS_MOUNT_SETATTR, AT_FDCWD, os.fsencode(target), AT_RECURSIVE, attributes, size
    )
    _checked(result, f"mount_setattr {target}")


def _place(kind: str, source: str, target: str, tree: int | None) -> None:
    if kind == "link":
        os.symlink(source, target)
        return
    _make_mountpoint(target, is_folder=tree is None or stat.S_ISDIR(os.fstat(tree).st_mode))
    if tree is None:
        _mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
        return
    moved = _LIBC.syscall(
        SYS_MOVE_MOUNT, tree, b"", AT_FDCWD, os.fsencode(target), MOVE_MOUNT_F_EMPTY_PATH
    )
    _checked(moved, f"move_mount {target}")
    os.close(tree)
    if kind == "read":
        _make_read_only(target)


def _make_mountpoint(target: str, *, is_folder: bool) -> None:
    if os.path.exists(target):
        return
    if is_folder:
        os.makedirs(target)
    else:
        os.makedirs(os.path.dirname(target), exist_ok=True)
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_CLOEXEC, 0o666))


def _drop_capabilities() -> None:
    """What could undo the view goes; a plain user keeps none at all."""
    kept = KEPT_CAPABILITIES if os.geteuid() == 0 else ()
    for number in range(64):
        if number not in kept and _LIBC.prctl(PR_CAPBSET_DROP, number, 0, 0, 0):
            break  # this kernel has no more
    mask = sum(1 << number for number in kept)
    low, high = mask & 0xFFFFFFFF, mask >> 32
    header = struct.pack("Ii", CAPABILITY_VERSION_3, 0)
    # struct __user_cap_data_struct twice: effective, permitted, inheritable.
    data = struct.pack("IIIIII", low, low, 0, high, high, 0)
    _checked(_LIBC.capset(header, data), "capset")


if __name__ == "__main__":
    # The probe: can this machine do it? `python namespace.py {network|no-network}`
    enter({"network": sys.argv[1] == "network", "root": "", "steps": [["read", "/", "/"]]})
