"""The HTTP face of the simulated rails: one process, each rail under its own path. `docs/routing.md` is its contract.

Every refusal before execution says `"executed": false`; that, and nothing else, allows a client to go elsewhere.
"""

from __future__ import annotations

import base64
import json
import re
import socket
import struct
import sys
import threading
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

from zentra.routing.sandbox.callbacks import CallbackOutbox, CallbackSender, ToldEvent, wall_ms, write_request
from zentra.routing.sandbox.kyc import KycDesk, read_verification, take_verification
from zentra.routing.sandbox.reading import (
    LARGEST_PAGE,
    Call,
    read_event_cursor,
    read_json,
    read_number,
    read_order,
    read_scenario,
    read_scheme,
    read_text,
)
from zentra.routing.sandbox.replies import BadRequest, Reply, check_key, page, refusal
from zentra.routing.sandbox.scenarios import BEHAVIOURS, Answer, Scenario, Timing, plan_payment
from zentra.routing.sandbox.settlement_replies import BANK_ROUTES, RAIL_ROUTES, take_history
from zentra.routing.sandbox.settlements import SettlementDesk
from zentra.routing.sandbox.store import Payment, PaymentStore, StoreRefused, iso

LARGEST_BODY = 64 * 1024
LARGEST_EVENTS_PAGE = 100
# What is on its way at this moment is not missing.
EVENTS_OLDER_THAN_MS = 2_000
IDLE_CONNECTION_SECONDS = 30
REFUSAL_STATUS = {"key_reused": 422, "key_canceled": 410, "connection_unknown": 424}


