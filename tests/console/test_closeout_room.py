"""The Closeout room: a month from its five steps to the lock, by two people, and open again for a while."""

from __future__ import annotations

import io
import re
import zipfile
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from ledger.errors import ClosedPeriod
from tests.console.test_accounts_room import form, read
from tests.evidence.sealing import seal
from tests.people import join
from tests.reconciliation.closing import LAST, Closing
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.reconciliation.closeout.operations import seal_requested
from zentra.reconciliation.closeout.queries import list_packets, list_tasks

if TYPE_CHECKING:
    from tests.people import Person
    from zentra.reconciliation.closeout.types import TaskRecord

MONTH = f"{LAST:%Y-%m}"


@pytest.fixture
def second(workspace: TenantRef) -> Person:
    """Another person of finance."""
    return join(workspace, role="finance", name="Second")


@pytest.fixture
def closing(workspace: TenantRef) -> Closing:
    """A month with one payment that the bank has too, matched."""
    made = Closing(workspace)
    made.money(1_000, "R1")
    made.run()
    made.state((1_000, "R1"))
    made.run()
    made.tie_out()
    return made


def page(person: Person, path: str = "") -> str:
    return read(person, f"closeout/{MONTH}/{path}")


def say(person: Person, path: str, **fields: Any) -> str:
    """A form of the room, with a fresh code, and the page that it leads to."""
    client = person.sign_in_with_code(Client())
    address = f"/w/{person.workspace.slug}/closeout/{MONTH}/{path}"
    return client.post(address, {**form(), **fields}, follow=True).content.decode()


def hidden(html: str, act: str, name: str) -> str:
    """A hidden field of an act's form."""
    block = html.split(f'id="act-{act}"', 1)[1].split("</form>", 1)[0]
    found = re.search(rf'name="{name}" value="([^"]*)"', block)
    assert found, (act, name)
    return found[1]


def tie_path(closing: Closing) -> str:
    return f"tie-outs/{closing.tie_out().id}/"


def tick_off(closing: Closing, person: Person) -> None:
    """What people tick off, each through its page."""
    for _ in range(20):
        with tenant_work(closing.ws):
            tasks = list_tasks(period_id=closing.period.id, now=now())
        task = next(
            (each for each in tasks if not each.is_computed and each.state == "todo" and each.key != "packet"), None
        )
        if task is None:
            return
        assert "is done" in say(person, f"tasks/{task.id}/finish/", version=str(task.version), note="looked at")


def test_the_room_lists_its_months_and_everybody_who_reads_sees_them(
    workspace: TenantRef, auditor: Person, closing: Closing
) -> None:
    text = read(auditor, "closeout/")
    assert f"{LAST:%B %Y}" in text
    assert "open" in text
    for tab, said in (
        ("checklist", "Tie-outs and sign-offs"), ("exceptions", "Matched by rule"), ("trial", "Trial balance"),
        ("packet", "Audit sample"),
    ):  # fmt: skip
        shown = page(auditor, f"?tab={tab}")
        for step in ("Import", "Match", "Resolve", "Tie out", "Sign and lock"):
            assert step in shown, (tab, step)
        assert said in shown, tab
        assert "act-soft-close" not in shown
    trial = page(auditor, "?tab=trial")
    assert re.search(r"\d+ accounts without amounts left out", trial)
    assert "Total USD" in trial
    assert "Closeout report" in page(auditor, "report/")
    client = auditor.sign_in(Client())
    for path in ("2026-13/", "nothing/", f"{MONTH}/tie-outs/{ids.new_id('tie')}/", f"{MONTH}/tasks/x/"):
        assert client.get(f"/w/{workspace.slug}/closeout/{path}").status_code in {400, 404}, path


def test_what_is_left_is_told_part_by_part_and_signed_only_when_it_is_explained(
    closing: Closing, finance: Person, second: Person
) -> None:
    closing.money(310, "R2", before_the_end=2)
    closing.run()
    path = tie_path(closing)
    shown = page(finance, path)
    assert "Unexplained" in shown
    assert "act-prepare" not in shown
    version = hidden(shown, "explain", "version")
    assert "in words" in say(finance, f"{path}explain/", version=version)
    assert "1 to 500" in say(finance, f"{path}explain/", version=version, explanation="x" * 501)
    assert "is explained" in say(finance, f"{path}explain/", version=version, explanation="booked twice, see R2")
    assert "changed" in say(finance, f"{path}explain/", version=version, explanation="again")
    assert "once the month is softly closed" in page(finance, path)
    closing.soft_close()
    shown = page(finance, path)
    assert "booked twice, see R2" in shown
    figures = hidden(shown, "prepare", "figures_hash")
    assert "signed as preparer" in say(finance, f"{path}prepare/", figures_hash=figures)
    closing.money(5, "R3", purpose="adjustment.fee")
    closing.run()
    closing.tie_out()
    assert "changed after it was signed" in page(second, path)


