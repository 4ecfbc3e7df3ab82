"""The Inbound room: callbacks by outcome, the quarantine and its repair, refusals, rails; what may be done by whom."""

from __future__ import annotations

import html
import json
import re
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.views.inbound import plot_span
from evidence.queries import latest_events
from tests.console.test_accounts_room import form, read
from tests.people import join
from tests.webhooks import signed_callbacks as sign
from tests.webhooks.intents import RoutedIntent, accepting_rail, routed_intent, with_key
from tests.webhooks.test_polling import Teller, teller  # noqa: F401  # a fixture
from tests.webhooks.test_quarantine import POISON, failing
from tests.webhooks.work import event_rows
from webhooks.operations import dismiss_callback, repair_callback, take_callback
from webhooks.queries import (
    CallbackFilter,
    count_quarantined,
    get_callback,
    get_quarantined,
    list_callbacks,
    list_quarantine,
)
from zentra.core import ids
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.operations import rotate_rail_secret, set_callback_scheme
from zentra.routing.queries import callback_secrets, list_rail_secrets

if TYPE_CHECKING:
    from tests.people import Person
    from webhooks.queries import QuarantineRecord
    from webhooks.types import CallbackRecord

NOTE = "The amount was a text."


@pytest.fixture
def intent(workspace: TenantRef) -> RoutedIntent:
    """An intent that a rail accepted, and said nothing more of."""
    with accepting_rail(workspace):
        return routed_intent(workspace)


@pytest.fixture
def told(intent: RoutedIntent) -> RoutedIntent:
    """The same, of which the rail said a good deal: applied, repeated, unmatched, quarantined, refused."""
    intent.tell("succeeded")
    intent.tell("succeeded")
    intent.tell("settled")
    with_key(intent, "rail_elsewhere.x.1").tell("settled", id="pev_stray")
    poisoned(intent)
    event_id, body = intent.event("failed")
    intent.receive(intent.headers(event_id, body, secret=sign.FORGED), body)
    return intent


def poisoned(intent: RoutedIntent, body: bytes = POISON) -> str:
    return str(intent.receive(intent.headers("pev_poison", body), body).callback_id)


def good_body(intent: RoutedIntent) -> str:
    return intent.event("succeeded", id="pev_poison")[1].decode()


def shown(text: str) -> str:
    return html.unescape(text)


def post(person: Person, path: str, **fields: str) -> tuple[int, str]:
    """Send a form; the status of the answer, and the page that one lands on."""
    client = person.sign_in_with_code(Client())
    answer = client.post(f"/w/{person.workspace.slug}/{path}", form(**fields))
    if answer.status_code == 302:
        return 302, shown(client.get(answer.headers["Location"]).content.decode())
    return answer.status_code, shown(answer.content.decode())


def callbacks(ws: TenantRef, **where: object) -> list[CallbackRecord]:
    with tenant_work(ws):
        return list(list_callbacks(where=CallbackFilter(**where)).rows)  # type: ignore[arg-type]  # words of the test


def listed(page: str) -> list[str]:
    return re.findall(r'<tr id="(\w+)"', page)


# --- callbacks -------------------------------------------------------------------------------------------------------


def test_the_front_page_agrees_with_the_database(workspace: TenantRef, auditor: Person, told: RoutedIntent) -> None:
    since, until = plot_span(now())
    with tenant_work(workspace), connection.cursor() as cursor:
        cursor.execute(
            "SELECT state, count(*) FROM webhooks_callback WHERE recorded_at >= %s AND recorded_at < %s GROUP BY 1",
            [since, until],
        )
        counts = dict(cursor.fetchall())
        newest = [row.id for row in list_callbacks().rows]
    page = shown(read(auditor, "inbound/"))
    assert counts == {"applied": 2, "duplicate": 1, "unmatched": 1, "quarantined": 1}
    assert "Callbacks by outcome: 5 callbacks, 2 not taken in" in page
    for state in ("applied", "duplicate", "late", "unmatched", "mismatch", "quarantined"):
        assert f'aria-label="{counts.get(state, 0)} {state}"' in page
    [row] = re.findall(r"<tbody>(<tr><td class=\"num\">.*?</tr>)</tbody>", page)
    assert re.findall(r">(\d+)</td>", row) == ["2", "1", "0", "1", "0", "1"]
    assert listed(page) == newest
    # Each count leads to exactly what was counted.
    [link] = re.findall(r'href="([^"]+)" aria-label="2 applied"', page)
    assert len(listed(auditor.sign_in(Client()).get(link).content.decode())) == 2