class Simulator:
    """What the rails do, apart from HTTP. Shared by all connections' threads."""

    def __init__(
        self,
        *,
        rails: tuple[str, ...],
        store: PaymentStore,
        outbox: CallbackOutbox,
        sender: CallbackSender,
        timing: Timing,
        kyc: KycDesk | None = None,
        desk: SettlementDesk | None = None,
    ) -> None:
        self.rails = rails
        self.kyc = kyc
        self.desk = desk
        self._store = store
        self._outbox = outbox
        self._sender = sender
        self._timing = timing
        self._stopping = threading.Event()

    def stop(self) -> None:
        """Wake every request that is being answered slowly."""
        self._stopping.set()

    def hang(self) -> None:
        """Say nothing for as long as a caller that is patient waits."""
        self._stopping.wait(self._timing.hang_ms / 1000)

    def create_payment(self, rail: str, key: str, body: dict[str, Any]) -> Reply:
        """Execute a payment once per key, in the manner of its scenario."""
        order = read_order(key, body)
        scenario = read_scenario(body.get("scenario")) or self._store.default_scenario(rail=rail)
        behaviour = BEHAVIOURS[scenario]
        if not behaviour.executes:
            return self._answer_without_executing(rail, key, behaviour.answer)
        now_ms = wall_ms()
        plan = plan_payment(scenario=scenario, timing=self._timing, executed_ms=now_ms)
        try:
            payment, is_new = self._store.execute(rail=rail, order=order, scenario=scenario, plan=plan, now_ms=now_ms)
        except StoreRefused as error:
            return refusal(REFUSAL_STATUS[error.code], error.code)
        if not is_new:
            return Reply(200, write_payment(payment, now_ms), is_replay=True)
        self._sender.poke()
        if behaviour.answer is Answer.SLOWLY:
            self._stopping.wait(self._timing.slow_ms / 1000)
        return Reply(202, write_payment(payment, now_ms), is_dropped=behaviour.answer is Answer.DROPPED)

    def read_payment(self, rail: str, key: str) -> Reply:
        payment = self._store.find_payment(rail=rail, key=key)
        return refusal(404, "not_found") if payment is None else Reply(200, write_payment(payment, wall_ms()))

    def cancel_payment(self, rail: str, key: str) -> Reply:
        """The fence before failover: after a 200 this key is never executed; 409 says that it already was."""
        now_ms = wall_ms()
        payment = self._store.cancel_key(rail=rail, key=key, now_ms=now_ms)
        if payment is None:
            return Reply(200, {"key": key, "state": "canceled", "executed": False})
        return Reply(409, write_payment(payment, now_ms))

    def register_connection(self, rail: str, body: dict[str, Any]) -> Reply:
        connection_id, callback_url, secret = (read_text(body, n) for n in ("connection_id", "callback_url", "secret"))
        if urlsplit(callback_url).scheme not in ("http", "https"):
            raise BadRequest("callback_url is not an http address")
        scheme, settings = read_scheme(body)
        self._store.register_connection(
            rail=rail,
            connection_id=connection_id,
            callback_url=callback_url,
            secret=secret,
            scheme=scheme,
            settings=settings,
            bank_account=read_text(body, "bank_account") if "bank_account" in body else "",
        )
        self._sender.poke()
        return Reply(200, {"connection_id": connection_id, "rail": rail, "callback_url": callback_url})

    def set_scenario(self, rail: str, body: dict[str, Any]) -> Reply:
        scenario = read_scenario(body.get("scenario")) or Scenario.CLEAN
        self._store.set_default_scenario(rail=rail, scenario=scenario)
        return Reply(200, {"rail": rail, "scenario": scenario.value})

    def list_ledger(self, rail: str, query: dict[str, list[str]]) -> Reply:
        """Everything that this rail executed, in order: what a test compares with our own ledger."""
        limit = read_number(query, "limit", LARGEST_PAGE)
        payments = self._store.list_payments(rail=rail, after=read_number(query, "after", 0), limit=limit)
        now_ms = wall_ms()
        data = [write_payment(p, now_ms) | {"number": p.number, "replays": p.replays} for p in payments]
        return page(data, limit)

    def list_callbacks(self, rail: str, query: dict[str, list[str]]) -> Reply:
        limit = read_number(query, "limit", LARGEST_PAGE)
        key = query.get("key", [None])[-1]
        after = read_number(query, "after", 0)
        rows = self._outbox.list_callbacks(rail=rail, key=key, after=after, limit=limit)
        return page([asdict(row) for row in rows], limit)

    def list_events(self, rail: str, query: dict[str, list[str]]) -> Reply:
        """What a connection was to be told, signed now and otherwise exactly as its callbacks are."""
        limit = min(read_number(query, "limit", LARGEST_EVENTS_PAGE), LARGEST_EVENTS_PAGE)
        before_ms = wall_ms() - read_number(query, "older_than_ms", EVENTS_OLDER_THAN_MS)
        connection_id = query.get("connection_id", [""])[-1]
        after = read_event_cursor(query.get("after", [""])[-1])
        events = self._outbox.list_events(
            rail=rail, connection_id=connection_id, after=after, before_ms=before_ms, limit=limit
        )
        data = [write_event(event) for event in events]
        next_after = events[-1].cursor if events else None
        return Reply(200, {"data": data, "next_after": next_after, "has_more": len(data) == limit})

    def take_history(self, rail: str, body: dict[str, Any]) -> Reply:
        """Payments of past days, told of afterwards."""
        try:
            return take_history(self.desk, self._store, rail, body)
        except StoreRefused as error:
            return refusal(REFUSAL_STATUS[error.code], error.code)

    def take_verification(self, call: Call) -> Reply:
        return take_verification(self.kyc, check_key(call.header_key), call.body, self.hang)

    def _answer_without_executing(self, rail: str, key: str, answer: Answer) -> Reply:
        payment = self._store.find_payment(rail=rail, key=key)
        if payment is not None:
            # Executed before the fault was switched on: whatever is said now must not deny it.
            return Reply(200, write_payment(payment, wall_ms()), is_replay=True)
        if answer is Answer.NEVER:
            self.hang()
            return Reply(504, {}, is_dropped=True)
        return refusal(503, "unavailable")


def write_payment(payment: Payment, now_ms: int) -> dict[str, Any]:
    return {
        "key": payment.key,
        "reference": payment.reference,
        "provider_reference": payment.provider_reference,
        "connection_id": payment.connection_id,
        "state": payment.state(now_ms),
        "executed": True,
        "kind": payment.kind,
        "amount_minor": payment.amount_minor,
        "currency": payment.currency,
        "corridor": payment.corridor,
        "scenario": payment.scenario,
        "executed_at": iso(payment.executed_ms),
    }


def write_event(event: ToldEvent) -> dict[str, Any]:
    """An event of the list: the bytes in base64, because what is signed must not pass through another JSON."""
    body, headers = write_request(event.callback, now=datetime.now(UTC))
    return {"cursor": event.cursor, "headers": headers, "body_base64": base64.b64encode(body).decode()}


Route = tuple[str, re.Pattern[str], Callable[[Simulator, Call], Reply]]
KYC = "kyc"
"""Beside the rails' names: the vendor of verifications."""

