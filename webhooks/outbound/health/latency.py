"""Times in buckets: how p50 and p95 of a day are read from a few counts of each minute.

A bucket for each millisecond up to 20 ms, then four to each doubling up to 65,536 ms. A quantile is the geometric
middle of the bucket that the true one (``percentile_disc``) lies in: exact below 20 ms, and never off by more than
10 %. What took longer than the last bound is told as that bound.
"""

import math
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from typing import Final

# Bucket n holds BOUNDS[n] <= ms < BOUNDS[n + 1]; the last has no end. Changing them makes kept minutes unreadable.
BOUNDS: Final[tuple[int, ...]] = tuple(sorted({*range(1, 21), *(math.ceil(2 ** (step / 4)) for step in range(65))}))
RELATIVE_ERROR: Final = 0.10
# The buckets of many minutes together, in SQL over ``h``. Written out: unnesting the arrays costs three times as much.
SUMMED: Final = f"ARRAY[{', '.join(f'coalesce(sum(h.latency[{n + 1}]), 0)' for n in range(len(BOUNDS)))}]"


def bucket_of(duration_ms: int) -> int:
    """The bucket of a duration."""
    return bisect_right(BOUNDS, max(duration_ms, BOUNDS[0])) - 1


def fold(durations_ms: Iterable[int]) -> list[int]:
    """How many durations are in each bucket, up to the last that has any."""
    counts: list[int] = []
    for duration in durations_ms:
        bucket = bucket_of(duration)
        counts.extend([0] * (bucket + 1 - len(counts)))
        counts[bucket] += 1
    return counts


def quantile(counts: Sequence[int], share: float) -> int | None:
    """Milliseconds below or at which this share of the durations lies; None of none."""
    rank = max(math.ceil(share * sum(counts)), 1)
    for bucket, count in enumerate(counts):
        rank -= count
        if rank <= 0:
            return _middle(bucket)
    return None


def _middle(bucket: int) -> int:
    if bucket == len(BOUNDS) - 1:
        return BOUNDS[-1]
    return round(math.sqrt(BOUNDS[bucket] * (BOUNDS[bucket + 1] - 1)))
