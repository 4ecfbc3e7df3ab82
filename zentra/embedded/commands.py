"""What can be asked from elsewhere while `up` runs in another terminal: stop it, look at it, use its addresses."""

from __future__ import annotations

import os
import signal
import time

from zentra.embedded.accounts import service_account
from zentra.embedded.console import Console
from zentra.embedded.demo import code_of
from zentra.embedded.errors import EmbeddedError
from zentra.embedded.files import read_json
from zentra.embedded.health import ask_health
from zentra.embedded.layout import Layout
from zentra.embedded.processes import Identity, recorded, wait_until_gone
from zentra.embedded.supervisor import end_orphans, hold_lock
from zentra.embedded.up import describe_running

STOP_SECONDS = 120.0


def go_down(layout: Layout, console: Console) -> int:
    """Stop what runs in this clone, and what a killed run left. 0 also when nothing runs."""
    supervisor = recorded(layout.supervisor_record)
    if supervisor is not None:
        _stop(supervisor, console)
        return 0
    if not layout.run_dir.is_dir():
        console.say("nothing runs here")
        return 0
    lock = hold_lock(layout.run_dir / "lock")
    if lock is None:
        raise EmbeddedError(describe_running(layout))
    try:
        if not end_orphans(layout.run_dir, say=console.say):
            console.say("nothing runs here")
    finally:
        os.close(lock)
    return 0


def reset(layout: Layout, console: Console) -> int:
    """Stop what runs and delete this clone's data, secrets and logs. A PostgreSQL of your own is left as it is."""
    go_down(layout, console)
    for path in layout.remove(service_account()):
        console.say(f"deleted {path}")
    if os.environ.get("ZENTRA_OWNER_DATABASE_URL"):
        console.say("the database that ZENTRA_OWNER_DATABASE_URL names is yours; it was not touched")
    console.say("the next `make up` starts anew")
    return 0


def show_code(layout: Layout, console: Console, email: str) -> int:
    """The one-time code of a demo person now. 1 when the demo knows no secret of theirs."""
    code = code_of(read_json(layout.demo_file), email=email, at=time.time())
    console.plain(code or f"{email} has no authenticator in {layout.demo_file}.")
    return 0 if code else 1


def show_status(layout: Layout, console: Console) -> int:
    """What runs, one line each. The exit status is 0 when Zentra is ready, 1 when it is not, 3 when it does not run."""
    supervisor = recorded(layout.supervisor_record)
    if supervisor is None:
        console.plain("Zentra does not run here.")
        return 3
    running = read_json(layout.supervisor_record)
    console.plain(f"Zentra runs at {running['base_url']} (pid {supervisor.pid}); logs in {running['log_dir']}")
    for path in sorted(layout.run_dir.glob("*.child.json")):
        identity = recorded(path)
        state = f"pid {identity.pid}" if identity else "not running"
        console.plain(f"  {path.name.removesuffix('.child.json'):<10} {state}")
    health = ask_health(int(running["base_url"].rpartition(":")[2]))
    console.plain("  ready" if health.is_ready else f"  {health.in_words()}")
    return 0 if health.is_ready else 1


def run_beside(layout: Layout, words: list[str]) -> int:
    """Become `words`, with the ZENTRA_* variables of the present run."""
    if not words:
        raise EmbeddedError("Which command? For example: python -m zentra.embedded run python manage.py shell")
    if recorded(layout.supervisor_record) is None:
        raise EmbeddedError("Zentra does not run here; `make up` starts it.")
    environment = dict(os.environ) | {name: str(value) for name, value in read_json(layout.environment_file).items()}
    try:
        os.execvpe(words[0], words, environment)  # noqa: S606 - the person's own command
    except OSError as error:
        raise EmbeddedError(f"{words[0]} cannot be run: {error.strerror}") from error


def _stop(supervisor: Identity, console: Console) -> None:
    console.say(f"stopping pid {supervisor.pid}")
    try:
        os.kill(supervisor.pid, signal.SIGTERM)
    except PermissionError as error:
        raise EmbeddedError(
            f"Zentra was started by another user (pid {supervisor.pid}); stop it as that user."
        ) from error
    started = time.monotonic()
    while not wait_until_gone(supervisor, seconds=5.0):
        waited = time.monotonic() - started
        console.say(f"still stopping ({waited:.0f} s)")
        if waited > STOP_SECONDS:
            raise EmbeddedError(f"pid {supervisor.pid} does not stop; its log directory says more.")
    console.say("stopped")