def test_a_span_of_the_plot_is_whole_half_hours_that_include_now() -> None:
    at = now().replace(minute=59, second=59)
    since, until = plot_span(at)
    assert until - since == timedelta(hours=24)
    assert until - timedelta(minutes=30) <= at < until
    assert (since.minute, since.second, since.microsecond) == (0, 0, 0)


@pytest.mark.parametrize(
    ("query", "states"),
    [
        ("outcome=duplicate", ["duplicate"]),
        ("outcome=nonsense", ["quarantined", "unmatched", "applied", "duplicate", "applied"]),
        ("q=elsewhere", ["unmatched"]),
        ("intent=intent_042&outcome=applied", ["applied", "applied"]),
        ("event=pev_poison", ["quarantined"]),
        ("source=repair", []),
        ("rail={rail}", ["quarantined", "unmatched", "applied", "duplicate", "applied"]),
        ("until=2020-01-01", []),
    ],
)
def test_callbacks_are_narrowed_by_what_stands_in_the_address(
    workspace: TenantRef, auditor: Person, told: RoutedIntent, query: str, states: list[str]
) -> None:
    page = read(auditor, f"inbound/?{query.format(rail=told.rail_id)}")
    states_of = {row.id: row.state for row in callbacks(workspace)}
    assert [states_of[each] for each in listed(page)] == states
    assert "Callbacks by outcome" not in page


@pytest.mark.parametrize("query", ["rail=nonsense", "since=soon", "until=x"])
def test_what_cannot_be_meant_is_said_so(workspace: TenantRef, auditor: Person, query: str) -> None:
    assert 'role="alert"' in read(auditor, f"inbound/?{query}")


def test_the_list_costs_the_same_with_many_callbacks(
    workspace: TenantRef, auditor: Person, intent: RoutedIntent
) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/inbound/"
    intent.tell("succeeded")
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for _ in range(12):
        intent.tell("succeeded")
    with CaptureQueriesContext(connection) as many:
        page = client.get(address).content.decode()
    assert len(many) == len(few) <= 30
    assert len(listed(page)) == 13


def test_a_callback_is_told_whole_on_its_page(workspace: TenantRef, auditor: Person, told: RoutedIntent) -> None:
    first, repeat = (callbacks(workspace, states=(state,))[-1] for state in ("applied", "duplicate"))
    assert first.posting_id == repeat.posting_id is not None
    page = shown(read(auditor, f"inbound/{first.id}/"))
    for said in (
        "It took effect", first.posting_id, "2 ×", "Standard Webhooks", f"{first.signed_at:%Y-%m-%d %H:%M:%S} UTC",
        "webhook-signature", "intent_042", first.body.decode(), first.body_sha256, f"inbound/{repeat.id}/",
        "verified over the exact bytes",
    ):  # fmt: skip
        assert str(said) in page, said
    page = shown(read(auditor, f"inbound/{repeat.id}/"))
    for said in ("A repeat", "the one that came first", f"inbound/{first.id}/", first.posting_id, "the same as here"):
        assert str(said) in page, said


def test_many_arrivals_are_cut_to_the_newest_and_shown_when_asked(
    workspace: TenantRef, auditor: Person, intent: RoutedIntent
) -> None:
    for _ in range(11):
        intent.tell("succeeded")
    newest = callbacks(workspace)[0]
    page = read(auditor, f"inbound/{newest.id}/")
    assert "3 earlier" in page
    assert page.count('<th scope="col" id="cb_') == 8
    assert read(auditor, f"inbound/{newest.id}/?arrivals=all").count('<th scope="col" id="cb_') == 11


