"""Who is started again because it is silent, and who is not."""

from __future__ import annotations

import pytest

from zentra.embedded.health import WEB_SILENT_SECONDS, WORKER_SILENT_SECONDS, Health, HealthWatch


class Watched:
    """A watch with a clock of its own, and what it asked to be restarted."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self.restarted: list[str] = []
        self.watch = HealthWatch(0, self.restarted.append, lambda _: None, clock=lambda: self.seconds)

    def hears(self, health: Health, *, for_seconds: float) -> None:
        until = self.seconds + for_seconds
        while self.seconds <= until:
            self.watch.judge(health)
            self.seconds += 3.0


def answer(*failing: str) -> Health:
    return Health(503 if failing else 200, {name: {"ok": False} for name in failing})


@pytest.fixture
def watched() -> Watched:
    return Watched()


def test_healthy_processes_are_left_alone(watched: Watched) -> None:
    watched.hears(answer(), for_seconds=600)

    assert watched.restarted == []


def test_silent_worker_is_started_again_once_per_silence(watched: Watched) -> None:
    watched.hears(answer("worker"), for_seconds=WORKER_SILENT_SECONDS + 10)

    assert watched.restarted == ["worker"]


def test_silent_watch_is_started_again(watched: Watched) -> None:
    watched.hears(answer("watch"), for_seconds=WORKER_SILENT_SECONDS + 10)

    assert watched.restarted == ["watch"]


def test_worker_that_comes_back_in_time_is_left_alone(watched: Watched) -> None:
    watched.hears(answer("worker"), for_seconds=WORKER_SILENT_SECONDS - 10)
    watched.hears(answer(), for_seconds=10)
    watched.hears(answer("worker"), for_seconds=WORKER_SILENT_SECONDS - 10)

    assert watched.restarted == []


@pytest.mark.parametrize("ground", ["database", "redis"])
def test_worker_is_not_blamed_for_the_ground_under_it(watched: Watched, ground: str) -> None:
    watched.hears(answer("worker", ground), for_seconds=600)

    assert watched.restarted == []


def test_web_that_does_not_answer_is_started_again(watched: Watched) -> None:
    watched.hears(Health(0), for_seconds=WEB_SILENT_SECONDS + 10)

    assert watched.restarted == ["web"]
