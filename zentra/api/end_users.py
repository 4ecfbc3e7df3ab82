"""The bounds of an end user's token, where a view lets one in: the customer's own accounts and intents, and less said.

What lies outside gets the answer of what is not there, and is recorded as ``access.denied``. Nothing of policy, routes
or evidence is shown: the token is in a browser or a phone.
"""

import hashlib
from typing import Any, Final

from ledger.errors import AccountNotFound, UnknownAccount
from ledger.queries import find_account, is_account_id
from ledger.types import AccountRecord
from zentra.api.auth.caller import Caller, EndUser
from zentra.api.auth.errors import OutsideBounds
from zentra.api.problems import FieldRefusal, MissingField
from zentra.core.errors import DomainError
from zentra.runtime.errors import IntentNotFound
from zentra.runtime.types import IntentRecord

_NEEDED: Final = ("kind", "amount_minor", "currency", "debit_account")
_ACCOUNT_HIDDEN: Final = (
    "external_id", "floor_minor", "ceiling_minor", "limits_reason", "limits_changed_by", "limits_changed_at",
    "category_id", "state_reason", "state_changed_by",
)  # fmt: skip


class AccountOutside(OutsideBounds, AccountNotFound):
    """The account is not one that the token names."""


class IntentOutside(OutsideBounds, IntentNotFound):
    """The intent moves nothing of the accounts that the token names."""


class DebitOutside(OutsideBounds, UnknownAccount):
    """The money would come from an account that the token does not name."""


class AmountBeyondToken(OutsideBounds, DomainError):
    """The end user's token says how much one intent moves at most, and this is more."""

    code = "amount_beyond_token"
    status = 403
    title = "The amount is more than this token allows"


def check_account(caller: Caller, account: AccountRecord, *, ref: str) -> None:
    """Refuse an end user an account that is not theirs, as one that is not there; raises AccountOutside."""
    if caller.end_user is not None and not _is_own(caller.end_user, account):
        # Word for word as the ledger says it of one that is not there.
        member = "account_id" if is_account_id(ref) else "account"
        raise AccountOutside(f"There is no account {ref[:80]}.", **{member: ref[:80]})


def check_intent(caller: Caller, intent: IntentRecord) -> None:
    """Refuse an end user an intent that moves nothing of theirs; raises IntentOutside."""
    if caller.end_user is None:
        return
    for ref in (intent.source_account, intent.destination_account):
        if ref and _is_own(caller.end_user, _account(ref, intent.currency)):
            return
    raise IntentOutside(f"There is no intent {intent.intent_id[:80]!r} in this workspace.")


def check_movement(caller: Caller, said: dict[str, Any], *, currency: str) -> None:
    """Refuse what an end user may not move: from others' accounts, more than the token says, or nothing named.

    Nor do they choose the intent's id: whether one is taken would tell of the server's own. A key of theirs is enough.
    Inside the workspace. Raises FieldRefusal, MissingField, DebitOutside, AmountBeyondToken.
    """
    bounds = caller.end_user
    if bounds is None:
        return
    if said.get("intent_id") is not None:
        raise FieldRefusal("/intent_id", "is not chosen with an end user's token; send an Idempotency-Key")
    for name in _NEEDED:
        if said.get(name) is None:
            raise MissingField(f"/{name}", "is needed with an end user's token")
    ref = str(said["debit_account"])
    if not _is_own(bounds, _account(ref, currency)):
        raise DebitOutside(f"There is no account {ref[:80]}.", account=ref[:80])
    if bounds.max_amount_minor is not None and said["amount_minor"] > bounds.max_amount_minor:
        raise AmountBeyondToken(f"At most {bounds.max_amount_minor} minor units.", most=bounds.max_amount_minor)


def hide_facts(caller: Caller | None, error: Exception) -> Exception:
    """What an end user is told of a refusal: its code and title. Details and numbers speak of the customer's books.

    Told in full is what they said wrong themselves (a field, an amount over their token's), and what we failed at.
    """
    if caller is None or caller.end_user is None or not isinstance(error, DomainError):
        return error
    if error.status >= 500 or isinstance(error, FieldRefusal | AmountBeyondToken):
        return error
    bare = type(error).__new__(type(error))
    DomainError.__init__(bare)
    bare.retry_after = error.retry_after
    return bare


def operation_of(caller: Caller, operation: str) -> str:
    """Under which name an idempotency key is kept: no customer meets the keys of another, or the server's own."""
    if caller.end_user is None:
        return operation
    return f"{operation}.of.{hashlib.sha256(caller.end_user.customer.encode()).hexdigest()[:32]}"


def show_account_to(caller: Caller, document: dict[str, Any]) -> dict[str, Any]:
    """An account without what the customer's own books say of it."""
    if caller.end_user is None:
        return document
    return {**document, **dict.fromkeys(_ACCOUNT_HIDDEN), "metadata": {}}


def show_intent_to(caller: Caller, document: dict[str, Any]) -> dict[str, Any]:
    """An intent without policy, routes, entries and evidence: what it is, where it stands, and since when."""
    if caller.end_user is None:
        return document
    hidden: dict[str, Any] = {"primitives": {}, "metadata": {}, "corridor": {}, "ledger_state": None, "checks": []}
    return {**document, **hidden, "links": {"self": document["links"]["self"]}, "mutations": 0, "replays": 0}


def _is_own(bounds: EndUser, account: AccountRecord | None) -> bool:
    return account is not None and account.id in bounds.accounts and account.customer == bounds.customer


def _account(ref: str, currency: str) -> AccountRecord | None:
    try:
        return find_account(ref=ref, currency=currency)
    except DomainError:
        return None