def test_bytes_that_are_no_text_are_shown_as_hex(workspace: TenantRef, auditor: Person, intent: RoutedIntent) -> None:
    callback_id = poisoned(intent, b"\xff\x00<b>")
    for path in (f"inbound/{callback_id}/", f"inbound/quarantine/{callback_id}/"):
        assert "ff 00 3c 62 3e" in read(auditor, path)


def test_a_body_is_never_markup(workspace: TenantRef, operator: Person, intent: RoutedIntent) -> None:
    callback_id = poisoned(intent, b"</textarea><script>alert(1)</script>")
    for path in (f"inbound/{callback_id}/", f"inbound/quarantine/{callback_id}/"):
        assert "<script>alert" not in read(operator, path)


@pytest.mark.parametrize("path", ["inbound/{id}/", "inbound/quarantine/{id}/"])
def test_a_callback_that_is_not_there_is_said_so(workspace: TenantRef, auditor: Person, path: str) -> None:
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/{path.format(id=ids.new_id('cb'))}")
    assert answer.status_code == 404
    assert "There is no such callback" in answer.content.decode()
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/{path.format(id='nonsense')}")
    assert answer.status_code == 400


def test_another_workspaces_callback_is_not_there(
    workspace: TenantRef, other_workspace: TenantRef, told: RoutedIntent
) -> None:
    person, client = join(other_workspace, role="admin"), Client()
    person.sign_in(client)
    for row in callbacks(workspace):
        assert client.get(f"/w/{other_workspace.slug}/inbound/{row.id}/").status_code == 404
    answer = client.post(f"/w/{other_workspace.slug}/inbound/rails/{told.rail_id}/poll/", form(), follow=True)
    assert "is no rail of this workspace" in shown(answer.content.decode())


def test_a_callback_is_found_by_its_id(workspace: TenantRef, auditor: Person, told: RoutedIntent) -> None:
    row = callbacks(workspace)[0]
    answer = auditor.sign_in(Client()).get(f"/w/{workspace.slug}/find/?q={row.id}")
    assert answer.headers["Location"].endswith(f"/inbound/{row.id}/")


def test_an_empty_room_says_what_it_is_for(workspace: TenantRef, auditor: Person) -> None:
    assert "No rail told us anything yet" in read(auditor, "inbound/")
    assert "No callback came in this time" in read(auditor, "inbound/")
    assert "Nothing is in quarantine" in read(auditor, "inbound/quarantine/")
    assert "Nothing was refused" in read(auditor, "inbound/refused/")


# --- quarantine ------------------------------------------------------------------------------------------------------


