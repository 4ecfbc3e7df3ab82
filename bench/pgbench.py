"""``bench/posting.sql`` under pgbench, on a throw-away server: the posting path without any Python. See the README.

Run ``python -m bench.pgbench``. It prints the rates and, for 16 clients, the ratios; all scripts take turns.
"""

import os
import re
import statistics
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.clients import ROUNDS, SECONDS
from bench.posting import Figure, Round
from bench.workspace import ACCOUNTS, bench_workspace, leave_connections
from zentra.embedded.wheels import postgres_binaries

if TYPE_CHECKING:
    from zentra.core.tenancy import TenantRef

HERE: Final = Path(__file__).parent
CLIENTS: Final = (1, 4, 16)
# Name: the script, and how many accounts are debited.
SCRIPTS: Final = {
    "single": ("single.sql", ACCOUNTS),
    "unchecked": ("unchecked.sql", ACCOUNTS),
    "posting": ("posting.sql", ACCOUNTS),
    "hot": ("posting.sql", 1),
}
FIGURES: Final = (
    Figure("posting.sql, of the same rows unchecked", "posting", "unchecked", 0.6),
    Figure("posting.sql, of single-row commits", "posting", "single", 0.28),
    Figure("posting.sql on one hot account, of spread", "hot", "posting", 0.5),
)
_TPS: Final = re.compile(r"^tps = ([0-9.]+)", re.MULTILINE)


def measure(*, say: Callable[[str], None] = print) -> None:
    """Start a server, run every script with 1, 4 and 16 clients in turn, stop it."""
    with bench_workspace("bench_pgbench") as workspace:
        for clients in CLIENTS:
            rounds = [{name: _rate(workspace, name, clients) for name in SCRIPTS} for _ in range(ROUNDS)]
            _say(clients, rounds, say)


def _say(clients: int, rounds: list[Round], say: Callable[[str], None]) -> None:
    rates = ", ".join(f"{name} {statistics.median(each[name] for each in rounds):.0f}" for name in SCRIPTS)
    say(f"pgbench, {clients} clients, transactions/s: {rates}")
    if clients == max(CLIENTS):
        for figure in FIGURES:
            say("  " + figure.line(rounds))


def _rate(workspace: "TenantRef", name: str, clients: int) -> float:
    script, accounts = SCRIPTS[name]
    argv = [
        str(postgres_binaries(major=18, account=None) / "pgbench"),
        *("--no-vacuum", "--protocol", "prepared", "--file", str(HERE / script), "--define", f"accounts={accounts}"),
        *("--client", str(clients), "--jobs", str(min(clients, 2)), "--time", str(max(1, round(SECONDS)))),
        os.environ["ZENTRA_DATABASE_URL"],
    ]
    env = dict(os.environ) | {"PGOPTIONS": f"-c search_path={workspace.schema}"}
    with _sequencer(workspace):
        result = subprocess.run(argv, env=env, capture_output=True, text=True, check=False)
    found = _TPS.search(result.stdout)
    if result.returncode != 0 or found is None:
        raise SystemExit(f"pgbench failed:\n{result.stdout}{result.stderr}")
    return float(found[1])


@contextmanager
def _sequencer(workspace: "TenantRef") -> Iterator[None]:
    """Entries get their places meanwhile, as in production."""
    from bench import work

    leave_connections()
    context = get_context("fork")
    stop = context.Event()
    process = context.Process(target=partial(work.sequence, workspace, stop), daemon=True)
    process.start()
    try:
        yield
    finally:
        stop.set()
        process.join()


if __name__ == "__main__":
    measure()
