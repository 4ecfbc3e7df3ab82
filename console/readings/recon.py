"""What the pages of reconciliation share: its tabs, the account of an address, names, amounts of filters."""

from collections.abc import Iterable
from typing import Any, Final

from console import paging
from console.doors import Visit
from console.presenters.accounts import Names
from console.presenters.accounts import person as person_of
from console.readings.ledger import names_of
from console.refusals import explain
from console.types import Chip
from console.types.finance import Cell, Problem
from zentra.core.errors import DomainError
from zentra.reconciliation.matching.desk.queries import count_exceptions
from zentra.reconciliation.statements.queries import list_reconciled_accounts
from zentra.reconciliation.statements.types import ReconciledAccountRecord
from zentra.tenants.queries import names_of_users

ROOM: Final = "reconciliation"
PAGE: Final = 50


def home(visit: Visit) -> str:
    """Where the room is."""
    return f"{visit.base}reconciliation/"


def account_url(visit: Visit, account_id: str) -> str:
    """The page of a reconciled account."""
    return f"{home(visit)}accounts/{account_id}/"


def room_tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    """The views of the room."""
    counts = count_exceptions(now=visit.now, user_id=visit.member.user_id)
    named = (
        ("", "Accounts", None),
        ("imports", "Imports", None),
        ("exceptions", "Exceptions", counts.open + counts.waiting),
        ("matches", "Matches", None),
        ("runs", "Runs", None),
        ("expected", "Expected", None),
    )
    here = home(visit)
    return tuple(Chip(title, f"{here}{key}/" if key else here, key == current, count) for key, title, count in named)


def account_tabs(visit: Visit, account_id: str, current: str) -> tuple[Chip, ...]:
    """The views of one account."""
    here = account_url(visit, account_id)
    named = (("", "Overview"), ("workbench", "Workbench"), ("rules", "Rules"))
    return tuple(Chip(title, f"{here}{key}/" if key else here, key == current) for key, title in named)


def crumbs(visit: Visit, *further: tuple[str, str]) -> tuple[tuple[str, str], ...]:
    """The way back to the room."""
    return (("Reconciliation", home(visit)), *further)


def accounts_by_id() -> dict[str, ReconciledAccountRecord]:
    """Every reconciled account of the workspace; there are few."""
    return {account.id: account for account in list_reconciled_accounts(includes_closed=True)}


def account_words(account: ReconciledAccountRecord) -> str:
    """``settlement_usd · bank ••4471``."""
    tail = account.external_id[-4:]
    shown = f"••{tail}" if account.kind == "bank" and len(account.external_id) > 4 else account.external_id
    return f"{account.ledger_account_code} · {account.kind} {shown}"


def people(actors: Iterable[dict[str, Any] | None], also: Iterable[str | None] = ()) -> Names:
    """The names of actors and of those people, in one statement each."""
    known = [each for each in actors if each]
    named = names_of(known)
    more = [each for each in also if each and each not in named]
    ours = {str(each["id"]): "Zentra" for each in known if str(each.get("id", "")).startswith("svc_")}
    return {**named, **(names_of_users(user_ids=more) if more else {}), **ours}


def who(actor: dict[str, Any] | None, names: Names) -> Cell:
    """A cell with who did it."""
    return Cell(person_of(actor, names), css="quiet")


def account_chips(here: str, account_id: str | None, **kept: Any) -> tuple[Chip, ...]:
    """All accounts, or one of them; nothing while there is one at most."""
    accounts = accounts_by_id()
    if len(accounts) < 2:
        return ()
    return (
        Chip("Every account", paging.link(here, **kept), account_id is None),
        *(
            Chip(each.name, paging.link(here, **kept, account=each.id), each.id == account_id)
            for each in accounts.values()
        ),
    )


def problem_of(visit: Visit, error: DomainError | None) -> Problem | None:
    """What was refused, for the top of a form."""
    if error is None:
        return None
    refusal = explain(error, workspace_id=visit.workspace.id)
    return Problem(f"{refusal.title}.", f"{refusal.why} {refusal.next}".strip())