KYC_ROUTES: tuple[Route, ...] = (
    (
        "POST",
        re.compile("/verifications"),
        lambda s, c: s.take_verification(c),
    ),
    ("GET", re.compile("/verifications/(?P<key>[^/]+)"), lambda s, c: read_verification(s.kyc, check_key(c.path_key))),
)
ROUTES: tuple[Route, ...] = (
    ("POST", re.compile("/payments"), lambda s, c: s.create_payment(c.rail, check_key(c.header_key), c.body)),
    ("GET", re.compile("/payments/(?P<key>[^/]+)"), lambda s, c: s.read_payment(c.rail, check_key(c.path_key))),
    (
        "POST",
        re.compile("/payments/(?P<key>[^/]+)/cancel"),
        lambda s, c: s.cancel_payment(c.rail, check_key(c.path_key)),
    ),
    ("POST", re.compile("/connections"), lambda s, c: s.register_connection(c.rail, c.body)),
    ("POST", re.compile("/scenario"), lambda s, c: s.set_scenario(c.rail, c.body)),
    ("GET", re.compile("/ledger"), lambda s, c: s.list_ledger(c.rail, c.query)),
    ("GET", re.compile("/callbacks"), lambda s, c: s.list_callbacks(c.rail, c.query)),
    ("GET", re.compile("/events"), lambda s, c: s.list_events(c.rail, c.query)),
    ("POST", re.compile("/history"), lambda s, c: s.take_history(c.rail, c.body)),
)
BANK = "bank"
"""Beside the rails' names: where they pay to."""

DESK_ROUTES = {BANK: BANK_ROUTES, KYC: ()}


class SandboxServer(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def __init__(self, address: tuple[str, int], simulator: Simulator) -> None:
        self.simulator = simulator
        super().__init__(address, SandboxHandler)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is its own affair; anything else is a fault of ours and is printed."""
        if not isinstance(sys.exception(), OSError):
            super().handle_error(request, client_address)


class SandboxHandler(BaseHTTPRequestHandler):
    server: SandboxServer
    server_version = "zentra-sandbox"
    protocol_version = "HTTP/1.1"
    timeout = IDLE_CONNECTION_SECONDS
    # Head and body leave in one packet: two small writes would wait for each other's acknowledgement.
    wbufsize = -1
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        self._serve()

    def do_POST(self) -> None:
        self._serve()

    def _serve(self) -> None:
        try:
            reply = self._answer(self._read_body())
        except BadRequest as error:
            reply = Reply(400, {"error": "bad_request", "detail": str(error), "executed": False})
        if reply.is_dropped:
            self._reset()
        else:
            self._write(reply)

    def _answer(self, raw: bytes) -> Reply:
        url = urlsplit(self.path)
        if url.path == "/healthz":
            return Reply(200, {"status": "ok", "rails": list(self.server.simulator.rails)})
        _, rail, *rest = url.path.split("/")
        path = "/" + "/".join(rest)
        simulator = self.server.simulator
        if rail not in (KYC, BANK, *simulator.rails):
            return refusal(404, "rail_unknown")

        def call(key: str) -> Call:
            words = self.headers.get("Idempotency-Key", ""), parse_qs(url.query), read_json(raw)
            return Call(rail, unquote(key), *words)

        for method, pattern, answer in {KYC: KYC_ROUTES, BANK: ()}.get(rail, ROUTES):
            match = pattern.fullmatch(path)
            if match is not None and method == self.command:
                return answer(simulator, call(match.groupdict().get("key", "")))
        for method, pattern, answer_desk in DESK_ROUTES.get(rail, RAIL_ROUTES):
            match = pattern.fullmatch(path)
            if match is not None and method == self.command and simulator.desk is not None:
                return answer_desk(simulator.desk, call(match.groupdict().get("key", "")))
        return refusal(404, "path_unknown")

    def _read_body(self) -> bytes:
        length = self.headers.get("Content-Length", "0")
        if (
            re.fullmatch(r"\d{1,9}", length) is None
            or int(length) > LARGEST_BODY
            or "Transfer-Encoding" in self.headers
        ):
            # What was not read would be taken for the next request.
            self.close_connection = True
            raise BadRequest("the body must have a Content-Length of at most 64 KiB")
        return self.rfile.read(int(length))

    def _write(self, reply: Reply) -> None:
        body = json.dumps(reply.body).encode() if reply.content is None else reply.content
        try:
            self.send_response(reply.status)
            self.send_header("Content-Type", reply.content_type)
            self.send_header("Content-Length", str(len(body)))
            if reply.is_replay:
                self.send_header("Idempotent-Replayed", "true")
            if self.close_connection:
                self.send_header("Connection", "close")
            self.end_headers()
            self.wfile.write(body)
            self.wfile.flush()
        except OSError:
            # The client gave up waiting; what was executed stays executed.
            self.close_connection = True

    def _reset(self) -> None:
        """End the connection with a TCP reset, as a failing network would."""
        self.close_connection = True
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()

    def log_request(self, code: object = "-", size: object = "-") -> None:
        """Silent: at demo rates a line per request hides every other process' log."""
