"""`python -m zentra.routing.sandbox --port 8090 --state .zentra/sandbox.sqlite3`: the simulated rails, one process."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path

from zentra.routing.sandbox.callbacks import CallbackOutbox, CallbackSender
from zentra.routing.sandbox.days import Days
from zentra.routing.sandbox.kyc import KycDesk
from zentra.routing.sandbox.scenarios import Timing
from zentra.routing.sandbox.server import SandboxServer, Simulator
from zentra.routing.sandbox.settlements import SettlementDesk
from zentra.routing.sandbox.store import PaymentStore


def parse_arguments(arguments: list[str]) -> argparse.Namespace:
    defaults = Timing()
    parser = argparse.ArgumentParser(prog="python -m zentra.routing.sandbox", description="Simulated payment rails.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (the listings have no password)")
    parser.add_argument("--port", type=int, required=True, help="0 picks a free one and prints it")
    parser.add_argument("--state", type=Path, required=True, help="SQLite file of what was executed")
    parser.add_argument("--rails", default="rail_a,rail_b", help="comma-separated names, each served under /<name>")
    parser.add_argument("--succeed-ms", type=int, default=defaults.succeed_ms)
    parser.add_argument("--settle-ms", type=int, default=defaults.settle_ms)
    parser.add_argument("--late-ms", type=int, default=defaults.late_ms)
    parser.add_argument("--slow-ms", type=int, default=defaults.slow_ms)
    parser.add_argument("--hang-ms", type=int, default=defaults.hang_ms)
    days = Days()
    parser.add_argument("--day-ms", type=int, default=days.day_ms, help="how long a day is: settlement is T+n days")
    parser.add_argument("--settle-days", type=int, default=days.settle_days, help="the n of T+n, at least 1")
    return parser.parse_args(arguments)


def main(arguments: list[str]) -> int:
    options = parse_arguments(arguments)
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(message)s")
    # httpx tells of every request at INFO.
    logging.getLogger("httpx").setLevel(logging.WARNING)
    timing = Timing(options.succeed_ms, options.settle_ms, options.late_ms, options.slow_ms, options.hang_ms)
    store, outbox = PaymentStore(options.state), CallbackOutbox(options.state)
    sender = CallbackSender(outbox)
    kyc = KycDesk(options.state, timing=timing)
    desk = SettlementDesk(options.state, days=Days(options.day_ms, options.settle_days))
    rails = tuple(options.rails.split(","))
    simulator = Simulator(rails=rails, store=store, outbox=outbox, sender=sender, timing=timing, kyc=kyc, desk=desk)
    server = SandboxServer((options.host, options.port), simulator)
    for number in (signal.SIGTERM, signal.SIGINT):
        # shutdown() waits for the loop that this handler interrupts, hence the thread.
        signal.signal(number, lambda *_: threading.Thread(target=server.shutdown).start())
    sender.start()
    print(f"listening on http://{options.host}:{server.server_address[1]} for {', '.join(rails)}", flush=True)
    server.serve_forever(poll_interval=0.1)
    simulator.stop()
    server.server_close()
    sender.stop()
    outbox.close()
    desk.close()
    kyc.close()
    store.close()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
