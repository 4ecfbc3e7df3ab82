"""What people do to a reconciled account: open it, change it, close it, run its rules."""

from typing import Final

from django.http import HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import render

from console.asked import version_of
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.kept import keeping
from console.presenters.finance import options
from console.readings.recon import ROOM, account_url, crumbs, home, problem_of
from console.shell import build_shell
from console.types.finance import Ask, FormPage
from console.views.recon_accounts import CALENDARS, account_page
from ledger.queries import list_accounts
from zentra.core.errors import DomainError
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching.operations import request_run
from zentra.reconciliation.statements.operations import (
    change_reconciled_account,
    close_reconciled_account,
    open_reconciled_account,
)
from zentra.reconciliation.statements.queries import get_reconciled_account, list_reconciled_accounts
from zentra.tenants.operations import hold_membership
from zentra.tenants.permissions import Permission

_TYPED: Final = ("ledger_account", "kind", "name", "external_id", "calendar", "settle_days")


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
def open_one(visit: Visit) -> HttpResponse:
    """Open a reconciled account."""
    if visit.request.method != "POST":
        with tenant_work(visit.workspace):
            return _form(visit, {"settle_days": "1", "kind": "bank", "calendar": "weekdays"})

    def effect() -> Done:
        record = open_reconciled_account(
            ledger_account=words(visit, "ledger_account"),
            kind="rail" if visit.request.POST.get("kind") == "rail" else "bank",
            name=words(visit, "name"),
            external_id=words(visit, "external_id"),
            calendar=words(visit, "calendar"),
            settle_days=_days(visit),
            mapping=None,
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"{record.name} is reconciled from now on.", account_url(visit, record.id))

    try:
        with tenant_work(visit.workspace):
            hold_membership(member=visit.member)
            return act_once(visit, operation="recon.open", effect=effect)
    except DomainError as error:
        with tenant_work(visit.workspace):
            typed = {name: visit.request.POST.get(name, "") for name in _TYPED}
            return _form(visit, typed, error)


def _days(visit: Visit) -> int:
    text = visit.request.POST.get("settle_days", "").strip()
    if not text.isascii() or not text.isdecimal() or len(text) > 2:
        raise FormIncomplete("Say after how many business days money arrives, 0 to 60.", field="settle_days")
    return int(text)


def _form(visit: Visit, typed: dict[str, str], error: DomainError | None = None) -> HttpResponse:
    taken = {account.ledger_account_id for account in list_reconciled_accounts(includes_closed=True)}
    able = [each for each in list_accounts(limit=200, account_class="asset") if each.id not in taken]
    choices = [("", "Choose an account"), *((each.id, f"{each.code} · {each.currency}") for each in able)]
    page = FormPage(
        heading="Open a reconciled account",
        words="A ledger account that a bank or a rail keeps too.",
        crumbs=crumbs(visit),
        url=f"{home(visit)}open/",
        back_url=home(visit),
        verb="Open it",
        asks=(
            Ask("ledger_account", "Ledger account", options=options(choices, typed.get("ledger_account", ""))),
            Ask(
                "kind",
                "Who keeps it too",
                options=options((("bank", "a bank"), ("rail", "a rail")), typed.get("kind", "")),
            ),
            Ask("name", "Name", typed.get("name", ""), maximum=120, placeholder="Northwind operating, First Bank"),
            Ask(
                "external_id",
                "How their files name it",
                typed.get("external_id", ""),
                maximum=64,
                hint="The IBAN or account number; of a rail its name.",
            ),
            Ask("calendar", "Business days", options=options(CALENDARS, typed.get("calendar", ""))),
            Ask(
                "settle_days",
                "Money arrives after, business days",
                typed.get("settle_days", ""),
                type="number",
                maximum=2,
                hint="T+1 is 1.",
            ),
        ),
        problem=problem_of(visit, error),
    )
    context = {"shell": build_shell(visit, room=ROOM), "page": page, "room": "recon-open"}
    return render(visit.request, "console/finance/form.html", context, status=error.status if error else 200)


@room(Permission.RECONCILIATION_MATCH, in_transaction=False)
@keeping(account_page, act="change")
def change(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Change what may change of an account."""

    def effect() -> str:
        record = change_reconciled_account(
            account_id=recon_id,
            name=words(visit, "name"),
            external_id=words(visit, "external_id"),
            calendar=words(visit, "calendar"),
            settle_days=_days(visit),
            version=version_of(visit),
            actor=visit.actor(),
            now=visit.now,
        )
        return f"{record.name} is saved."

    return act_once(visit, operation="recon.change", effect=effect, to=account_url(visit, recon_id))


@room(Permission.CLOSEOUT_APPROVE, in_transaction=False, step_up=True)
@keeping(account_page, act="close")
def close(visit: Visit, recon_id: str) -> HttpResponseBase:
    """Import nothing more for an account."""
    reason = words(visit, "reason")

    def effect() -> str:
        record = close_reconciled_account(
            account_id=recon_id, version=version_of(visit), actor=visit.actor(), reason=reason, now=visit.now
        )
        return f"{record.name} is closed: nothing more is imported for it."

    return act_once(visit, operation="recon.close", effect=effect, to=account_url(visit, recon_id))


@room(Permission.RECONCILIATION_MATCH)
def run(visit: Visit, recon_id: str) -> HttpResponse:
    """Run the account's rules, or say what they would do."""
    account, is_dry_run = get_reconciled_account(account_id=recon_id), visit.request.POST.get("dry") == "yes"

    def effect() -> Done:
        record = request_run(
            account_id=account.id, is_dry_run=is_dry_run, actor=visit.actor(), ws=visit.workspace, now=visit.now
        )
        said = "A dry run has begun; nothing is changed." if is_dry_run else f"{account.name} is being matched."
        return Done(said, f"{home(visit)}runs/{record.id}/")

    return act_once(visit, operation="recon.run", effect=effect)
