"""Unresolved exceptions by age, as bars. Drawn on the server; the table under it holds the same figures."""

from collections.abc import Sequence
from typing import Final

from console.presenters.health import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, left_label, round_step, up_to
from console.presenters.words import grouped
from console.types.ledger import PlotLabel
from console.types.plots import Chart
from zentra.reconciliation.matching.desk.types import BUCKETS, AgeCount

BUCKET_WORDS: Final = {"0-1": "0–1 day", "2-7": "2–7 days", "8-30": "8–30 days", "30+": "over 30 days"}
_BAR: Final = 0.46
_FOOT: Final = 6.0


def age_chart(ages: Sequence[AgeCount]) -> Chart:
    """How many exceptions are unresolved, in four columns of whole days."""
    title = "Unresolved exceptions by age"
    counts = {bucket: sum(each.count for each in ages if each.bucket == bucket) for bucket in BUCKETS}
    total = sum(counts.values())
    if not total:
        return Chart(title, "Nothing is unresolved.")
    step = round_step(max(counts.values()))
    top = up_to(max(counts.values()), step)
    floor, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / top
    wide = (WIDTH - LEFT) / len(counts)
    middles = [LEFT + (at + 0.5) * wide for at in range(len(counts))]
    bars = "".join(
        f"M{x - wide * _BAR / 2:.1f},{floor:.1f}v{-count * scale:.1f}h{wide * _BAR:.1f}v{count * scale:.1f}z"
        for x, count in zip(middles, counts.values(), strict=True)
        if count
    )
    return Chart(
        title=title,
        words=" · ".join(f"{BUCKET_WORDS[bucket]} {grouped(count)}" for bucket, count in counts.items()),
        height=f"{HEIGHT:.0f}",
        zero=f"{floor:.1f}",
        ok=bars,
        grid=tuple(f"{floor - tick * scale:.1f}" for tick in range(step, top + 1, step)),
        labels=(
            *(left_label(floor - tick * scale, grouped(tick)) for tick in range(0, top + 1, step)),
            *(
                PlotLabel(f"{x:.1f}", f"{HEIGHT - _FOOT:.1f}", BUCKET_WORDS[bucket], "middle")
                for x, bucket in zip(middles, counts, strict=True)
            ),
        ),
    )
