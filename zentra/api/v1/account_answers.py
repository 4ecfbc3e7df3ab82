"""Accounts and balances as the API answers them, and the account that an address names."""

from typing import Any

from ledger.errors import AccountNotFound, UnknownAccount
from ledger.queries import find_account, get_account, is_account_id
from ledger.types import AccountRecord, Balances
from zentra.core import clock
from zentra.core.tenancy import current_tenant


def account_of_path(ref: str) -> AccountRecord:
    """The account of an address, by id or code. What a body names and is not there is another error."""
    if is_account_id(ref):
        return get_account(account_id=ref)
    try:
        return find_account(ref=ref)
    except UnknownAccount as error:
        raise AccountNotFound(f"There is no account {ref[:80]}.", account=ref[:80]) from error


def show_balances(held: Balances) -> dict[str, Any]:
    """Balances as the API answers them."""
    return {
        "posted_minor": held.posted_minor,
        "pending_minor": held.pending_minor,
        "available_minor": held.available_minor,
        "pending_in_minor": held.pending_in_minor,
        "pending_out_minor": held.pending_out_minor,
        "lock_version": held.lock_version,
    }


def show_account(account: AccountRecord, held: Balances, *, event: str = "account.created") -> dict[str, Any]:
    """An account as the API answers it; ``event`` names what the answered request did."""
    changed_at, limits_at = account.state_changed_at, account.limits_changed_at
    return {
        "status": account.state,
        "event": event,
        "evidence": {"account_id": account.id},
        "id": account.id,
        "object": "account",
        "code": account.code,
        "name": account.name,
        "account_type": account.account_type,
        "type": account.type,
        "normal_balance": account.normal_balance,
        "currency": account.currency,
        "customer": account.customer,
        "external_id": account.external_id,
        "floor_minor": account.floor_minor,
        "ceiling_minor": account.ceiling_minor,
        "limits_reason": account.limits_reason,
        "limits_changed_by": account.limits_changed_by,
        "limits_changed_at": limits_at and clock.iso(limits_at),
        "category_id": account.category_id,
        "sequencing": account.sequencing,
        "state_reason": account.state_reason,
        "state_changed_by": account.state_changed_by,
        "state_changed_at": None if changed_at is None else clock.iso(changed_at),
        "lock_version": held.lock_version,
        "balances": show_balances(held),
        "workspace": current_tenant().slug,
        "created_at": clock.iso(account.created_at),
        "updated_at": clock.iso(account.updated_at),
        "metadata": account.metadata,
    }
