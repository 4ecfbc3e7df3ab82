"""``manage.py ledger_check``: sentences for people, JSON for programs, and a status for both."""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from psycopg import sql

from ledger import operations, queries
from ledger.tasks import check_on_request, check_when_due
from tests.ledger.book import Book
from zentra.core import clock, ids, schema
from zentra.core.queue import WorkItem
from zentra.core.tenancy import TenantRef, tenant_work


def run(*arguments: str) -> tuple[str, int]:
    """What the command says, and its status."""
    out, status = StringIO(), 0
    try:
        call_command("ledger_check", *arguments, stdout=out, stderr=StringIO())
    except SystemExit as ended:
        status = int(str(ended.code))
    return out.getvalue(), status


def corrupt(book: Book, code: str) -> None:
    """Let an account's balance say one more than its history."""
    with schema.connect_as_owner() as owner:
        owner.execute(sql.SQL("SET search_path = {}").format(sql.Identifier(book.workspace.schema)))
        owner.execute(
            "UPDATE ledger_balance SET posted_credits = posted_credits + 1"
            " WHERE account_id = (SELECT id FROM ledger_account WHERE code = %s)",
            [code],
        )


def test_a_sound_ledger_is_said_to_be_sound(book: Book) -> None:
    book.sequence()

    said, status = run("--workspace", book.workspace.slug)

    assert status == 0
    assert said.startswith(f"{book.workspace.slug}: sound. 2 postings, 5 entries and 11 accounts were checked in ")


def test_a_divergence_is_told_with_its_first_row_and_ends_with_1(book: Book) -> None:
    book.open("acme", floor=0)
    book.move("bank", "acme", 40)
    corrupt(book, "acme")

    said, status = run("--workspace", book.workspace.slug)

    assert status == 1
    lines = said.splitlines()
    assert lines[0].startswith(f"{book.workspace.slug}: DIVERGED. ")
    assert lines[1] == "  Balances are the sum of the entries placed: 1 does not."
    assert lines[2] == "    First: Account acme: the posted credits of its history are 40, its balance says 41."
    assert lines[3] == "      posted_credits: expected 40, found 41"
    assert lines[4:] == [
        "  Each currency adds up to zero: 1 does not.",
        "    First: The balances of USD add up to 1, not to zero.",
        "      sum_minor: expected 0, found 1",
    ]


def test_json_is_one_object_a_workspace(book: Book, make_workspace: Callable[..., TenantRef]) -> None:
    other = make_workspace()
    book.open("acme", floor=0)
    book.move("bank", "acme", 40)
    corrupt(book, "acme")

    said, status = run("--json", "--workspace", book.workspace.slug, other.slug)

    assert status == 1
    diverged, sound = (json.loads(line) for line in said.splitlines())
    assert (diverged["workspace"], diverged["state"]) == (book.workspace.slug, "diverged")
    assert diverged["findings"][0]["rows"][0]["found"]["posted_credits"] == 41
    assert (sound["workspace"], sound["state"], sound["findings"]) == (other.slug, "sound", [])


def test_an_unknown_workspace_is_refused(book: Book) -> None:
    with pytest.raises(CommandError, match="There is no workspace nobody-s"):
        call_command("ledger_check", "--workspace", book.workspace.slug, "nobody-s", stdout=StringIO())
    with tenant_work(book.workspace):
        assert queries.latest_check() is None


def test_the_schedule_checks_what_is_due_and_only_that(book: Book) -> None:
    check_when_due(book.workspace)
    check_when_due(book.workspace)

    with tenant_work(book.workspace):
        runs = queries.list_checks(limit=5)
    assert [(each.started_by, each.state) for each in runs] == [("schedule", "sound")]


def test_a_person_asks_for_a_check_and_the_worker_makes_it(book: Book) -> None:
    now = clock.now()
    with tenant_work(book.workspace):
        operations.request_check(started_by="usr_1", now=now)
        queued = book.sql("SELECT kind, ref FROM public.work_item WHERE workspace_id = %s", [book.workspace.id])
    assert ("ledger.check", "usr_1") in queued

    item = WorkItem(ids.new_uuid(), book.workspace.id, "ledger.check", "usr_1", now, 1, ids.new_uuid())
    check_on_request(item, book.workspace)

    with tenant_work(book.workspace):
        latest = queries.latest_check()
    assert latest is not None
    assert (latest.started_by, latest.state) == ("usr_1", "sound")
