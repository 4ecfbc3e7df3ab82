"""The calls of the ledger as values: accounts, postings, holds. The sync and async clients share them."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from zentra.sdk._calls import Call, build_get, build_list, build_post, path_of, text_of
from zentra.sdk._errors import ConfigurationError
from zentra.sdk._records import (
    Account,
    Balances,
    BatchResult,
    Correction,
    Entry,
    Hold,
    Page,
    Posting,
    PostingDetail,
    Preview,
    Record,
    Statement,
)

Body = Mapping[str, Any]
Mode = Literal["all_or_nothing", "each"]


def create_account(body: Body) -> Call[Account]:
    """``POST /accounts``."""
    return build_post("/accounts", body, Account)


def change_account(account: str, body: Body) -> Call[Account]:
    """``PATCH /accounts/{account}``."""
    return build_post(path_of("/accounts", account), body, Account, method="PATCH")


def get_account(account: str) -> Call[Account]:
    """``GET /accounts/{account}``."""
    return build_get(path_of("/accounts", account), Account)


def list_accounts(**params: object) -> Call[Page[Account]]:
    """``GET /accounts``."""
    return build_list("/accounts", Account, params)


def change_state(account: str, word: Literal["freeze", "unfreeze", "close"], body: Body) -> Call[Account]:
    """``POST /accounts/{account}/freeze``, ``unfreeze`` or ``close``."""
    return build_post(f"{path_of('/accounts', account)}/{word}", body, Account)


def set_limits(account: str, body: Body) -> Call[Account]:
    """``POST /accounts/{account}/limits``."""
    return build_post(f"{path_of('/accounts', account)}/limits", body, Account)


def get_balances(account: str, **params: object) -> Call[Balances]:
    """``GET /accounts/{account}/balances``."""
    return build_get(f"{path_of('/accounts', account)}/balances", Balances, params)


def list_entries(account: str, **params: object) -> Call[Page[Entry]]:
    """``GET /accounts/{account}/entries``."""
    return build_list(f"{path_of('/accounts', account)}/entries", Entry, params)


def get_statement(account: str, **params: object) -> Call[Statement]:
    """``GET /accounts/{account}/statement``."""
    return build_get(f"{path_of('/accounts', account)}/statement", Statement, params)


def download_statement(account: str, **params: object) -> Call[bytes]:
    """The same as a file."""
    given = {name: text_of(value) for name, value in params.items() if value is not None}
    path = f"{path_of('/accounts', account)}/statement"
    return Call("GET", path, lambda answer: answer.content, params=given, headers={"Accept": "*/*"})


def get_balance_history(account: str, **params: object) -> Call[Record]:
    """``GET /accounts/{account}/balance-history``."""
    return build_get(f"{path_of('/accounts', account)}/balance-history", Record, params)


def get_trial_balance(**params: object) -> Call[Record]:
    """``GET /trial-balance``."""
    return build_get("/trial-balance", Record, params)


def post_entries(body: Body) -> Call[Posting]:
    """``POST /ledger-entries``."""
    return build_post("/ledger-entries", body, Posting)


def preview_entries(body: Body) -> Call[Preview]:
    """``POST /ledger-entries?dry_run=true``."""
    return build_post("/ledger-entries", body, Preview, params={"dry_run": "true"})


def post_batch(entries: Sequence[Body], *, mode: Mode, idempotency_key: str | None) -> Call[BatchResult]:
    """``POST /ledger-entries/batch``."""
    if isinstance(entries, Mapping) or not entries:
        raise ConfigurationError("A batch is a non-empty list of postings.")
    body: dict[str, Any] = {"mode": mode, "entries": [dict(entry) for entry in entries]}
    if idempotency_key is not None:
        body["idempotency_key"] = idempotency_key
    return build_post("/ledger-entries/batch", body, BatchResult)


def get_posting(posting_id: str) -> Call[Posting]:
    """``GET /ledger-entries/{posting_id}``."""
    return build_get(path_of("/ledger-entries", posting_id), Posting)


def get_posting_detail(posting_id: str) -> Call[PostingDetail]:
    """``GET /postings/{posting_id}``."""
    return build_get(path_of("/postings", posting_id), PostingDetail)


def list_postings(**params: object) -> Call[Page[Posting]]:
    """``GET /ledger-entries``."""
    return build_list("/ledger-entries", Posting, params)


def change_posting(posting_id: str, word: Literal["reverse", "post", "void"], body: Body) -> Call[Posting]:
    """``POST /postings/{posting_id}/reverse``, ``post`` or ``void``."""
    return build_post(f"{path_of('/postings', posting_id)}/{word}", body, Posting)


def correct_posting(posting_id: str, body: Body) -> Call[Correction]:
    """``POST /postings/{posting_id}/correct``."""
    return build_post(f"{path_of('/postings', posting_id)}/correct", body, Correction)


def place_hold(body: Body) -> Call[Hold]:
    """``POST /holds``."""
    return build_post("/holds", body, Hold, intent_is_key=False)


def change_hold(
    hold_id: str, word: Literal["capture", "release", "increase", "extend", "review"], body: Body
) -> Call[Hold]:
    """``POST /holds/{hold_id}/capture`` and the other steps."""
    return build_post(f"{path_of('/holds', hold_id)}/{word}", body, Hold)


def get_hold(hold_id: str) -> Call[Hold]:
    """``GET /holds/{hold_id}``."""
    return build_get(path_of("/holds", hold_id), Hold)


def list_holds(**params: object) -> Call[Page[Hold]]:
    """``GET /holds``."""
    return build_list("/holds", Hold, params)


def statement_params(
    start: object, end: object, *, limit: int | None = None, cursor: str | None = None, file: str | None = None
) -> dict[str, object]:
    """A period in the words of the address."""
    return {"from": start, "to": end, "limit": limit, "cursor": cursor, "format": file}
