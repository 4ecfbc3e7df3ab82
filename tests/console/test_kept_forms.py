"""A form of the finance rooms that is refused comes back open, with what was typed and the refusal beside its field."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.test import Client

from tests.console.test_accounts_room import form
from tests.console.test_closeout_room import MONTH, closing, hidden, second  # noqa: F401  # fixtures
from tests.console.test_step_up_money import ASKED, kept
from tests.reconciliation.desks import DeskOfTests, desk_of
from zentra.core.tenancy import tenant_work
from zentra.reconciliation.matching.queries.bench import list_open_entries, list_open_lines

if TYPE_CHECKING:
    from tests.people import Person
    from tests.reconciliation.closing import Closing
    from zentra.core.tenancy import TenantRef

SAID = "the bank's own charge, see advice 88213"


@pytest.fixture
def desk(workspace: TenantRef) -> DeskOfTests:
    return desk_of(workspace)


def send(client: Client, person: Person, path: str, **fields: Any) -> Any:
    return client.post(f"/w/{person.workspace.slug}/{path}", {**form(), **fields})


def act(page: str, key: str) -> str:
    """The form of an act, which has to be open."""
    found = re.search(rf'<details class="menu boxed" id="act-{key}"( open)?>(.*?)</details>', page, re.DOTALL)
    assert found, key
    assert found[1], f"{key} is not open"
    return html.unescape(found[2])


def test_a_missing_code_is_said_beside_its_field_and_the_words_stay(desk: DeskOfTests) -> None:
    found = desk.with_line()
    client = desk.first.sign_in_with_code(Client())
    answer = send(
        client, desk.first, f"reconciliation/exceptions/{found.id}/explain/", version=str(found.version), reason=SAID
    )
    assert answer.status_code == 422
    shown = act(answer.content.decode(), "explain")
    assert SAID in shown
    assert "Please fill in “Reason”" in shown
    assert re.search(r'name="reason_code"[^>]* aria-invalid="true" aria-describedby="explain-reason_code-error"', shown)
    assert 'id="explain-reason_code-error"' in shown
    assert f'name="next" value="/w/{desk.ws.slug}/reconciliation/exceptions/{found.id}/"' in shown


def test_a_stale_form_keeps_its_words_and_is_taken_the_second_time(desk: DeskOfTests) -> None:
    found = desk.with_line()
    here = f"reconciliation/exceptions/{found.id}/"
    client = desk.first.sign_in_with_code(Client())
    assert (
        send(desk.second.sign_in(Client()), desk.second, f"{here}take/", version=str(found.version)).status_code == 302
    )
    said = {"reason_code": "bank_error", "reason": SAID}
    answer = send(client, desk.first, f"{here}explain/", version=str(found.version), **said)
    assert answer.status_code == 409
    page = answer.content.decode()
    shown = act(page, "explain")
    assert SAID in shown
    assert '<option value="bank_error" selected>' in shown
    assert "Somebody acted on this exception" in shown
    assert (
        send(client, desk.first, f"{here}explain/", version=hidden(page, "explain", "version"), **said).status_code
        == 302
    )
    assert desk.get(found).resolution == "explained"


def test_what_cannot_be_done_any_more_stands_on_top_with_what_was_written(desk: DeskOfTests) -> None:
    found = desk.with_line()
    here = f"reconciliation/exceptions/{found.id}/"
    client = desk.first.sign_in_with_code(Client())
    first = send(client, desk.first, f"{here}explain/", version=str(found.version), reason_code="timing")
    assert first.status_code == 302
    late = send(client, desk.first, f"{here}explain/", version="1", reason_code="bank_error", reason=SAID)
    page = html.unescape(late.content.decode())
    assert (late.status_code, "This exception is resolved" in page) == (409, True)
    assert f"You had written: {SAID}" in page


def test_the_question_for_the_code_keeps_the_words_and_the_act_goes_on(desk: DeskOfTests) -> None:
    found = desk.with_line()
    client, here = desk.first.sign_in(Client()), f"reconciliation/exceptions/{found.id}/explain/"
    said = form(version=str(found.version), reason_code="bank_error", reason=SAID)
    asked = send(client, desk.first, here, **said)
    page = asked.content.decode()
    assert (asked.status_code, ASKED in page, desk.get(found).state) == (403, True, "open")
    assert kept(page).items() >= said.items()
    done = send(client, desk.first, here, **kept(page), step_up_code=desk.first.totp_code())
    assert done.status_code == 302
    assert desk.get(found).resolution == "explained"


def test_a_note_and_an_adjustment_keep_what_was_typed(desk: DeskOfTests) -> None:
    found = desk.with_line(-500)
    client, here = desk.first.sign_in(Client()), f"reconciliation/exceptions/{found.id}/"
    said = {
        "version": str(found.version), "reason_code": "bank_fee", "reason": SAID, "effective_on": "soon",
        "account_0": "fees", "direction_0": "debit", "amount_0": "451",
        "account_1": "bank", "direction_1": "credit", "amount_1": "451",
    }  # fmt: skip
    answer = send(client, desk.first, f"{here}adjust/", **said)
    shown = act(answer.content.decode(), "adjust")
    assert (answer.status_code, SAID in shown, shown.count('value="451"')) == (422, True, 2)
    assert 'id="adjust-effective_on-error"' in shown
    empty = send(client, desk.first, f"{here}note/", text="  ").content.decode()
    assert 'id="note-error"' in empty


def test_several_keep_their_ticks(desk: DeskOfTests) -> None:
    found = [desk.with_line(-100 - number).id for number in range(3)]
    client = desk.first.sign_in_with_code(Client())
    answer = send(
        client, desk.first, "reconciliation/exceptions/explain/?kind=line_only", exception=found[:2], reason=SAID
    )
    page = html.unescape(answer.content.decode())
    assert answer.status_code == 422
    assert SAID in page
    assert 'id="bulk-error"' in page
    for each in found:
        box = re.search(rf'<input type="checkbox" name="exception" value="{each}"[^>]*>', page)
        assert box
        assert ("checked" in box[0]) == (each in found[:2])


def test_the_workbench_keeps_what_was_chosen(closing: Closing, finance: Person) -> None:  # noqa: F811
    closing.money(450, "A1")
    closing.state((500, "A1"))
    closing.run()
    with tenant_work(closing.ws):
        line = list_open_lines(account_id=closing.bank.account, limit=1)[0].id
        entry = list_open_entries(account_id=closing.bank.account, limit=1)[0].id
    client = finance.sign_in_with_code(Client())
    here = f"reconciliation/accounts/{closing.bank.account}/workbench/match/"
    answer = send(client, finance, here, line=line, entry=entry)
    page = answer.content.decode()
    assert answer.status_code == 422
    assert 'id="match-error"' in page
    for each in (line, entry):
        assert re.search(rf'value="{each}"[^>]* checked', page), each
    nothing = send(client, finance, here, reason=SAID)
    assert SAID in html.unescape(nothing.content.decode())


def test_a_month_keeps_what_was_typed(closing: Closing, finance: Person, second: Person) -> None:  # noqa: F811
    path = f"closeout/{MONTH}/"
    client = finance.sign_in_with_code(Client())
    assert send(client, finance, f"{path}soft-close/", version=str(closing.period.version)).status_code == 302
    answer = send(second.sign_in_with_code(Client()), second, f"{path}lock/", version=str(closing.period.version))
    shown = act(answer.content.decode(), "lock")
    assert (answer.status_code, "Tick that you looked" in shown) == (422, True)
    stale = send(client, finance, f"{path}soft-open/", version="1", reason=SAID)
    shown = act(stale.content.decode(), "soft-open")
    assert (stale.status_code, SAID in shown) == (409, True)
    tie = f"{path}tie-outs/{closing.tie_out().id}/"
    assert "another person locks it" in client.get(f"/w/{finance.workspace.slug}/{path}?tab=checklist").content.decode()
    assert client.get(f"/w/{finance.workspace.slug}/{tie}").status_code == 200
