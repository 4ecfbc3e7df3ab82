"""A balance's course as an SVG: steps, because a balance stands until the next entry. Drawn on the server."""

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Final

from console.presenters.words import grouped, short
from console.types.ledger import Plot, PlotLabel
from ledger.queries import Point

WIDTH: Final = 960.0
HEIGHT: Final = 220.0
LEFT: Final = 64.0
BOTTOM: Final = 24.0
TOP: Final = 10.0
ROWS: Final = 60
_STEPS: Final = (1, 2, 2.5, 5, 10)
Scale = Callable[[float], float]


def draw(points: Sequence[Point], *, currency: str) -> Plot:
    """The paths, axes and rows of a course; empty when there is nothing to draw."""
    if len(points) < 2:
        return Plot(words="There is no course to draw yet.")
    values = [value for point in points for value in (point.posted_minor, point.available_minor)]
    ticks = _ticks(min(0, *values), max(0, *values))
    low, high = ticks[0], ticks[-1]
    start, end = points[0].at, points[-1].at
    span = max((end - start).total_seconds(), 1.0)

    def across(at: datetime) -> float:
        return LEFT + (at - start).total_seconds() / span * (WIDTH - LEFT)

    def up(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / ((high - low) or 1) * (HEIGHT - BOTTOM - TOP)

    posted = _stairs([(across(point.at), up(point.posted_minor)) for point in points])
    differs = any(point.posted_minor != point.available_minor for point in points)
    available = _stairs([(across(point.at), up(point.available_minor)) for point in points]) if differs else ""
    return Plot(
        posted=posted,
        area=f"{posted} L{WIDTH:.1f},{up(0):.1f} L{LEFT:.1f},{up(0):.1f}Z",
        available=available,
        zero=f"{up(0):.1f}",
        grid=tuple(f"{up(tick):.1f}" for tick in ticks),
        labels=(*_left_labels(ticks, up), *_foot_labels(start, end)),
        rows=_rows(points),
        words=_words(points, currency),
    )


def _stairs(points: Sequence[tuple[float, float]]) -> str:
    first_x, before = points[0]
    parts = [f"M{first_x:.1f},{before:.1f}"]
    for x, y in points[1:]:
        parts.append(f"H{x:.1f}" if y == before else f"H{x:.1f}V{y:.1f}")
        before = y
    return "".join(parts)


def _ticks(low: float, high: float) -> list[int]:
    """Four or five round numbers from below the lowest to above the highest."""
    raw = max(high - low, 4) / 4
    size = 10 ** (len(str(int(raw))) - 1)
    step = next(int(factor * size) for factor in _STEPS if factor * size >= raw and factor * size == int(factor * size))
    first = int(low // step) * step
    ticks = [first]
    while ticks[-1] < high:
        ticks.append(ticks[-1] + step)
    return ticks


def _left_labels(ticks: Sequence[int], up: Scale) -> list[PlotLabel]:
    return [PlotLabel(f"{LEFT - 8:.1f}", f"{up(tick) + 3.5:.1f}", short(tick), "end") for tick in ticks]


def _foot_labels(start: datetime, end: datetime) -> list[PlotLabel]:
    span = end - start
    form = "%d %b %H:%M" if span <= timedelta(days=8) else "%d %b" if span <= timedelta(days=200) else "%b %Y"
    places = (0.0, 0.25, 0.5, 0.75, 1.0)
    anchors = ("start", "middle", "middle", "middle", "end")
    return [
        PlotLabel(
            f"{LEFT + place * (WIDTH - LEFT):.1f}", f"{HEIGHT - 6:.1f}", format(start + span * place, form), anchor
        )
        for place, anchor in zip(places, anchors, strict=True)
    ]


def _rows(points: Sequence[Point]) -> tuple[tuple[str, str, str], ...]:
    """Those points at which something changed, the last ones when they are many."""
    told: list[Point] = []
    for point in points:
        if (
            not told
            or (point.posted_minor, point.available_minor) != (told[-1].posted_minor, told[-1].available_minor)
            or point is points[-1]
        ):
            told.append(point)
    return tuple(
        (f"{point.at:%d %b %Y %H:%M}", grouped(point.posted_minor), grouped(point.available_minor))
        for point in told[-ROWS:]
    )


def _words(points: Sequence[Point], currency: str) -> str:
    first, last = points[0], points[-1]
    return (
        f"{grouped(first.posted_minor)} at {first.at:%d %b %H:%M} to {grouped(last.posted_minor)} {currency}"
        f" at {last.at:%d %b %H:%M} UTC"
    )
