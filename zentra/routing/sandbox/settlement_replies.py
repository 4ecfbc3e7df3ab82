"""What rails and bank answer about settled money: reports, statements, and what is asked for beforehand."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from zentra.routing.sandbox.bank import Movement
from zentra.routing.sandbox.breaks import BankBreak, FileBreak, RailBreak
from zentra.routing.sandbox.callbacks import wall_ms
from zentra.routing.sandbox.days import date_of
from zentra.routing.sandbox.fees import fees_of
from zentra.routing.sandbox.reading import (
    LARGEST_AMOUNT,
    LARGEST_PAGE,
    Call,
    read_currency,
    read_number,
    read_order,
    read_text,
    read_word,
)
from zentra.routing.sandbox.replies import BadRequest, Reply, page, refusal
from zentra.routing.sandbox.settlements import SettlementDesk, is_past
from zentra.routing.sandbox.store import Order, PaymentStore

LARGEST_HISTORY = 500


def list_settlements(desk: SettlementDesk, call: Call) -> Reply:
    """What a rail has paid out to a connection so far; whoever asks has what is due paid out first."""
    limit = read_number(call.query, "limit", LARGEST_PAGE)
    settlements = desk.list_settlements(
        rail=call.rail, connection_id=read_word(call.query, "connection_id"), after=read_number(call.query, "after", 0),
        limit=limit, now_ms=wall_ms(),
    )  # fmt: skip
    data = [
        {
            "id": each.batch, "number": each.number, "currency": each.currency, "items": each.items,
            "gross_minor": each.gross_minor, "fee_minor": each.fee_minor, "net_minor": each.net_minor,
            "executed_on": str(date_of(each.starts_ms)), "payout_on": str(date_of(each.payout_ms)),
        }
        for each in settlements
    ]  # fmt: skip
    return page(data, limit)


def read_report(desk: SettlementDesk, call: Call) -> Reply:
    content = desk.read_report(rail=call.rail, batch=call.path_key)
    return refusal(404, "not_found") if content is None else Reply(200, {}, content=content, content_type="text/csv")


def tell_fees(_: SettlementDesk, call: Call) -> Reply:
    return Reply(200, {"rail": call.rail, **asdict(fees_of(call.rail))})


def plant_at_rail(desk: SettlementDesk, call: Call) -> Reply:
    return _plant(desk, call, owner=read_text(call.body, "connection_id"), known=RailBreak)


def plant_at_bank(desk: SettlementDesk, call: Call) -> Reply:
    return _plant(desk, call, owner=read_text(call.body, "account"), known=BankBreak)


def list_planted(desk: SettlementDesk, call: Call) -> Reply:
    owner = read_word(call.query, "account") or read_word(call.query, "connection_id")
    return Reply(200, {"data": desk.list_planted(owner=owner)})


def list_statements(desk: SettlementDesk, call: Call) -> Reply:
    """The statements of an account; ``withheld=1`` lists those too that the bank forgot to send."""
    limit = read_number(call.query, "limit", LARGEST_PAGE)
    statements = desk.list_statements(
        account=read_word(call.query, "account"), currency=read_word(call.query, "currency"),
        after=read_number(call.query, "after", 0), limit=limit, with_withheld=read_word(call.query, "withheld") == "1",
        now_ms=wall_ms(),
    )  # fmt: skip
    data = [
        {
            "id": each.id, "number": each.number, "account": each.account, "currency": each.currency,
            "sequence": each.sequence, "starts_on": str(date_of(each.starts_ms)),
            "ends_on": str(date_of(each.ends_ms - 1)), "opening_minor": each.opening_minor,
            "closing_minor": each.closing_minor, "entries": each.entries, "is_withheld": bool(each.is_withheld),
        }
        for each in statements
    ]  # fmt: skip
    return page(data, limit)


def read_statement(desk: SettlementDesk, call: Call) -> Reply:
    """A statement's file; ``breaks`` puts faults into this copy alone."""
    try:
        faults = frozenset(FileBreak(word) for word in read_word(call.query, "breaks").split(",") if word)
    except ValueError:
        raise BadRequest(f"breaks knows {', '.join(FileBreak)}") from None
    content = desk.read_statement(statement_id=call.path_key, faults=faults)
    if content is None:
        return refusal(404, "not_found")
    return Reply(200, {}, content=content, content_type="application/xml")


