"""How much of what banks and rails told was matched, day by day. Drawn on the server, from 0 to 100 per cent."""

from collections.abc import Sequence
from datetime import UTC, datetime, time
from typing import Final

from console.presenters.finance import columns, number, row, share, sheet
from console.presenters.finance import day as day_cell
from console.presenters.health import BOTTOM, HEIGHT, LEFT, TOP, WIDTH, foot_labels, left_label
from console.presenters.words import grouped
from console.types.finance import Sheet
from console.types.plots import Chart
from zentra.reconciliation.matching.types import DayRate

_TICKS: Final = (0, 25, 50, 75, 100)


def rate_chart(points: Sequence[DayRate]) -> Chart:
    """The share of each day's lines that are matched; days without lines are not drawn."""
    title = "Matched, of the lines booked each day"
    known = [point for point in points if point.lines]
    if not known:
        return Chart(title, "No line was booked in this time.")
    floor, scale = HEIGHT - BOTTOM, (HEIGHT - BOTTOM - TOP) / 100
    start, end = known[0].day, known[-1].day
    span = max((end - start).days, 1)
    places = [
        (LEFT + (point.day - start).days / span * (WIDTH - LEFT), floor - point.matched * 100 / point.lines * scale)
        for point in known
    ]
    line = "".join(f"{'M' if at == 0 else 'L'}{x:.1f},{y:.1f}" for at, (x, y) in enumerate(places))
    lines, matched = sum(point.lines for point in known), sum(point.matched for point in known)
    return Chart(
        title=title,
        words=f"{grouped(matched)} of {grouped(lines)} lines, {share(matched, lines)}",
        height=f"{HEIGHT:.0f}",
        zero=f"{floor:.1f}",
        first=f"{line}h4" if len(known) == 1 else line,
        grid=tuple(f"{floor - tick * scale:.1f}" for tick in _TICKS if tick),
        labels=(
            *(left_label(floor - tick * scale, f"{tick} %") for tick in _TICKS),
            *foot_labels(datetime.combine(start, time(), UTC), datetime.combine(end, time(), UTC)),
        ),
    )


def rate_sheet(points: Sequence[DayRate]) -> Sheet:
    """The same figures as rows, newest first."""
    return sheet(
        "Lines and matches by day",
        columns("Day", "Lines|r", "Matched|r", "Share|r"),
        (
            row(
                f"{point.day:%Y-%m-%d}",
                day_cell(point.day),
                number(point.lines),
                number(point.matched),
                share(point.matched, point.lines),
            )
            for point in reversed(points)
            if point.lines
        ),
    )
