"""Every write of the API under one key: one effect, one answer, also when only the bodies say the key.

The walk takes every operation from the contract itself, so that a new one is in it from its first day. What an
operation does is replaced by a counter: each has tests of its own for that, and here it is the frame that is proved.
"""

from __future__ import annotations

import itertools
import json
import re
import secrets
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes
from zentra.api import idempotency, openapi
from zentra.core import clock
from zentra.tenants.operations import issue_key
from zentra.tenants.permissions import PLATFORM_SCOPES
from zentra.tenants.queries import platform_ref

WRITES = ("post", "put", "patch", "delete")
# Without a key, each for a reason.
EXEMPT = {
    "callbacks.receive": "a provider's own event id is its key; whoever repeats one gets `duplicate`",
    "rule_set_drafts.test": "only shows what a draft would decide",
    "webhook_replays.preview": "only shows what a replay would send",
    "oauth.token": "a token is nothing that is kept; whoever asks twice gets two that both hold",
    "oauth.revoke": "revoking twice is revoking (RFC 7009, 2.2)",
}
# What the schema alone cannot say.
SAMPLES: dict[str, dict[str, Any]] = {
    "alarm_channels.add": {"kind": "mail", "target": "ops@example.com"},
    "intents.create": {"kind": "payment", "amount_minor": 100, "currency": "USD"},
    "ledger_entries.create": {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100},
    "ledger_batches.create_batch": {
        "mode": "each",
        "entries": [{"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}],
    },
    "webhook_endpoints.create": {"url": "https://hooks.example.com/zentra"},
    "provider_callbacks.repair": {"body": "{}", "note": "a note"},
}
PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}
SAMPLES["postings.correct"] = PAIR | {"reason": "typed wrong"}
# What records a repeat reads the first answer, so that it must be one.
DONE_FOR_REAL = {"runtime.intents.create"}
CHANGES: dict[str, dict[str, Any]] = {
    "intents.create": {"amount_minor": 101},
    "ledger_entries.create": {"amount_minor": 101},
    "ledger_batches.create_batch": {"mode": "all_or_nothing"},
    "postings.correct": {"reason": "typed wrong, twice"},
    "webhook_endpoints.create": {"description": "another"},
    "reconciliation.put_mapping": {"mapping": {"skip_rows": 1}},
}


@dataclass(frozen=True)
class Write:
    """One operation as the contract has it."""

    name: str
    method: str
    path: str
    body: dict[str, Any] | None
    fields: dict[str, Any]
    query: str = ""


@cache
def contract() -> dict[str, Any]:
    return openapi.describe()


def writes_of_the_contract() -> Iterator[Write]:
    document = contract()
    schemas = document["components"]["schemas"]
    for path, operations in sorted(document["paths"].items()):
        for method in WRITES:
            if method not in operations:
                continue
            said = operations[method]
            content = said.get("requestBody", {}).get("content", {})
            name = str(said["operationId"])
            if "application/json" not in content:
                yield Write(name, method, path, None, {})
                continue
            schema = resolve(content["application/json"]["schema"], schemas)
            fields = {key: resolve(value, schemas) for key, value in schema.get("properties", {}).items()}
            wanted = schema.get("required", [])
            body = SAMPLES.get(name) or {key: sample(fields[key], schemas) for key in wanted}
            yield Write(name, method, path, body, fields)


def resolve(schema: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    while True:
        if "$ref" in schema:
            schema = schemas[schema["$ref"].rpartition("/")[2]]
        elif "anyOf" in schema:
            schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
        elif "allOf" in schema:
            schema = schema["allOf"][0]
        else:
            return schema


def sample(schema: dict[str, Any], schemas: dict[str, Any], *, turn: int = 0) -> Any:
    """A value that the schema allows; another one for another turn, where there is another."""
    schema = resolve(schema, schemas)
    if "const" in schema:
        return schema["const"]
    if "enum" in schema:
        return schema["enum"][turn % len(schema["enum"])]
    kind = schema.get("type")
    if kind == "integer":
        return max(int(schema.get("minimum", 1)), 1) + turn
    if kind == "boolean":
        return bool(turn % 2)
    if kind == "array":
        return [sample(schema["items"], schemas, turn=turn)] if "items" in schema else []
    if kind == "object":
        wanted = schema.get("required", [])
        return {key: sample(schema["properties"][key], schemas, turn=turn) for key in wanted}
    return text_for(schema, turn)


def text_for(schema: dict[str, Any], turn: int) -> str:
    if schema.get("format") == "date-time":
        return f"2030-01-0{1 + turn}T00:00:00Z"
    if schema.get("format") == "date":
        return f"2030-01-0{1 + turn}"
    pattern = schema.get("pattern", "")
    candidates = ("sample" + "x" * turn, ("USD", "EUR")[turn % 2], ("DE", "FR")[turn % 2], f"{7 + turn}", "Sample")
    return next((each for each in candidates if re.search(pattern, each)), "sample")


def another_body(write: Write) -> dict[str, Any] | None:
    """The body with one field changed or added; None when it has no field but the key."""
    if write.body is None:
        return None
    if write.name in CHANGES:
        return write.body | CHANGES[write.name]
    schemas = contract()["components"]["schemas"]
    for name in [*write.body, *write.fields]:
        if name == "idempotency_key":
            continue
        changed = sample(write.fields[name], schemas, turn=1)
        if changed != write.body.get(name):
            return write.body | {name: changed}
    return None


class Effects:
    """Counts what would have been done, in place of doing it."""

    def __init__(self) -> None:
        self.numbers = itertools.count(1)
        self.done = 0

    def run(self, **words: Any) -> Any:
        def effect() -> tuple[int, dict[str, Any]]:
            self.done += 1
            if words["operation"] in DONE_FOR_REAL:
                return 200, words["effect"]()[1]
            return 200, {"number": next(self.numbers)}

        return idempotency_run(**words | {"effect": effect})


idempotency_run = idempotency.run


@pytest.fixture
def effects(monkeypatch: pytest.MonkeyPatch) -> Effects:
    counted = Effects()
    monkeypatch.setattr(idempotency, "run", counted.run)
    return counted


def ask(http: httpx.Client, write: Write, body: dict[str, Any] | None, *, header: str = "", place: str = "1") -> Any:
    path = re.sub(r"\{([a-z_]+)\}", lambda match: place_of(match[1], place), write.path).removeprefix("/v1")
    headers = {"Idempotency-Key": header} if header else {}
    if body is not None:
        return http.request(write.method, path, json=body, headers=headers)
    if write.name == "ledger_files.start":
        file = "code,account_type,currency\n" + "x" * int(place)
        return http.post(f"{path}?kind=accounts", content=file, headers=headers | {"Content-Type": "text/csv"})
    if write.name == "reconciliation.start":
        file = "<Document/>" + " " * int(place)
        return http.post(f"{path}?format=camt053", content=file, headers=headers | {"Content-Type": "text/xml"})
    return http.request(write.method, path, headers=headers)


def place_of(name: str, place: str) -> str:
    return f"X-Name-{place}" if name == "name" else f"{name}_{place}"


def platform_key() -> str:
    """A key of the platform's own, for what no workspace's key may do."""
    return issue_key(workspace=platform_ref(), name="test", scopes=PLATFORM_SCOPES, now=clock.now()).token


def test_every_write_runs_once_under_its_key_and_answers_the_same_bytes(
    http: httpx.Client, connect: Callable[..., httpx.Client], effects: Effects
) -> None:
    wrong, walked, run = [], 0, secrets.token_hex(4)
    platform = connect(platform_key())
    for write in writes_of_the_contract():
        if write.name in EXEMPT:
            continue
        walked += 1
        for how in ("header", "body"):
            if how == "body" and "idempotency_key" not in write.fields:
                continue
            key = f"{write.name}:{how}:{run}"
            who = platform if write.path.startswith("/v1/workspaces") else http
            said = {"idempotency_key": key} if how == "body" else {}
            header = key if how == "header" else ""
            body = None if write.body is None else write.body | said
            before = effects.done
            first, second = (ask(who, write, body, header=header) for _ in range(2))
            other = another_body(write)
            if other is None:  # no words but the address: the same key at another one
                third = ask(who, write, body, header=header, place="2")
            else:
                third = ask(who, write, other | said, header=header)
            seen = (
                first.status_code, "idempotent-replayed" in first.headers, second.status_code,
                second.headers.get("idempotent-replayed"), second.content == first.content,
                third.status_code, third.json().get("code"), effects.done - before,
            )  # fmt: skip
            if seen != (200, False, 200, "true", True, 422, "idempotency_key_reused", 1):
                wrong.append((write.name, how, seen, first.text[:300], third.text[:200]))
    assert not wrong, "\n".join(map(str, wrong))
    assert walked > 55


def test_every_body_of_a_write_takes_the_key_and_every_exemption_is_a_write() -> None:
    found = {write.name: write for write in writes_of_the_contract()}
    without = {
        name for name, write in found.items()
        if write.body is not None and "idempotency_key" not in write.fields and name not in EXEMPT
    }  # fmt: skip
    assert without == set()
    assert set(EXEMPT) <= set(found)


def test_a_write_whose_answer_was_lost_while_it_ran_is_asked_again_and_done_once(
    http: httpx.Client, writes: Writes
) -> None:
    """The same key while the first is still at it: the second waits for it, and gets its answer."""
    from concurrent.futures import ThreadPoolExecutor

    body = {"customer": "c", "currency": "USD", "account_type": "customer", "idempotency_key": "twice"}
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: http.post("/accounts", json=body), range(8)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({json.dumps(answer.json()) for answer in answers}) == 1
    assert writes.new_rows()["ledger_account"] == 1
