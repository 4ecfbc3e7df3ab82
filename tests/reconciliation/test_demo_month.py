"""The demo's finished month: what the simulators wrote is imported, posted and matched, and each break is found."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import pytest
from pytest_django import DjangoDbBlocker

from ledger.operations import create_chart
from ledger.queries import find_account, history_after
from tests.people import join
from tests.routing.processes import SimulatorProcess, free_port
from tests.workspaces import create, drop
from zentra.core.actors import Actor
from zentra.core.queue.models import WorkItem
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.demo.month import Volume, seed_month
from zentra.reconciliation.matching.models import Expected, MatchException, OpenEntry, OpenLine
from zentra.reconciliation.statements import collecting
from zentra.reconciliation.statements.collecting import collect_files
from zentra.reconciliation.statements.models import ImportProblem, Line, ReconciledAccount, Statement, StatementImport
from zentra.routing.operations import connect_sandbox_rails
from zentra.routing.providers.sandbox import register
from zentra.routing.queries import list_registrations

NOW = datetime.now(UTC)


@dataclass(frozen=True)
class Month:
    """A workspace with its finished month, and the simulators that wrote it."""

    workspace: TenantRef
    simulator: SimulatorProcess
    finance: Actor


@pytest.fixture(scope="module")
def made(
    migrated: str, django_db_blocker: DjangoDbBlocker, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Month]:
    """Made once: it takes hundreds of files. The tests leave it as it is."""
    simulator = SimulatorProcess(tmp_path_factory.mktemp("month") / "rails.sqlite3", free_port())
    simulator.start()
    with django_db_blocker.unblock():
        workspace = create(slug=None, mode="sandbox", ledger_currency="USD")
        with tenant_work(workspace):
            create_chart(currency="EUR", now=NOW)
            connect_sandbox_rails(ws=workspace, sandbox_url=simulator.url, now=NOW)
            registrations = list_registrations(callback_base_url="http://127.0.0.1:9")
        register(registrations)
        month = Month(workspace, simulator, join(workspace, role="finance").actor())
        assert seed(month)
    yield month
    with django_db_blocker.unblock():
        drop(workspace)
    simulator.close()


@pytest.fixture
def month(made: Month, database: None) -> Month:
    return made


def seed(month: Month) -> bool:
    volume = Volume(month.workspace.slug, (("USD", 7), ("EUR", 2)))
    return seed_month(ref=month.workspace, volume=volume, sandbox_url=month.simulator.url, actor=month.finance, now=NOW)


def test_a_finished_month_is_there_with_every_kind_of_break(month: Month) -> None:
    with tenant_work(month.workspace):
        states = Counter(StatementImport.objects.values_list("state", flat=True))
        problems = list(ImportProblem.objects.values_list("code", flat=True))
        continuity = Counter(Statement.objects.values_list("continuity", flat=True))
        kinds = Counter(MatchException.objects.exclude(state="resolved").values_list("kind", flat=True))
        lines, open_lines, open_entries = Line.objects.count(), OpenLine.objects.count(), OpenEntry.objects.count()
        expected = Counter(Expected.objects.values_list("state", flat=True))
    assert not WorkItem.objects.filter(
        workspace_id=month.workspace.id, done_at=None, kind__startswith="recon."
    ).exists()
    assert set(states) == {"done"}
    assert continuity["gap"] == 1
    assert problems == ["continuity_gap"]
    assert lines > 300
    assert (open_lines < 20, open_entries < 30) == (True, True)
    assert expected["arrived"] > 60
    assert expected["missing"] == kinds["missing"]
    assert set(kinds) >= {
        "line_only", "entry_only", "amount_differs", "date_differs", "duplicate", "split_mismatch", "fee_variance",
        "currency_differs", "continuity_break", "missing",
    }  # fmt: skip


def test_what_rails_paid_out_is_posted_once_for_each_batch(month: Month) -> None:
    with tenant_work(month.workspace):
        payouts = Line.objects.filter(kind="payout").values_list("currency", "amount_minor", "gross_minor")
        told = Counter((currency, -net, -(gross or 0)) for currency, net, gross in payouts)
        posted: Counter[tuple[str, int, int]] = Counter()
        for currency in ("USD", "EUR"):
            bank = history_after(
                account_id=find_account(ref="bank", currency=currency).id, after_version=0, limit=5_000
            )
            rails = history_after(
                account_id=find_account(ref="rail_receivable", currency=currency).id, after_version=0, limit=5_000
            )
            owed = {each.posting_id: each.amount_minor for each in rails.entries if each.direction == "credit"}
            for each in bank.entries:
                if each.purpose == "settlement.batch":
                    posted[(currency, each.amount_minor, owed[each.posting_id])] += 1

    assert posted == told
    assert len(told) > 60


def test_doing_it_again_and_collecting_again_changes_nothing(month: Month) -> None:
    with tenant_work(month.workspace):
        before = (StatementImport.objects.count(), Line.objects.count(), ReconciledAccount.objects.count())

    assert not seed(month)
    assert collect_files(ws=month.workspace, now=NOW) == []
    collecting._read_to.clear()  # as after a restart
    assert collect_files(ws=month.workspace, now=NOW) == []
    month.simulator.kill()
    assert collect_files(ws=month.workspace, now=NOW) == []

    with tenant_work(month.workspace):
        after = (StatementImport.objects.count(), Line.objects.count(), ReconciledAccount.objects.count())
    assert after == before