def test_two_people_sign_and_close_the_month_and_nothing_posts_into_it(
    workspace: TenantRef, closing: Closing, finance: Person, second: Person, auditor: Person
) -> None:
    path = tie_path(closing)
    assert "act-prepare" not in page(finance, path)  # not before the month is softly closed
    version = hidden(page(finance, "?tab=checklist"), "soft-close", "version")
    assert "only adjustments post" in say(finance, "soft-close/", version=version)
    shown = page(finance, path)
    assert "Unexplained" in shown
    figures = hidden(shown, "prepare", "figures_hash")
    without = finance.sign_in(Client()).post(
        f"/w/{workspace.slug}/closeout/{MONTH}/{path}prepare/", {**form(), "figures_hash": figures}
    )
    assert without.status_code in {401, 403}  # the code is asked for
    assert "act-approve" not in page(second, path)
    assert "signed as preparer" in say(finance, f"{path}prepare/", figures_hash=figures)
    assert "act-approve" not in page(finance, path)
    assert "second person does this" in say(finance, f"{path}approve/", figures_hash=figures)
    assert "signed by two people" in say(second, f"{path}approve/", figures_hash=figures)
    assert "act-lock" not in page(finance, "?tab=checklist")
    locked = {"version": str(closing.period.version)}
    assert "Tick that you looked" in say(second, "lock/", **locked)
    assert "left to do" in say(second, "lock/", **locked, sure="yes")  # the checklist is not done
    assert closing.period.state == "soft"
    tick_off(closing, finance)
    locked = {"version": hidden(page(second, "?tab=checklist"), "lock", "version")}
    assert "is locked. Nothing posts" in say(second, "lock/", **locked, sure="yes")
    with pytest.raises(ClosedPeriod):
        closing.money(5, "LATE")
    assert "locked" in page(auditor)

    version = hidden(page(finance, "?tab=checklist"), "reopen", "version")
    for wrong in ("x", "4", "10081"):
        refused = say(finance, "reopen/", version=version, minutes=wrong, reason="a fee")
        assert "Say for how many minutes, 5 to 10,080." in refused, wrong
    assert "second person" in say(finance, "reopen/", version=version, minutes="30", reason="a fee was forgotten")
    assert "a fee was forgotten" in page(auditor, "?tab=checklist")
    version = hidden(page(second, "?tab=checklist"), "approve-reopen", "version")
    assert "second person does this" in say(finance, "reopen/approve/", version=version)
    assert "takes adjustments until" in say(second, "reopen/approve/", version=version)
    closing.money(5, "FEE", purpose="adjustment.fee")
    assert "open again until" in page(auditor)


def task_of(closing: Closing, key: str) -> TaskRecord:
    with tenant_work(closing.ws):
        return next(each for each in list_tasks(period_id=closing.period.id, now=now()) if each.key == key)


def test_what_comes_after_the_lock_is_done_in_the_room(closing: Closing, finance: Person) -> None:
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    frozen = task_of(closing, "flux")
    assert "act-undo" not in page(finance, f"tasks/{frozen.id}/")
    last = task_of(closing, "packet")
    path = f"tasks/{last.id}/"
    version = hidden(page(finance, path), "finish", "version")
    assert "The task is done" in say(finance, f"{path}finish/", version=version, note="revision 1 is with the auditor")
    assert "13 of 13 done" in page(finance, "?tab=checklist")
    assert "act-undo" in page(finance, path)
    assert "computed anew" in say(finance, "refresh/")


def test_a_month_that_locked_by_itself_is_signed_afterwards(closing: Closing, finance: Person, second: Person) -> None:
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    closing.ask_reopen(minutes=60)
    closing.let_reopen()
    closing.money(5, "FEE", purpose="adjustment.fee")
    closing.run()
    closing.explain(words="the bank books it in the next month")
    assert closing.lock_expired(now() + timedelta(minutes=61)) is not None

    path = tie_path(closing)
    shown = page(finance, path)
    assert closing.period.state == "closed"
    assert "act-explain" not in shown
    signed = {name: hidden(shown, "prepare", name) for name in ("figures_hash", "explanation_version")}
    assert "signed as preparer" in say(finance, f"{path}prepare/", **signed)
    assert "You signed as preparer" in page(finance, path)
    assert "act-approve" in page(second, path)
    assert "signed by two people" in say(second, f"{path}approve/", **signed)
    assert closing.tie_out().state == "approved"


