"""Bring many schemas to the head at once, each by a worker process; what goes wrong with one stops no other."""

import json
import os
import queue
import subprocess
import sys
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from zentra.core import ids, schema
from zentra.core.clock import now
from zentra.core.schema import Owner
from zentra.core.tenancy import PLATFORM_SCHEMA
from zentra.tenants.schemas.heads import SchemaState, list_states
from zentra.tenants.schemas.working import ensure_platform_row

_MANAGE: Final = Path(__file__).resolve().parents[3] / "manage.py"
_ROUNDS: Final = 3
"""A workspace that is made from the template meanwhile may be behind when the list is done."""

Say = Callable[[str], None]


@dataclass(slots=True)
class Report:
    """What became of each schema: what was done, or why it failed."""

    looked_at: int = 0
    done: dict[str, str] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)


def bring_all_to_head(owner: Owner, *, jobs: int, say: Say, tenants_only: bool = False) -> Report:
    """Public, the template, the platform's row, then every workspace in parallel. ``owner`` is in autocommit.

    Stops before the workspaces when public or the template fail, since these are what a workspace stands on.
    """
    report = Report()
    first = [each for each in list_states(owner)[:2] if each.is_behind]
    if first and tenants_only:
        report.failed = {each.name: "It is behind; run migrate_all first." for each in first}
        return report
    _run([each.name for each in first], 1, report, say)
    if report.failed:
        return report
    if not tenants_only:
        ensure_platform_row(owner, values=(ids.new_uuid(), PLATFORM_SCHEMA, PLATFORM_SCHEMA, now()))
    for _ in range(_ROUNDS):
        states = list_states(owner)
        report.looked_at = len(states)
        behind = [each.name for each in states if _is_left(each, report)]
        if not behind:
            break
        _run(behind, jobs, report, say)
    return report


def _is_left(state: SchemaState, report: Report) -> bool:
    return state.is_behind and state.name not in (schema.PUBLIC, schema.TEMPLATE_SCHEMA, *report.failed)


def _run(names: Sequence[str], jobs: int, report: Report, say: Say) -> None:
    waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
    for name in names:
        waiting.put(name)
    lock = threading.Lock()

    def tell(name: str, answer: dict[str, str]) -> None:
        with lock:
            kept = report.failed if "failed" in answer else report.done
            kept[name] = answer.get("failed") or answer["done"]
            count = sum(1 for each in names if each in report.done or each in report.failed)
            say(f"{count}/{len(names)} {name}: {'failed: ' if 'failed' in answer else ''}{kept[name]}")

    threads = [threading.Thread(target=_feed, args=(waiting, tell), daemon=True) for _ in range(min(jobs, len(names)))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _feed(waiting: "queue.SimpleQueue[str]", tell: Callable[[str, dict[str, str]], None]) -> None:
    """One worker process and the schemas that it is given, one by one; a worker that dies is replaced."""
    worker: subprocess.Popen[str] | None = None
    try:
        while True:
            try:
                name = waiting.get_nowait()
            except queue.Empty:
                return
            if worker is None or worker.poll() is not None:
                worker = _start()
            tell(name, _ask(worker, name))
    finally:
        if worker is not None:
            if worker.stdin is not None:
                worker.stdin.close()
            worker.wait()


def _start() -> "subprocess.Popen[str]":
    """A worker ends when what feeds it does, however that ended: it then reads the end of its input."""
    environment = dict(os.environ) | {"ZENTRA_DATABASE_ROLE": "owner"}
    return subprocess.Popen(
        [sys.executable, str(_MANAGE), "migrate_tenants", "--worker", "--skip-checks"],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True, bufsize=1,
    )  # fmt: skip


def _ask(worker: "subprocess.Popen[str]", name: str) -> dict[str, str]:
    if worker.stdin is None or worker.stdout is None:
        raise RuntimeError("The worker has no pipes.")
    try:
        worker.stdin.write(f"{name}\n")
        worker.stdin.flush()
        line = worker.stdout.readline()
        answer: dict[str, str] = json.loads(line)
    except (OSError, ValueError):
        worker.kill()
        return {"failed": "its worker process ended; run it again"}
    return answer
