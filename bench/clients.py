"""Client processes that do one thing as often as they can while somebody counts, and the ground they do it on."""

import multiprocessing
import os
import time
from collections.abc import Callable
from multiprocessing.synchronize import Event
from typing import Final

from zentra.embedded.accounts import service_account
from zentra.embedded.postgres import PostgresServer
from zentra.embedded.testing import PASSWORD, ThrowAwayGround

ROUNDS: Final = 5
SECONDS: Final = float(os.environ.get("ZENTRA_BENCH_SECONDS", "2"))
WARM_UP: Final = 0.5

Step = Callable[[], object]


class DurableGround(ThrowAwayGround):
    """A throw-away server that waits for the disk, as one in production does."""

    @property
    def postgres(self) -> PostgresServer:
        """The session's PostgreSQL, durable."""
        return PostgresServer(
            self.path / "postgres", PASSWORD, major=self.major, account=service_account(), durable=True
        )


def measure_rate(
    make_step: Callable[[int], Step], *, clients: int, beside: Callable[[Event], None] | None = None
) -> float:
    """Steps per second of all clients together, after a warm-up. Each client is a process of its own.

    ``make_step`` runs in the client's process, with its number. ``beside`` runs in one more process until it is told
    to stop.
    """
    context = multiprocessing.get_context("fork")
    start, stop, counts = context.Event(), context.Event(), context.Array("q", clients, lock=False)

    def client(number: int) -> None:
        step, done = make_step(number), 0
        while not start.is_set():
            step()
        while not stop.is_set():
            step()
            done += 1
        counts[number] = done

    processes = [context.Process(target=client, args=(number,), daemon=True) for number in range(clients)]
    if beside is not None:
        processes.append(context.Process(target=beside, args=(stop,), daemon=True))
    for process in processes:
        process.start()
    time.sleep(WARM_UP)
    start.set()
    began = time.perf_counter()
    time.sleep(SECONDS)
    stop.set()
    elapsed = time.perf_counter() - began
    for process in processes:
        process.join()
    if any(process.exitcode for process in processes):
        raise SystemExit("A client failed; its error stands above.")
    return float(sum(counts)) / elapsed
