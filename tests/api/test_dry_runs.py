"""Whoever asks for a dry run is never taken at their word: what has none refuses to be asked."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.api.ledger_of_writes import Writes

PAIR = {"debit": "customer_balance", "credit": "reserved_balance", "amount_minor": 100}
HOLD = {"account": "customer_balance", "amount_minor": 5, "reference": "r", "source": "s"}


@pytest.mark.parametrize("said", ["true", "1", "false", ""])
@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/ledger-entries/batch", {"mode": "each", "entries": [PAIR]}),
        ("/holds", HOLD),
        ("/accounts", {"customer": "c", "currency": "USD", "account_type": "operating"}),
        ("/accounts/bank/freeze", {"reason": "why"}),
    ],
)
def test_a_write_without_a_dry_run_refuses_to_be_tried(
    http: httpx.Client, writes: Writes, path: str, body: dict[str, Any], said: str
) -> None:
    answer = http.post(path, params={"dry_run": said}, json=body)
    assert (answer.status_code, answer.json()["code"]) == (400, "bad_request")
    assert "Nothing was done" in answer.json()["detail"]
    assert writes.new_rows() == {}


def test_a_posting_that_says_it_is_none_is_posted(http: httpx.Client, writes: Writes) -> None:
    assert http.post("/ledger-entries", params={"dry_run": "false"}, json=PAIR).status_code == 201
    assert http.post("/ledger-entries", params={"dry_run": "true"}, json=PAIR).status_code == 200
    assert writes.new_rows()["ledger_posting"] == 1