def test_what_is_left_in_a_locked_month_is_not_explained_before_it_is_opened_again(
    closing: Closing, finance: Person
) -> None:
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    closing.ask_reopen(minutes=60)
    closing.let_reopen()
    closing.money(5, "FEE", purpose="adjustment.fee")
    closing.run()
    assert closing.lock_expired(now() + timedelta(minutes=61)) is not None
    assert closing.tie_out().state == "suspended"
    shown = page(finance, tie_path(closing))
    assert "explained once it is opened again" in shown
    assert "act-prepare" not in shown


def test_a_softly_closed_month_is_opened_again_with_a_reason(closing: Closing, finance: Person) -> None:
    say(finance, "soft-close/", version=str(closing.period.version))
    version = str(closing.period.version)
    assert "Please fill in" in say(finance, "soft-open/", version=version)
    assert "is open again" in say(finance, "soft-open/", version=version, reason="too early")
    stale = say(finance, "soft-close/", version=version)
    assert "in the meantime" in stale or "meanwhile" in stale or "changed" in stale


def test_a_request_to_open_again_is_declined(closing: Closing, finance: Person) -> None:
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    closing.ask_reopen()
    version = hidden(page(finance, "?tab=checklist"), "decline-reopen", "version")
    assert "stays locked" in say(finance, "reopen/decline/", version=version, reason="not needed")


def test_a_task_has_an_owner_a_day_and_evidence(closing: Closing, finance: Person, auditor: Person) -> None:
    with tenant_work(closing.ws):
        tasks = list_tasks(period_id=closing.period.id, now=now())
    task = next(each for each in tasks if not each.is_computed and each.state == "todo")
    path = f"tasks/{task.id}/"
    assert task.title in page(auditor, path)
    assert "is a day" in say(finance, f"{path}assign/", version=str(task.version), owner=finance.id, due_on="soon")
    due = f"{now().date():%Y-%m-%d}"
    assert "The task is saved" in say(
        finance, f"{path}assign/", version=str(task.version), owner=finance.id, due_on=due
    )
    version = hidden(page(finance, path), "finish", "version")
    done = say(finance, f"{path}finish/", version=version, note="seen", kind="intent", ref="intent_042")
    assert "The task is done" in done
    shown = page(auditor, path)
    assert "intents/intent_042/" in shown
    version = hidden(page(finance, path), "undo", "version")
    assert "to do again" in say(finance, f"{path}undo/", version=version)
    auditor_says = auditor.sign_in(Client()).post(f"/w/{closing.ws.slug}/closeout/{MONTH}/{path}undo/", form())
    assert auditor_says.status_code == 403


def test_books_are_exported_and_mapped_to_the_general_ledger(
    closing: Closing, finance: Person, auditor: Person
) -> None:
    shown = page(finance, "?tab=packet")
    link = re.search(r"/gl/(acct_\w+)/", shown)
    assert link
    path = f"gl/{link[1]}/"
    assert "Please fill in" in say(finance, f"{path}save/", gl_code="1200")
    assert "is mapped" in say(finance, f"{path}save/", gl_code="1200", gl_name="Bank")
    assert "1200" in page(auditor, path)
    client, base = auditor.sign_in(Client()), f"/w/{closing.ws.slug}/closeout/{MONTH}/"
    journal = client.get(f"{base}journal.csv")
    assert journal.status_code == 200
    assert len(b"".join(journal.streaming_content).splitlines()) >= 3  # type: ignore[attr-defined]  # a streaming answer
    assert b"bank" in client.get(f"{base}trial-balance.csv").content
    for name in ("journal.xlsx", "trial-balance.xlsx"):
        assert zipfile.ZipFile(io.BytesIO(client.get(base + name).content)).namelist()


def test_a_packet_is_asked_for_sealed_and_downloaded(
    workspace: TenantRef, closing: Closing, finance: Person, auditor: Person
) -> None:
    assert "1 to 500" in say(finance, "packets/", sample_size="0")
    assert "is of a locked period" in say(finance, "packets/", sample_size="5")
    closing.soft_close()
    closing.prepare()
    closing.approve()
    closing.tick_off()
    closing.lock()
    assert "act-packet" in page(finance, "?tab=packet")
    assert "is being sealed" in say(finance, "packets/", sample_size="5")
    seal(workspace)
    with tenant_work(workspace):
        asked = list_packets(period_id=closing.period.id)[0]
        packet = seal_requested(packet_id=asked.id, now=now())
    assert packet.sha256[:20] in page(auditor, "?tab=packet")
    sent = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/closeout/{MONTH}/packets/{packet.id}/")
    assert zipfile.ZipFile(io.BytesIO(sent.content)).namelist()


def test_another_workspace_sees_no_month(closing: Closing, outsider: Person) -> None:
    client = outsider.sign_in(Client())
    assert client.get(f"/w/{closing.ws.slug}/closeout/{MONTH}/").status_code == 404
    there = client.get(f"/w/{outsider.workspace.slug}/closeout/{MONTH}/{tie_path(closing)}")
    assert there.status_code == 404
