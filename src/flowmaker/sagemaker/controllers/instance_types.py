"""How much of a machine an instance type is: vCPUs and memory, as EC2 tells of the same type.

Read out of the data of the package moto (113 kB, which is AWS's own DescribeInstanceTypes); nothing
of moto is imported. It blocks for some 60 ms, the first time: call it in a thread.
"""

import gzip
import json
import re
from collections.abc import Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path

from flowmaker.executors.room import Amount

_GIB = 1 << 30
#: Types that SageMaker has and EC2 sells no more, or not by itself: vCPUs and GiB.
_OTHERS: Mapping[str, tuple[int, int]] = {
    "dl1.24xlarge": (96, 768),
    "p2.xlarge": (4, 61),
    "p2.8xlarge": (32, 488),
    "p2.16xlarge": (64, 732),
    "p3.2xlarge": (8, 61),
    "p3.8xlarge": (32, 244),
    "p3.16xlarge": (64, 488),
    "p6e-gb200.36xlarge": (144, 960),
}
_SIZE = re.compile(r"(\d*)x?large|medium")
#: GiB for each vCPU of a type that is not known: those of the families m.
_USUAL = 4


def size(instance_type: str) -> Amount:
    """What one instance of a type such as `ml.m5.xlarge` has.

    A type that nobody knows has what the name of its size says of most: `large` is 2 vCPUs,
    `xlarge` 4, `2xlarge` 8, with 4 GiB each.
    """
    name = instance_type.removeprefix("ml.")
    known = _known().get(name)
    if known is None:
        cores = _usual_cores(name.rpartition(".")[2])
        known = _OTHERS.get(name, (cores, cores * _USUAL))
        return Amount(millicores=known[0] * 1000, memory=known[1] * _GIB)
    return Amount(millicores=known[0] * 1000, memory=known[1] << 20)


def _usual_cores(size_name: str) -> int:
    found = _SIZE.fullmatch(size_name)
    if found is None or "x" not in size_name:
        return 2
    return 4 * int(found[1] or 1)


@cache
def _known() -> Mapping[str, tuple[int, int]]:
    """The vCPUs and the MiB of every type of EC2."""
    spec = find_spec("moto")
    if spec is None or not spec.submodule_search_locations:
        raise FileNotFoundError("the package moto, whose data holds instance types, is missing")
    folder = Path(spec.submodule_search_locations[0], "ec2", "resources")
    types = json.loads(gzip.decompress((folder / "instance_types.json.gz").read_bytes()))
    return {
        name: (one["VCpuInfo"]["DefaultVCpus"], one["MemoryInfo"]["SizeInMiB"])
        for name, one in types.items()
    }
