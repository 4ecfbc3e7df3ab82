"""Wake a worker without making anybody wait.

A publish to Redis can block for ever when the network is away, and costs more than the posting it announces. So a
commit only raises a flag; a thread of the process sends one wake-up for all flags raised since its last. A lost
wake-up costs latency: beat drains the queue every second.
"""

import logging
import threading

from zentra.core.queue.broker import send_wake_up

_flag = threading.Event()
_lock = threading.Lock()
_thread: threading.Thread | None = None
PAUSE_SECONDS = 0.02
logger = logging.getLogger(__name__)


def wake() -> None:
    """Have a worker look at the queue soon. Returns at once."""
    _flag.set()
    if _thread is None or not _thread.is_alive():
        _start()


def _start() -> None:
    global _thread
    with _lock:
        if _thread is None or not _thread.is_alive():
            _thread = threading.Thread(target=_run, name="zentra-wake", daemon=True)
            _thread.start()


def _run() -> None:
    pause = threading.Event()
    while True:
        _flag.wait()
        _flag.clear()
        try:
            send_wake_up()
        except Exception as error:  # noqa: BLE001  # whatever the broker raises, the queue in PostgreSQL remains
            logger.warning("No worker was woken: %s", error)
            pause.wait(1)
        pause.wait(PAUSE_SECONDS)
