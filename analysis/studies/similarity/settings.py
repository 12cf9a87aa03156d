"""What decides the panel of similarities, of policies and of arrays alike."""

from dataclasses import dataclass
from typing import Annotated

from analysis.measures.alignment import KEEP
from analysis.measures.kernels import BANDWIDTH
from analysis.measures.neighbours import NEIGHBOURS
from checkpoints.doors.numbers import real, whole


@dataclass(frozen=True)
class OfPanel:
    """The settings that a comparison of policies has, and one of arrays."""

    permutations: Annotated[int, whole(1, 10**6)] = 500
    """permutations of levels behind each p-value"""
    replicates: Annotated[int, whole(20, 10**5)] = 200
    """bootstrap replicates behind each interval"""
    neighbours: Annotated[int, whole(1, 10**4)] = NEIGHBOURS
    """nearest states compared by the measure neighbours"""
    bandwidth: Annotated[float, real(0, 1e3, above=True)] = BANDWIDTH
    """of the Gaussian kernel, in units of the median distance"""
    keep: Annotated[float, real(0, 1, above=True)] = KEEP
    """share of variance that SVCCA and PWCCA keep"""
