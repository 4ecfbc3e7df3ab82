"""Callbacks over time, drawn on the server: what was taken in above the line, what waits for somebody below it."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Final

from console import paging
from console.marks import mark
from console.presenters.health import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, foot_labels, left_label, round_step, up_to
from console.presenters.words import grouped, short
from console.types.inbound import OutcomeLine, OutcomePlot, OutcomesView
from webhooks.queries import OutcomePoint

# In the order of the table, with what each means to whoever looks.
OUTCOMES: Final[Mapping[str, str]] = {
    "applied": "took effect, once",
    "duplicate": "said before; nothing changed",
    "late": "overtaken by a later word; nothing changed",
    "unmatched": "names no payment of ours yet; waits by itself",
    "mismatch": "not the money that we ordered; nothing was posted",
    "quarantined": "signed, and could not be taken in",
}
TAKEN: Final = ("applied",)
AGAIN: Final = ("duplicate", "late")
WAITING: Final = ("unmatched", "mismatch", "quarantined")
_BAR: Final = 0.74


def outcomes(points: Sequence[OutcomePoint], *, until: datetime, here: str) -> OutcomesView:
    """The plot, the table behind it, and a line an outcome that leads to its callbacks since the plot's start."""
    totals = {state: _sum(points, (state,)) for state in OUTCOMES}
    since = f"{points[0].at:%Y-%m-%dT%H:%M}"
    return OutcomesView(
        plot=_plot(points, totals, until),
        lines=tuple(
            OutcomeLine(mark(state), grouped(totals[state]), words, paging.link(here, outcome=state, since=since))
            for state, words in OUTCOMES.items()
        ),
    )


def _plot(points: Sequence[OutcomePoint], totals: Mapping[str, int], until: datetime) -> OutcomePlot:
    made = sum(totals.values())
    if not made:
        return OutcomePlot("No callback came in this time.")
    above = max(_of(point, TAKEN) + _of(point, AGAIN) for point in points)
    below = max(_of(point, WAITING) for point in points)
    step = round_step(max(above, below))
    top, bottom = up_to(above, step), max(below, step // 4) if below < step else up_to(below, step)
    scale = (HEIGHT - TOP - BOTTOM) / ((top + bottom) or 1)
    zero = TOP + top * scale
    ticks = range(-(bottom // step) * step, top + 1, step)
    return OutcomePlot(
        words=f"{grouped(made)} callbacks, {grouped(sum(totals[state] for state in WAITING))} not taken in",
        height=f"{HEIGHT:.0f}",
        zero=f"{zero:.1f}",
        taken=_bars([(zero, -_of(point, TAKEN) * scale) for point in points]),
        again=_bars([(zero - _of(point, TAKEN) * scale, -_of(point, AGAIN) * scale) for point in points]),
        waiting=_bars([(zero, _of(point, WAITING) * scale) for point in points]),
        grid=tuple(f"{zero - tick * scale:.1f}" for tick in ticks if tick),
        labels=(
            *(left_label(zero - tick * scale, short(abs(tick))) for tick in ticks),
            *foot_labels(points[0].at, until),
        ),
        rows=_rows(points),
    )


def _rows(points: Sequence[OutcomePoint]) -> tuple[tuple[str, ...], ...]:
    """The time, and how many there were of each outcome; quiet spans are left out."""
    return tuple(
        (f"{point.at:%d %b %Y %H:%M}", *(grouped(point.counts.get(state, 0)) for state in OUTCOMES))
        for point in points
        if point.counts
    )


def _bars(bars: Sequence[tuple[float, float]]) -> str:
    """One path for bars of (where they start, how far they go); what is there at all is at least a pixel high."""
    slot = (WIDTH - LEFT) / max(len(bars), 1)
    width = max(slot * _BAR, 0.6)
    return "".join(
        f"M{LEFT + at * slot + (slot - width) / 2:.1f},{start:.1f}v{_seen(height):.1f}h{width:.1f}V{start:.1f}Z"
        for at, (start, height) in enumerate(bars)
        if height
    )


def _seen(height: float) -> float:
    return min(height, -1.0) if height < 0 else max(height, 1.0)


def _of(point: OutcomePoint, states: Sequence[str]) -> int:
    return sum(point.counts.get(state, 0) for state in states)


def _sum(points: Sequence[OutcomePoint], states: Sequence[str]) -> int:
    return sum(_of(point, states) for point in points)
