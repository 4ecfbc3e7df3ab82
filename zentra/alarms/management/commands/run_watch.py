"""``manage.py run_watch``: look for what people must know, and tell them."""

import signal
import threading
import time
from argparse import ArgumentParser
from collections.abc import Callable
from typing import Any, Final

import structlog
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connection

from zentra.alarms.watch import Lookout, Messenger

ROUND_SECONDS: Final = 1.0

log = structlog.get_logger(__name__)


class Command(BaseCommand):
    """Runs until it is told to stop. A kill at any moment loses nothing, and a second one beside it doubles nothing.

    Looking and sending are two threads, so that a mail server that takes its time delays no look.
    """

    help = "Raise, remind of and clear alarms in every workspace, and send their mails and webhooks."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--once", action="store_true", help="one look at everything, send what is due, exit")

    def handle(self, *args: Any, **options: Any) -> None:
        lookout, messenger = Lookout(), Messenger()
        if options["once"]:
            lookout.run_round(at_once=True)
            messenger.run_round()
            return
        stop, news = threading.Event(), threading.Event()

        def end(*_: object) -> None:
            stop.set()
            news.set()

        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, end)
        log.info("watch.started")
        sender = threading.Thread(target=_repeat, args=("sending", messenger.run_round, stop, news), daemon=True)
        sender.start()

        def look() -> None:
            if lookout.run_round():
                news.set()

        _repeat("looking", look, stop, stop)
        # What is being sent at this moment is finished, or sent again by the next process when its lease ends.
        sender.join(timeout=5.0)
        log.info("watch.stopped")


def _repeat(name: str, run: Callable[[], object], stop: threading.Event, wake: threading.Event) -> None:
    """A round a second, and at once when there is news; what goes wrong ends the round, never the process."""
    while not stop.is_set():
        started = time.monotonic()
        if wake is not stop:
            wake.clear()
        try:
            run()
        except DatabaseError as error:
            log.warning("watch.database_away", part=name, error=str(error).strip()[:200])
        except Exception as error:  # noqa: BLE001  # nobody watches the watch but its heartbeat
            log.error("watch.round_failed", part=name, error=repr(error))
        finally:
            connection.close()
        wake.wait(max(0.05, ROUND_SECONDS - (time.monotonic() - started)))
