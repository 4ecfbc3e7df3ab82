"""What the rooms of finance say agrees with the tables, counted anew by SQL; and pages ask no more for more rows."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING

from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from tests.console.test_accounts_room import read
from tests.console.test_closeout_room import MONTH, closing  # noqa: F401  # a fixture
from tests.reconciliation.desks import DeskOfTests, desk_of
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.statements.queries import get_line, latest_statements

if TYPE_CHECKING:
    from tests.people import Person
    from tests.reconciliation.closing import Closing


def counted(workspace: TenantRef, statement: str) -> int:
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(statement)
        found = cursor.fetchone()
    return int(found[0] or 0)


def figure(page: str, label: str) -> str:
    found = re.search(rf'<dt class="label">{label}</dt><dd class="[^"]*">([^<]*)</dd><dd class="quiet">([^<]*)', page)
    assert found, label
    return f"{found[1]} {found[2]}".strip()


def test_figures_of_the_rooms_are_those_of_the_tables(closing: Closing, auditor: Person) -> None:  # noqa: F811
    closing.money(450, "A1")
    closing.money(70, "B1")
    closing.state((500, "A1"), (90, "C1"))
    closing.run()
    closing.tie_out()
    ws, page = closing.ws, read(auditor, "reconciliation/")
    lines = counted(ws, "SELECT count(*) FROM recon_line")
    open_lines = counted(ws, "SELECT count(*) FROM recon_open_line")
    entries = counted(ws, "SELECT count(*) FROM recon_open_entry")
    exceptions = counted(ws, "SELECT count(*) FROM recon_exception WHERE state <> 'resolved'")
    balance = counted(
        ws,
        "SELECT sum(CASE e.direction WHEN 'debit' THEN e.amount_minor ELSE -e.amount_minor END) "
        "FROM ledger_entry e JOIN ledger_account a ON a.id = e.account_id JOIN ledger_posting p ON p.id = e.posting_id "
        "WHERE a.code = 'bank' AND a.currency = 'USD' AND p.effective_at < date_trunc('month', now(), 'UTC')",
    )
    assert figure(page, "open lines").startswith(f"{open_lines} ")
    assert figure(page, "open entries").startswith(f"{entries} ")
    assert figure(page, "exceptions").startswith(f"{exceptions} ")
    assert figure(page, "matched").endswith(f"{lines - open_lines} of {lines} lines")
    shown = read(auditor, f"closeout/{MONTH}/?tab=exceptions")
    told = re.search(r"Ledger balance,[^<]*</dt><dd class=\"num\">([^<]*)</dd>", shown)
    assert told
    assert told[1] == f"{balance:,}"
    assert open_lines > 1
    assert exceptions > 1


def test_the_desk_asks_no_more_for_more_rows(workspace: TenantRef, auditor: Person) -> None:
    desk: DeskOfTests = desk_of(workspace)
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/reconciliation/exceptions/"
    desk.with_line(-100)
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(8):
        desk.with_line(-200 - number)
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) <= len(few)


def test_the_accounts_ask_no_more_for_more_accounts(workspace: TenantRef, auditor: Person) -> None:
    desk: DeskOfTests = desk_of(workspace)
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/reconciliation/"
    desk.add_line(-100)
    client.get(address)
    few = asked_of_accounts(client, address)
    rail = desk.open_bank(code="rail_receivable", kind="rail")
    desk.add_line(-100, account=rail, day=clock.now().date() - timedelta(3))
    latest = desk.add_line(-200, account=rail)
    assert asked_of_accounts(client, address) == few > 0
    found = desk.do(latest_statements, account_ids=[desk.bank, rail])
    assert found[rail].id == desk.do(get_line, line_id=latest).statement_id


def asked_of_accounts(client: Client, address: str) -> int:
    """How many statements of the page read what there may be much of."""
    with CaptureQueriesContext(connection) as captured:
        assert client.get(address).status_code == 200
    return sum("recon_" in each["sql"] for each in captured)