def book_movement(desk: SettlementDesk, call: Call) -> Reply:
    """Money that somebody else pays to the account, or that leaves it: booked once per key."""
    body, now_ms = call.body, wall_ms()
    amount = body.get("amount_minor")
    if type(amount) is not int or not 0 < abs(amount) <= LARGEST_AMOUNT:
        raise BadRequest("amount_minor is not an integer other than zero")
    words = [str(body.get(name, "")) for name in ("account", "key", "reference", "counterparty", "description")]
    if not all(word.isprintable() for word in words):
        raise BadRequest("a word holds what cannot be printed")
    booked_ms = read_moment(body, "booked_at") if "booked_at" in body else now_ms
    if booked_ms > now_ms:
        raise BadRequest("booked_at is in the future")
    movement = Movement(
        account=read_text(body, "account"), currency=read_currency(body), key=read_text(body, "key"),
        amount_minor=amount, reference=read_text(body, "reference"), counterparty=str(body.get("counterparty", "")),
        description=str(body.get("description", "")), booked_ms=booked_ms,
    )  # fmt: skip
    is_new = desk.book(movement=movement, now_ms=now_ms)
    return Reply(202 if is_new else 200, {"key": movement.key, "booked": True}, is_replay=not is_new)


def take_history(desk: SettlementDesk | None, store: PaymentStore, rail: str, body: dict[str, Any]) -> Reply:
    """Payments and refunds of past days: executed and settled then, told of now."""
    payments = body.get("payments")
    if desk is None or not isinstance(payments, list) or not 0 < len(payments) <= LARGEST_HISTORY:
        raise BadRequest(f"payments is not a list of at most {LARGEST_HISTORY}")
    connection_id = read_text(body, "connection_id")
    orders = [_past_order(connection_id, each, wall_ms()) for each in payments]
    taken = store.add_history(rail=rail, orders=orders)
    desk.wake()
    return Reply(200, {"data": [{"key": each.key, "provider_reference": each.provider_reference} for each in taken]})


def _past_order(connection_id: str, told: object, now_ms: int) -> tuple[Order, int]:
    if not isinstance(told, dict):
        raise BadRequest("a payment is not an object")
    key, executed_ms = read_text(told, "key"), read_moment(told, "executed_at")
    if not is_past(executed_ms, now_ms):
        raise BadRequest("executed_at is not before today")
    words = {"reference": key, "kind": "payment", "corridor": "history"} | told | {"connection_id": connection_id}
    return read_order(key, words), executed_ms


def _plant(desk: SettlementDesk, call: Call, *, owner: str, known: type[RailBreak] | type[BankBreak]) -> Reply:
    kinds = call.body.get("breaks")
    if not isinstance(kinds, list) or not all(kind in list(known) for kind in kinds):
        raise BadRequest(f"breaks is no list of {', '.join(known)}")
    from_ms = read_moment(call.body, "from") if "from" in call.body else 0
    numbers = desk.plant(owner=owner, currency=read_currency(call.body), kinds=kinds, from_ms=from_ms)
    return Reply(200, {"planted": numbers})


def read_moment(body: dict[str, Any], name: str) -> int:
    """An ISO 8601 moment as milliseconds since the epoch; UTC where it names no zone."""
    try:
        moment = datetime.fromisoformat(read_text(body, name))
    except ValueError:
        raise BadRequest(f"{name} is no moment") from None
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000)


DeskRoute = tuple[str, re.Pattern[str], Callable[[SettlementDesk, Call], Reply]]
RAIL_ROUTES: tuple[DeskRoute, ...] = (
    ("GET", re.compile("/settlements"), list_settlements),
    ("GET", re.compile(r"/settlements/(?P<key>[^/]+)\.csv"), read_report),
    ("GET", re.compile("/fees"), tell_fees),
    ("POST", re.compile("/breaks"), plant_at_rail),
    ("GET", re.compile("/breaks"), list_planted),
)
BANK_ROUTES: tuple[DeskRoute, ...] = (
    ("GET", re.compile("/statements"), list_statements),
    ("GET", re.compile(r"/statements/(?P<key>[^/]+)\.xml"), read_statement),
    ("POST", re.compile("/movements"), book_movement),
    ("POST", re.compile("/breaks"), plant_at_bank),
    ("GET", re.compile("/breaks"), list_planted),
)
