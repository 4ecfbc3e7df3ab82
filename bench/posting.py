"""Postings per second, as ratios to what the same server does at best. Run ``python -m bench.posting``.

What each kind of client does stands in ``bench.work``. All that is compared takes its turn in each round, on one
durable server with its defaults for commits; a figure is the median of five rounds, with the lowest and the highest.
The sequencer runs beside whatever posts.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from bench.clients import ROUNDS, SECONDS, measure_rate
from bench.workspace import bench_workspace, leave_connections

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

CLIENTS: Final = 16
BATCH: Final = 100
Round = dict[str, float]


@dataclass(frozen=True)
class Figure:
    """A ratio of two rates of the same round, and what it should be at least."""

    words: str
    kind: str
    base: str
    aim: float | None = None
    times: int = 1
    """Postings in one step of ``kind``."""

    def line(self, rounds: list[Round]) -> str:
        """The figure as it is printed."""
        ratios = sorted(each[self.kind] * self.times / each[self.base] for each in rounds)
        median = statistics.median(ratios)
        aim = "" if self.aim is None else f"   aim {self.aim:g}: {'met' if median >= self.aim else 'NOT MET'}"
        return f"{self.words:<64} {median:5.2f} ({ratios[0]:.2f} to {ratios[-1]:.2f}){aim}"


FIGURES: Final = (
    Figure("posting, of one statement that writes the same rows unchecked", "posting", "unchecked", 0.6),
    Figure("posting, of that statement when its bytes lie ready", "posting", "unchecked, bytes ready"),
    Figure("posting, of single-row commits", "posting", "single", 0.28),
    Figure("posting through the API's operations, of single-row commits", "operations", "single"),
    Figure("batch of 100, of single postings (postings/s)", "batch", "posting", 3.0, BATCH),
    Figure("batch through the API's operations, of single ones there", "operations batch", "operations", 3.0, BATCH),
    Figure("all on one hot account (deferred), of spread", "hot", "posting", 0.5),
    Figure("customers (immediate) to one hot account (deferred), of spread", "settlement", "immediate", 0.5),
    Figure("all on one hot account (immediate, row lock), of spread", "hot immediate", "immediate"),
    Figure("one hot account: row lock, of deferred", "hot immediate", "hot"),
)
FEW_CLIENTS: Final = (
    Figure("posting, of one statement that writes the same rows unchecked", "posting", "unchecked"),
    Figure("posting, of single-row commits", "posting", "single"),
)


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, measure, stop it; says each line as it is known."""
    with bench_workspace("bench_posting") as workspace:
        say(f"{ROUNDS} interleaved rounds of {SECONDS:g} s each: median (lowest to highest round)")
        for clients in (1, 4):
            _measure(workspace, clients, FEW_CLIENTS, say)
        _measure(workspace, CLIENTS, FIGURES, say)
        _measure_sequencer(workspace, say)


def _measure(workspace: "TenantRef", clients: int, figures: tuple[Figure, ...], say: Callable[[str], None]) -> None:
    kinds = list(dict.fromkeys(kind for figure in figures for kind in (figure.base, figure.kind)))
    rounds = [{kind: rate(workspace, kind, clients=clients) for kind in kinds} for _ in range(ROUNDS)]
    rates = ", ".join(f"{kind} {statistics.median(each[kind] for each in rounds):.0f}" for kind in kinds)
    say(f"{clients} clients, steps/s: {rates}")
    for figure in figures:
        say("  " + figure.line(rounds))


def rate(workspace: "TenantRef", kind: str, *, clients: int) -> float:
    """Steps per second of one kind of client."""
    from bench import work

    leave_connections()
    beside = None if kind in work.WITHOUT_SEQUENCER else partial(work.sequence, workspace)
    return measure_rate(partial(work.STEPS[kind], workspace), clients=clients, beside=beside)


def _measure_sequencer(workspace: "TenantRef", say: Callable[[str], None]) -> None:
    from bench import sequencing

    rates = sorted(sequencing.rate(workspace) for _ in range(ROUNDS))
    say(
        f"sequencer, entries/s of one hot account, nothing else running: {statistics.median(rates):.0f}"
        f" ({rates[0]:.0f} to {rates[-1]:.0f})"
    )


if __name__ == "__main__":
    measure()
