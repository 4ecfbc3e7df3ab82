"""``manage.py webhooks_listen``: see and verify events on this machine while you build a consumer."""

import json
import signal
import threading
from argparse import ArgumentParser
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from django.core.management.base import BaseCommand, CommandError

from webhooks.listening.diagnosis import Keys
from webhooks.listening.server import Arrival, Listener
from webhooks.operations import create_endpoint, remove_endpoint
from webhooks.queries import list_endpoints
from zentra.core import actors, clock
from zentra.core.errors import DomainError
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.sdk import WebhookEvent
from zentra.tenants.queries import find_workspace

_DESCRIPTION: Final = "webhooks_listen"
_REASON: Final = "webhooks_listen has ended"


class Command(BaseCommand):
    """Runs until Ctrl-C. What a delivery that fails to verify did wrong is said under it; -v 2 shows bodies too."""

    help = "Listen for webhooks on this machine: print each event, verify it, say why a signature fails."

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **options)
        self._lock = threading.Lock()
        self._saved = 0

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--host", default="127.0.0.1")
        parser.add_argument("--port", type=int, default=8093, help="0 takes a free one")
        parser.add_argument(
            "--secret", action="append", default=[], metavar="whsec_…", help="several while they rotate"
        )
        parser.add_argument("--public-key", action="append", default=[], metavar="whpk_…")
        parser.add_argument("--forward", metavar="URL", help="pass on what verifies, and answer what it answers")
        parser.add_argument("--save", type=Path, metavar="DIRECTORY", help="keep each delivery there as a JSON file")
        parser.add_argument("--workspace", metavar="SLUG", help="a sandbox: make an endpoint there while this runs")
        parser.add_argument(
            "--events", action="append", default=[], metavar="TYPE", help="with --workspace: only these"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        server = Listener(
            (options["host"], options["port"]),
            keys=Keys(options["secret"], options["public_key"]),
            tell=lambda arrival: self._take(arrival, options),
            forward=options["forward"],
        )
        with server, self._subscribed(server, options):
            if not server.keys.secrets and not server.keys.public_keys:
                raise CommandError(
                    "Say --secret whsec_…, --public-key whpk_…, or --workspace to have an endpoint made."
                )
            self.stdout.write(f"listening on {_url(server)}; Ctrl-C ends it")
            self.stdout.flush()
            _serve(server)

    @contextmanager
    def _subscribed(self, server: Listener, options: dict[str, Any]) -> Iterator[None]:
        """A temporary endpoint of a sandbox workspace, removed at the end, whatever ends it."""
        slug = options["workspace"]
        if slug is None:
            yield
            return
        workspace = _sandbox(slug)
        endpoint_id, secret = _subscribe(workspace, _url(server), tuple(options["events"]) or ("*",))
        server.keys = Keys([*server.keys.secrets, secret], server.keys.public_keys)
        self.stdout.write(f"{endpoint_id} of {slug} delivers here while this runs, signed with {secret}")
        try:
            yield
        finally:
            with tenant_work(workspace):
                remove_endpoint(endpoint_id=endpoint_id, reason=_REASON, actor=actors.EVENTS, now=clock.now())
            self.stdout.write(f"{endpoint_id} is removed; what was not delivered stays there")

    def _take(self, arrival: Arrival, options: dict[str, Any]) -> None:
        """One line an arrival, and its file; arrivals come from several threads."""
        with self._lock:
            self._tell(arrival, is_whole=options["verbosity"] > 1)
            if options["save"] is not None:
                self._saved += 1
                path = options["save"] / f"{self._saved:05}.json"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(json.dumps(arrival.as_dict(), indent=1) + "\n", encoding="utf-8")

    def _tell(self, arrival: Arrival, *, is_whole: bool) -> None:
        at = datetime.now(UTC).strftime("%H:%M:%S.%f")[:-3]
        answered = f"{arrival.status} in {arrival.took_ms} ms"
        if arrival.forwarded_to:
            answered += f" from {arrival.forwarded_to}"
        finding = arrival.finding
        if finding.event is None:
            self.stdout.write(f"{at}  {self.style.ERROR('refused')}  {finding.error}  {answered}")
            for hint in finding.hints:
                self.stdout.write(f"{'':14}{self.style.WARNING(hint)}")
        else:
            mark = self.style.SUCCESS("ok") if arrival.status < 300 else self.style.WARNING("failed")
            self.stdout.write(f"{at}  {mark}  {_words(finding.event, self)}  {len(arrival.body)} B  {answered}")
        if is_whole:
            self.stdout.write(_body(arrival))
        self.stdout.flush()


def _words(event: WebhookEvent, command: BaseCommand) -> str:
    parts = [
        "unplaced" if event.sequence is None else f"#{event.sequence}",
        command.style.MIGRATE_HEADING(event.type),
        event.get("intent_id"),
        event.id,
        None if event.attempt in {None, 1} else command.style.WARNING(f"attempt {event.attempt}"),
    ]
    return "  ".join(str(part) for part in parts if part)


def _body(arrival: Arrival) -> str:
    headers = "".join(f"  {name.lower()}: {value}\n" for name, value in arrival.headers)
    if arrival.finding.event is None:
        return headers + f"  {arrival.body[:4000]!r}"
    return headers + json.dumps(arrival.finding.event.to_dict(), indent=2, ensure_ascii=False)


def _sandbox(slug: str) -> TenantRef:
    workspace = find_workspace(slug=slug)
    if workspace is None:
        raise CommandError(f"There is no workspace {slug}.")
    if workspace.mode != "sandbox":
        raise CommandError(f"{slug} is live: its events do not belong on a developer's machine. Use a sandbox.")
    return workspace


def _subscribe(workspace: TenantRef, url: str, events: tuple[str, ...]) -> tuple[str, str]:
    """A new endpoint's id and secret. One that an earlier run left at this address, killed before its end, goes."""
    with tenant_work(workspace):
        for left in list_endpoints():
            if left.description == _DESCRIPTION and left.url == url:
                remove_endpoint(endpoint_id=left.id, reason=_REASON, actor=actors.EVENTS, now=clock.now())
    try:
        with tenant_work(workspace):
            created = create_endpoint(
                url=url, event_filter=events, description=_DESCRIPTION, actor=actors.EVENTS, now=clock.now()
            )
    except DomainError as error:
        raise CommandError(f"{error.title}: {error.detail}") from error
    return created.endpoint.id, created.secret


def _serve(server: Listener) -> None:
    def stop(*_: object) -> None:
        # shutdown() waits for serve_forever, which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    previous = {number: signal.signal(number, stop) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)


def _url(server: Listener) -> str:
    host, port = server.server_address[:2]
    return f"http://{host!s}:{port}/"
