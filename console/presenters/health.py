"""Health over time, drawn on the server: attempts as bars, answered above the line and failed below it; answer times
as lines. The table behind them holds the same figures."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from console.presenters.words import NONE, grouped, percent, short, took
from console.types.ledger import PlotLabel
from console.types.plots import Chart, Spark
from webhooks.types import HealthPoint

WIDTH: Final = 560.0
HEIGHT: Final = 168.0
LEFT: Final = 54.0
TOP: Final = 8.0
BOTTOM: Final = 24.0
SPARK_WIDTH: Final = 104.0
SPARK_HEIGHT: Final = 22.0
_BAR: Final = 0.74
_STEPS: Final = (1, 2, 5, 10)


def attempts_chart(points: Sequence[HealthPoint]) -> Chart:
    """Attempts of each span: what was answered 2xx above the line, what failed below it."""
    made, failed = sum(point.attempts for point in points), sum(point.failures for point in points)
    if not made:
        return Chart("Attempts", "No attempt was made in this time.")
    above = max(point.attempts - point.failures for point in points)
    below = max(point.failures for point in points)
    step = round_step(max(above, below))
    # A few failures below many answers need no room of a whole step.
    top, bottom = up_to(above, step), max(below, step // 4) if below < step else up_to(below, step)
    scale = (HEIGHT - TOP - BOTTOM) / ((top + bottom) or 1)
    zero = TOP + top * scale
    ticks = range(-(bottom // step) * step, top + 1, step)
    return Chart(
        title="Attempts",
        words=f"{grouped(made)} attempts, {grouped(failed)} failed",
        height=f"{HEIGHT:.0f}",
        zero=f"{zero:.1f}",
        ok=_bars([(point.attempts - point.failures) * scale for point in points], zero, upwards=True),
        bad=_bars([point.failures * scale for point in points], zero, upwards=False),
        grid=tuple(f"{zero - tick * scale:.1f}" for tick in ticks if tick),
        labels=(
            *(left_label(zero - tick * scale, short(abs(tick))) for tick in ticks),
            *foot_labels(points[0].at, points[-1].at),
        ),
    )


def latency_chart(points: Sequence[HealthPoint]) -> Chart:
    """The median and the 95th percentile of answer times, with gaps where nothing was tried."""
    known = [point for point in points if point.p95_ms is not None]
    if not known:
        return Chart("Answer time", "Nothing was answered in this time.")
    highest = max(point.p95_ms or 0 for point in known)
    step = round_step(highest)
    top = up_to(highest, step)
    floor = HEIGHT - BOTTOM
    scale = (floor - TOP) / top
    ticks = range(0, top + 1, step)
    return Chart(
        title="Answer time",
        words=f"p95 at most {took(highest)}",
        height=f"{HEIGHT:.0f}",
        zero=f"{floor:.1f}",
        first=_line([point.p50_ms for point in points], floor, scale),
        second=_line([point.p95_ms for point in points], floor, scale),
        grid=tuple(f"{floor - tick * scale:.1f}" for tick in ticks if tick),
        labels=(
            *(left_label(floor - tick * scale, took(tick) if tick else "0") for tick in ticks),
            *foot_labels(points[0].at, points[-1].at),
        ),
    )


def table(points: Sequence[HealthPoint]) -> tuple[tuple[str, ...], ...]:
    """The rows behind the plots: time, attempts, failed, answered in per cent, p50, p95, first due, resolved."""
    return tuple(
        (
            f"{point.at:%d %b %Y %H:%M}",
            grouped(point.attempts),
            grouped(point.failures),
            percent(point.success_share),
            took(point.p50_ms),
            took(point.p95_ms),
            grouped(point.first_due),
            grouped(point.resolved),
        )
        for point in points
        if point.attempts or point.first_due
    )


def spark(points: Sequence[HealthPoint]) -> Spark:
    """Bars of one row; quiet where nothing happened."""
    made, failed = sum(point.attempts for point in points), sum(point.failures for point in points)
    if not made:
        return Spark(words="no attempt in 24 hours")
    middle = SPARK_HEIGHT * 0.62
    good = max(point.attempts - point.failures for point in points) or 1
    bad = max(point.failures for point in points) or 1
    up = [(point.attempts - point.failures) / good * middle for point in points]
    down = [point.failures / bad * (SPARK_HEIGHT - middle) for point in points]
    return Spark(
        ok=_bars(up, middle, upwards=True, left=0.0, width=SPARK_WIDTH),
        bad=_bars(down, middle, upwards=False, left=0.0, width=SPARK_WIDTH),
        words=f"{grouped(made)} attempts in 24 hours, {grouped(failed)} failed",
    )


def _bars(
    heights: Sequence[float], zero: float, *, upwards: bool, left: float = LEFT, width: float = WIDTH - LEFT
) -> str:
    """One path for all bars; what is there at all is at least a pixel high."""
    slot = width if len(heights) < 2 else width / len(heights)
    bar = max(slot * _BAR, 0.6)
    sign = "-" if upwards else ""
    return "".join(
        f"M{left + at * slot + (slot - bar) / 2:.1f},{zero:.1f}v{sign}{max(height, 1.0):.1f}h{bar:.1f}V{zero:.1f}Z"
        for at, height in enumerate(heights)
        if height > 0
    )


def _line(values: Sequence[int | None], floor: float, scale: float) -> str:
    """A line through the middles of the spans. A value with nothing beside it is a short dash."""
    slot = (WIDTH - LEFT) / max(len(values), 1)
    parts: list[str] = []
    before = None
    for at, value in enumerate(values):
        if value is None:
            before = None
            continue
        x, y = LEFT + (at + 0.5) * slot, floor - value * scale
        alone = before is None and (at + 1 == len(values) or values[at + 1] is None)
        parts.append(f"M{x - 2:.1f},{y:.1f}h4" if alone else f"{'L' if before is not None else 'M'}{x:.1f},{y:.1f}")
        before = value
    return "".join(parts)


def round_step(highest: int) -> int:
    """A round number of which three or four reach the highest."""
    raw = max(highest / 3, 1)
    size: int = 10 ** (len(str(int(raw))) - 1)
    return next(factor * size for factor in _STEPS if factor * size >= raw)


def up_to(value: int, step: int) -> int:
    """The next whole number of steps; none for nothing."""
    return -(-value // step) * step


def left_label(y: float, text: str) -> PlotLabel:
    """What a line of the grid stands for."""
    return PlotLabel(f"{LEFT - 8:.1f}", f"{y + 4:.1f}", text, "end")


def foot_labels(start: datetime, end: datetime) -> list[PlotLabel]:
    """The time at the start, in the middle and at the end."""
    form = _form(end - start)
    places: tuple[tuple[float, datetime, str], ...] = (
        (0.0, start, "start"),
        (0.5, start + (end - start) / 2, "middle"),
        (1.0, end, "end"),
    )
    return [
        PlotLabel(f"{LEFT + place * (WIDTH - LEFT):.1f}", f"{HEIGHT - 6:.1f}", format(at, form), anchor)
        for place, at, anchor in places
    ]


def _form(span: timedelta) -> str:
    return "%H:%M" if span <= timedelta(days=1) else "%d %b %H:%M" if span <= timedelta(days=8) else "%d %b"


def share(value: float | None) -> str:
    """``99.98 %``, or a dash when there is nothing to divide by."""
    return NONE if value is None else f"{percent(value)} %"