def test_what_waits_is_counted_beside_the_rooms_name_and_listed_first(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    assert re.search(r'data-count="inbound" hidden', read(operator, ""))
    callback_id = poisoned(intent)
    with tenant_work(workspace):
        assert count_quarantined() == 1
    assert 'data-count="inbound">1<' in read(operator, "")
    page = shown(read(operator, "inbound/quarantine/"))
    assert listed(page) == [callback_id]
    assert "cannot be read" in page
    assert get(workspace, callback_id).detail in page
    assert listed(read(operator, "inbound/quarantine/?state=applied")) == []
    assert listed(read(operator, "inbound/quarantine/?state=all")) == [callback_id]


def get(ws: TenantRef, callback_id: str) -> QuarantineRecord:
    with tenant_work(ws):
        return get_quarantined(callback_id=callback_id)


def test_a_body_is_corrected_applied_once_and_told(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    callback_id = poisoned(intent)
    here = f"inbound/quarantine/{callback_id}/"
    page = shown(read(operator, here))
    assert POISON.decode() in page
    assert "Apply the original bytes again" not in page  # they cannot be read: nothing would come of it
    client, said = operator.sign_in_with_code(Client()), form(body=good_body(intent), note=NOTE, do="correct")
    for _ in range(2):
        answer = client.post(f"/w/{workspace.slug}/{here}repair/", said, follow=True)
        page = shown(answer.content.decode())
        assert "It is applied: posting_" in page
    assert intent.purposes() == ["reserve", "success"]
    assert len(event_rows(workspace, "callback.repaired")) == 1
    record = get(workspace, callback_id)
    assert (record.state, record.fixed_body, record.note) == ("applied", good_body(intent).encode(), NOTE)
    with tenant_work(workspace):
        posting = get_callback(callback_id=callback_id).repeats[-1].posting_id
    for told in (
        "It is applied.",
        posting,
        operator.member.name,
        NOTE,
        POISON.decode(),
        good_body(intent),
        "intent_042",
    ):
        assert str(told) in page, told
    assert 'name="body"' not in page
    assert listed(read(operator, "inbound/quarantine/")) == []
    assert "Since then it took effect" in read(operator, f"inbound/{callback_id}/")


@pytest.mark.parametrize(
    ("change", "title", "step"),
    [
        ({"body": '{"typed": "before"'}, "The callback cannot be read", "Correct it and apply it again"),
        ({"body": "typed before" + " " * 70_000}, "The callback is too large", "at most 64 KB"),
        ({"body": "typed before", "note": " "}, "Say why", "kept in the evidence"),
    ],
)
def test_a_refused_correction_keeps_what_was_typed_and_changes_nothing(
    workspace: TenantRef, operator: Person, intent: RoutedIntent, change: dict[str, str], title: str, step: str
) -> None:
    callback_id = poisoned(intent)
    status, page = post(operator, f"inbound/quarantine/{callback_id}/repair/", **{"note": NOTE, **change})
    assert status in {400, 413, 422}
    assert title in page
    assert step in page
    assert change["body"] in page
    if "note" not in change:
        assert f'value="{NOTE}"' in page
    assert get(workspace, callback_id).state == "open"
    assert intent.purposes() == ["reserve"]


def test_a_correction_that_says_something_else_than_the_rail_is_refused_with_what_was_typed(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    callback_id = poisoned(intent)
    body = good_body(intent).replace("payment.succeeded", "payment.failed")
    status, page = post(operator, f"inbound/quarantine/{callback_id}/repair/", body=body, note=NOTE)
    assert status == 422
    for said in ("something else than the provider", "Keep what the rail said", body, f'value="{NOTE}"'):
        assert said in page, said
    assert get(workspace, callback_id).state == "open"


def test_the_second_of_two_who_repair_is_told_who_was_first_and_keeps_their_words(
    workspace: TenantRef, operator: Person, finance: Person, intent: RoutedIntent
) -> None:
    callback_id = poisoned(intent)
    path = f"inbound/quarantine/{callback_id}/repair/"
    assert post(finance, path, body=good_body(intent), note="finance was first")[0] == 302
    mine = good_body(intent).replace("}", ', "typed": "mine"}')
    status, page = post(operator, path, body=mine, note="second")
    assert status == 409
    for said in ("was decided already", "who decided it", finance.member.name, "finance was first", mine, "second"):
        assert said in page, said
    assert get(workspace, callback_id).fixed_body == good_body(intent).encode()
    assert intent.purposes() == ["reserve", "success"]


def test_of_two_who_repair_at_once_one_counts(
    workspace: TenantRef, operator: Person, finance: Person, intent: RoutedIntent
) -> None:
    callback_id, start = poisoned(intent), threading.Barrier(2)
    results: list[int] = []

    def work(person: Person) -> None:
        client = person.sign_in_with_code(Client())
        start.wait()
        said = form(body=good_body(intent), note=f"by {person.role}", do="correct")
        results.append(client.post(f"/w/{workspace.slug}/inbound/quarantine/{callback_id}/repair/", said).status_code)
        connection.close()

    threads = [threading.Thread(target=work, args=[person]) for person in (operator, finance)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(results) == [302, 409]
    assert len(event_rows(workspace, "callback.repaired")) == 1
    assert intent.purposes() == ["reserve", "success"]


def test_what_we_failed_to_apply_is_applied_again_byte_by_byte_once_it_is_mended(
    workspace: TenantRef, operator: Person, intent: RoutedIntent, monkeypatch: pytest.MonkeyPatch
) -> None:
    event_id, body = intent.event("succeeded")
    headers = intent.headers(event_id, body)
    with failing(monkeypatch, ZeroDivisionError("a bug of ours")):
        receipt = take_callback(
            workspace=workspace, connection_id=intent.rail_id, headers=headers, body=body, now=now()
        )
        here = f"inbound/quarantine/{receipt.callback_id}/"
        assert "Apply the original bytes again" in read(operator, here)
        status, page = post(operator, f"{here}repair/", body="never mind", note=NOTE, do="repeat")
        assert status == 409
        assert "The corrected callback could not be applied" in page
        assert "never mind" in page
    status, page = post(operator, f"{here}repair/", body="never mind", note=NOTE, do="repeat")
    assert "It is applied: posting_" in page
    assert get(workspace, str(receipt.callback_id)).fixed_body == body


def test_the_line_ends_of_a_browser_are_not_a_change(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    callback_id = poisoned(intent, b'{\n"id": 1}')
    fixed = json.dumps(json.loads(good_body(intent)), indent=2)
    path = f"inbound/quarantine/{callback_id}/repair/"
    post(operator, path, body=fixed.replace("\n", "\r\n"), note=NOTE)
    assert get(workspace, callback_id).fixed_body == fixed.encode()


def test_a_repair_may_name_a_payment_that_is_yet_to_come(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    callback_id = poisoned(intent)
    body = good_body(with_key(intent, f"{intent.rail_id}.intent_later.1"))
    _, page = post(operator, f"inbound/quarantine/{callback_id}/repair/", body=body, note=NOTE)
    assert "names no payment of ours yet, and waits for it" in page


def test_one_is_dismissed_with_a_note_and_kept(workspace: TenantRef, operator: Person, intent: RoutedIntent) -> None:
    callback_id = poisoned(intent)
    here = f"inbound/quarantine/{callback_id}/"
    assert "Say why" in post(operator, f"{here}dismiss/", reason=" ")[1]
    status, page = post(operator, f"{here}dismiss/", reason="a test of theirs")
    assert status == 302
    for said in ("Dismissed: nothing came of it", "a test of theirs", operator.member.name, POISON.decode()):
        assert said in page, said
    assert get(workspace, callback_id).state == "dismissed"
    assert intent.purposes() == ["reserve"]
    assert post(operator, f"{here}dismiss/", reason="again")[0] == 409
    page = shown(read(operator, "inbound/quarantine/?state=dismissed"))
    assert listed(page) == [callback_id]
    assert "a test of theirs" in page


def test_whom_the_rail_corrected_itself_is_named(workspace: TenantRef, auditor: Person, intent: RoutedIntent) -> None:
    poisoned(intent)
    assert poisoned(intent, good_body(intent).encode())
    page = shown(read(auditor, "inbound/quarantine/?state=applied"))
    assert "The provider sent it again" in page
    assert ">rail_" in page


# --- refused, rails --------------------------------------------------------------------------------------------------


def test_refusals_are_told_in_words(workspace: TenantRef, auditor: Person, told: RoutedIntent) -> None:
    page = shown(read(auditor, "inbound/refused/"))
    assert listed(page) == [each["id"] for each in event_rows(workspace, "callback.refused")][::-1]
    for said in ("forged or wrongly signed", "matches a secret of this rail", "signed, not readable", "in quarantine"):
        assert said in page, said
    assert listed(read(auditor, f"inbound/refused/?rail={ids.new_id('rail')}")) == []
    assert listed(read(auditor, "inbound/refused/?since=2999-01-01")) == []
    assert 'role="alert"' in read(auditor, "inbound/refused/?since=soon")


def test_rails_are_told_with_their_secrets_ends_and_never_a_secret(
    workspace: TenantRef, admin: Person, intent: RoutedIntent
) -> None:
    with tenant_work(workspace):
        rotate_rail_secret(rail_id=intent.rail_id, actor=admin.actor(), now=now())
        secrets = callback_secrets(rail_id=intent.rail_id)
        lines = list_rail_secrets(rail_id=intent.rail_id, now=now())
    page = shown(read(admin, "inbound/rails/"))
    assert len(secrets) == len(lines) == 2
    assert all(each.hint in page for each in lines)
    assert not any(secret in page for secret in secrets)
    for said in (
        "also valid for 23 h",
        "the current one",
        f"/v1/providers/{intent.rail_id}/callbacks",
        "never asked yet",
    ):
        assert said in page, said


def test_a_secret_is_rotated_shown_once_and_the_old_one_ended(
    workspace: TenantRef, developer: Person, intent: RoutedIntent
) -> None:
    here = f"inbound/rails/{intent.rail_id}/secrets/"
    client, said = developer.sign_in_with_code(Client()), form(overlap="24", secret="")
    answer = client.post(f"/w/{workspace.slug}/{here}rotate/", said)
    [secret] = set(re.findall(r"whsec_[A-Za-z0-9+/=]+", answer.content.decode()))
    assert answer.headers["Cache-Control"] == "no-store"
    with tenant_work(workspace):
        assert callback_secrets(rail_id=intent.rail_id) == [secret, intent.secret]
        old = list_rail_secrets(rail_id=intent.rail_id, now=now())[1]
    again = client.post(f"/w/{workspace.slug}/{here}rotate/", said, follow=True)
    assert "whsec_" not in again.content.decode()
    post(developer, f"{here}expire/", secret=old.id)
    with tenant_work(workspace):
        assert callback_secrets(rail_id=intent.rail_id) == [secret]
    _, page = post(developer, f"{here}expire/", secret=old.id)
    assert "There is no such secret" in page


def test_a_secret_of_the_rails_own_is_taken_and_shown_by_nobody(
    workspace: TenantRef, developer: Person, intent: RoutedIntent
) -> None:
    path = f"inbound/rails/{intent.rail_id}/secrets/rotate/"
    status, page = post(developer, path, overlap="0", secret=sign.STANDARD)
    assert status == 302
    assert "was rotated; the old one ends now" in page
    assert sign.STANDARD not in page
    with tenant_work(workspace):
        assert callback_secrets(rail_id=intent.rail_id) == [sign.STANDARD]
    _, page = post(developer, path, overlap="24", secret="not a secret")
    assert "does not fit the rail's scheme" in page
    assert "Choose how long" in post(developer, path, overlap="soon")[1]


def test_a_schemes_headers_are_shown(workspace: TenantRef, admin: Person, intent: RoutedIntent) -> None:
    with tenant_work(workspace):
        set_callback_scheme(rail_id=intent.rail_id, scheme="hmac_hex", actor=admin.actor(), now=now())
    page = shown(read(admin, "inbound/rails/"))
    assert "HMAC-SHA256, hex" in page
    assert "none: no moment is signed" in page


def test_a_rail_is_asked_now_and_what_was_missed_is_taken_in(
    workspace: TenantRef,
    developer: Person,
    teller: Teller,  # noqa: F811
) -> None:
    teller.tell("succeeded")
    path = f"inbound/rails/{teller.intent.rail_id}/poll/"
    _, page = post(developer, path)
    assert "1 events since we asked last, 1 of them were missing" in page
    assert teller.intent.purposes() == ["reserve", "success"]
    assert [row.source for row in callbacks(workspace)] == ["poll"]
    assert "1 that we had missed" in page
    assert "told nothing since" in post(developer, path)[1]
    teller.status = 500
    _, page = post(developer, path)
    assert "was asked, and it failed" in page
    assert "failed 1 × in a row" in page


# --- who may ---------------------------------------------------------------------------------------------------------

Act = Callable[[RoutedIntent, str], tuple[str, dict[str, str]]]
ACTS: dict[str, tuple[set[str], Act]] = {
    "repair": (
        {"operator", "finance", "admin"},
        lambda intent, held: (f"quarantine/{held}/repair/", {"body": good_body(intent), "note": "x"}),
    ),
    "dismiss": (
        {"operator", "finance", "admin"},
        lambda _, held: (f"quarantine/{held}/dismiss/", {"reason": "x"}),
    ),
    "rotate": ({"developer", "admin"}, lambda intent, _: (f"rails/{intent.rail_id}/secrets/rotate/", {"overlap": "1"})),
    "expire": ({"developer", "admin"}, lambda intent, _: (f"rails/{intent.rail_id}/secrets/expire/", {"secret": "x"})),
    "poll": ({"developer", "admin"}, lambda intent, _: (f"rails/{intent.rail_id}/poll/", {})),
}


@pytest.mark.parametrize("role", ["support", "compliance", "auditor", "operator", "developer"])
def test_who_may_only_read_sees_no_actions_and_is_refused(
    workspace: TenantRef, intent: RoutedIntent, role: str
) -> None:
    person, held = join(workspace, role=role), poisoned(intent)
    client = person.sign_in(Client())
    pages = read(person, f"inbound/quarantine/{held}/") + read(person, "inbound/rails/")
    for act, (roles, address) in ACTS.items():
        path, fields = address(intent, held)
        if role in roles:
            assert path in pages or act == "expire"  # nothing to end yet
            continue
        assert path not in pages
        assert client.post(f"/w/{workspace.slug}/inbound/{path}", form(**fields)).status_code == 403
        with tenant_work(workspace):
            assert latest_events(limit=1)[0].type == "access.denied"
    with tenant_work(workspace):
        assert [row.state for row in list_quarantine().rows] == ["open"]
        assert callback_secrets(rail_id=intent.rail_id) == [intent.secret]


@pytest.mark.parametrize("path", ["", "quarantine/", "refused/", "rails/"])
def test_an_outsider_is_told_nothing(workspace: TenantRef, outsider: Person, told: RoutedIntent, path: str) -> None:
    answer = outsider.sign_in(Client()).get(f"/w/{workspace.slug}/inbound/{path}")
    assert answer.status_code == 404
    assert "pev_" not in answer.content.decode()


def test_a_form_without_a_csrf_token_or_a_key_is_refused(
    workspace: TenantRef, operator: Person, intent: RoutedIntent
) -> None:
    held = poisoned(intent)
    address = f"/w/{workspace.slug}/inbound/quarantine/{held}/repair/"
    client = operator.sign_in(Client(enforce_csrf_checks=True))
    assert client.post(address, form(body=good_body(intent), note=NOTE)).status_code == 403
    answer = operator.sign_in_with_code(Client()).post(address, {"body": good_body(intent), "note": NOTE})
    assert answer.status_code == 422
    assert "open the page again" in answer.content.decode()
    assert get(workspace, held).state == "open"


def test_a_decision_elsewhere_is_seen_here(
    workspace: TenantRef, auditor: Person, operator: Person, intent: RoutedIntent
) -> None:
    """What the API decides is what the room shows, and the other way round: both ask the same operation."""
    held = poisoned(intent)
    with tenant_work(workspace):
        dismiss_callback(callback_id=held, actor=operator.actor(), note="over the API", now=now())
    assert "over the API" in read(auditor, f"inbound/quarantine/{held}/")
    again = str(intent.receive(intent.headers("pev_other", b"[]"), b"[]").callback_id)
    with tenant_work(workspace):
        repair_callback(
            callback_id=again, body=good_body(intent).encode(), actor=operator.actor(), note=NOTE, now=now()
        )
    assert "It is applied." in read(auditor, f"inbound/quarantine/{again}/")
