"""Accounts of a file on their way into the ledger, with the balances that they come with."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from evidence.types import NewEvent
from ledger.errors import AccountExists, UnknownAccount
from ledger.files.columns import invalid
from ledger.files.postings import FOREIGN
from ledger.files.types import AccountWords
from ledger.files.written import Written
from ledger.operations.accounts import open_account
from ledger.operations.events import account_created_event, posting_event
from ledger.operations.postings import post_items
from ledger.queries.accounts import find_account, is_account_id
from ledger.queries.categories import find_category
from ledger.types import OPPOSITE, AccountRecord, BatchItem, Line, NewPosting, PostingFacts
from zentra.core import ids, telemetry
from zentra.core.actors import Actor

OPENING_EQUITY: Final = "opening_equity"
OPENING_PURPOSE: Final = "opening.import"


def write_accounts(words: Sequence[AccountWords], import_id: str, actor: Actor, now: datetime) -> list[Written]:
    """Open the accounts and post their opening balances: all of them or none.

    An account that exists already and says the same is left as it is; an opening balance that it comes with is posted.
    Raises what ``open_account`` and ``post_entries`` do, AccountExists with what differs.
    """
    events: dict[int, list[NewEvent]] = {}
    accounts = [_account(each, actor, now, events.setdefault(place, [])) for place, each in enumerate(words)]
    openings = {place: each for place, each in enumerate(words) if each.opening_minor}
    for place, each in openings.items():
        events[place][:0] = _ensure_opening_equity(each.currency, actor, now)
    items = [_opening(accounts[place], each, import_id, actor, now) for place, each in openings.items()]
    posted = post_items(items=items) if items else []
    for place, opening in zip(openings, posted, strict=True):
        events[place].append(posting_event(opening, actor=actor, intent_id=None, trace_id=telemetry.trace_id()))
    return [
        Written(account.id, tuple(events[place]), is_standing=not events[place])
        for place, account in enumerate(accounts)
    ]


def local_code(code: str) -> str:
    """The code that an account of a file has here: an id of another ledger is no code of this one."""
    return f"{FOREIGN}{code}" if is_account_id(code) else code


def _account(words: AccountWords, actor: Actor, now: datetime, events: list[NewEvent]) -> AccountRecord:
    """The account of a row: the one that stands, or a new one, which is told in ``events``."""
    code = local_code(words.code)
    standing = _find(code, words.currency) or (_find(words.code, words.currency) if code != words.code else None)
    if standing is not None:
        _check_same(standing, words)
        return standing
    opened = open_account(
        code=code,
        account_type=words.account_type,
        currency=words.currency,
        actor=actor,
        now=now,
        **_terms(words.stated),
    )
    events.append(account_created_event(account=opened, actor=actor))
    return opened


def _find(ref: str, currency: str) -> AccountRecord | None:
    try:
        return find_account(ref=ref, currency=currency)
    except UnknownAccount:
        return None


def _check_same(standing: AccountRecord, words: AccountWords) -> None:
    """Whether an account says what the row says of it; raises AccountExists with the columns that differ."""
    said: dict[str, Any] = {"account_type": words.account_type, **words.stated}
    found: dict[str, Any] = {name: getattr(standing, name) for name in said if name != "category"}
    if "category" in said:
        found["category"] = standing.category_id and find_category(ref=standing.category_id).code
    differing = {name: found[name] for name in said if said[name] != found[name]}
    if differing:
        raise AccountExists(
            f"{words.code} exists in {words.currency} with another {', '.join(differing)}.",
            account=standing.code,
            currency=standing.currency,
            differs={name: said[name] for name in differing},
            stands=differing,
        )


def _terms(stated: Mapping[str, Any]) -> dict[str, Any]:
    """What a row states, as ``open_account`` takes it: a category by its id."""
    terms = dict(stated)
    if "category" in terms:
        terms["category_id"] = find_category(ref=terms.pop("category")).id
    return terms


def _ensure_opening_equity(currency: str, actor: Actor, now: datetime) -> list[NewEvent]:
    """Open the other side of all opening balances where it is missing; its event when it was."""
    if _find(OPENING_EQUITY, currency) is not None:
        return []
    opened = open_account(
        code=OPENING_EQUITY,
        name=f"Opening equity {currency}",
        account_type="equity",
        currency=currency,
        actor=actor,
        now=now,
    )
    return [account_created_event(account=opened, actor=actor)]


def _opening(account: AccountRecord, words: AccountWords, import_id: str, actor: Actor, now: datetime) -> BatchItem:
    """The opening balance in the account's normal direction, or against it when it is negative."""
    if account.code == OPENING_EQUITY:
        raise invalid("opening_balance_minor", f"cannot be that of {OPENING_EQUITY}, the other side of all others")
    own = account.normal_balance if words.opening_minor > 0 else OPPOSITE[account.normal_balance]
    amount = abs(words.opening_minor)
    return BatchItem(
        posting=NewPosting(
            posting_id=ids.new_id("posting"),
            purpose=OPENING_PURPOSE,
            lines=(Line(account.code, own, amount), Line(OPENING_EQUITY, OPPOSITE[own], amount)),
            currency=account.currency,
            effective_at=words.opening_at or now,
            description="Opening balance",
        ),
        facts=PostingFacts(
            actor=actor,
            recorded_at=now,
            correlation_id=import_id,
            external_reference=account.external_id,
        ),
    )
