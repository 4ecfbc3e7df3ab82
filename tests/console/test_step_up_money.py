"""What moves money by hand asks for a fresh second factor, keeps what was typed, and asks once in some minutes."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from evidence.queries import latest_events
from ledger.queries import find_account, get_hold, list_imports, list_postings, reversals_of
from ledger.types import PostingFilters
from tests.console.test_accounts_room import form, opened, paid_in
from tests.console.test_holds_room import held
from tests.console.test_ledger_room import lines_form, printed
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.routing.queries import list_pauses

if TYPE_CHECKING:
    from tests.people import Person

ASKED = "Confirm it with your second factor"
_KEPT = re.compile(r'<input type="hidden" name="([^"]+)" value="([^"]*)">')


@dataclass(frozen=True)
class Books:
    """An account of 50,000, the posting that paid it in, and a hold over 12,000 of it."""

    ws: TenantRef
    account: str
    posting: str
    hold: str

    def at(self, path: str) -> str:
        """A page of the workspace, with what is in the books."""
        return f"/w/{self.ws.slug}/" + path.format(account=self.account, posting=self.posting, hold=self.hold)

    def state(self) -> tuple[object, ...]:
        """Everything that these forms could change."""
        with tenant_work(self.ws):
            account, hold = find_account(ref="ada"), get_hold(hold_id=self.hold)
            return (
                account.state, account.floor_minor, account.ceiling_minor, hold.captured_minor, hold.released_minor,
                len(reversals_of(posting_id=self.posting)), len(list_imports(limit=5)), len(list_pauses()),
                len(list_postings(limit=50, filters=PostingFilters())),
            )  # fmt: skip


@pytest.fixture
def books(workspace: TenantRef) -> Books:
    account = opened(workspace, "ada")
    posting = paid_in(workspace, "ada", 50_000)
    return Books(workspace, account.id, posting, held(workspace, "booking", 12_000))


def kept(page: str) -> dict[str, str]:
    """The hidden fields of the page that asks."""
    asked = page.partition("stepup")[2]
    return {name: html.unescape(value) for name, value in _KEPT.findall(asked) if name != "csrfmiddlewaretoken"}


FORMS: dict[str, dict[str, str]] = {
    "ledger/postings/{posting}/reverse/": {"do": "post", "amount_minor": "20000", "reason": "a part"},
    "holds/{hold}/release/": {"amount_minor": "5000", "reason": "not used"},
    "holds/{hold}/capture/": {"amount_minor": "5000", "reason": "first night"},
    "accounts/{account}/freeze/": {"reason": "disputed"},
    "accounts/{account}/limits/": {"floor_minor": "-5,000", "ceiling_minor": "80000", "reason": "agreed"},
    "outgoing/switch/": {"action": "pause", "rail": "", "reason": "a rail looks wrong"},
}


@pytest.mark.parametrize("path", FORMS)
def test_a_form_that_moves_money_asks_keeps_what_was_typed_and_goes_on_with_the_code(
    books: Books, admin: Person, path: str
) -> None:
    client, address, before = admin.sign_in(Client()), books.at(path), books.state()
    said = form(**FORMS[path])
    answer = client.post(address, said, headers={"Referer": f"http://testserver{books.at('')}"})
    page = answer.content.decode()
    assert (answer.status_code, ASKED in page) == (403, True)
    assert books.state() == before
    assert kept(page).items() >= said.items()

    wrong = client.post(address, kept(page) | {"step_up_code": "000000"})
    assert (wrong.status_code, books.state()) == (403, before)
    with tenant_work(books.ws):
        assert latest_events(limit=1)[0].type == "access.denied"

    done = client.post(address, kept(wrong.content.decode()) | {"step_up_code": admin.totp_code()})
    assert done.status_code == 302
    assert books.state() != before


def test_after_one_code_the_next_forms_ask_no_more(books: Books, admin: Person) -> None:
    client = admin.sign_in(Client())
    said = form(**FORMS["holds/{hold}/release/"])
    client.post(books.at("holds/{hold}/release/"), said | {"step_up_code": admin.totp_code()})
    for path in ("holds/{hold}/capture/", "accounts/{account}/freeze/", "outgoing/switch/"):
        assert client.post(books.at(path), form(**FORMS[path])).status_code == 302, path


@pytest.mark.parametrize("path", ["ledger/post/", "ledger/postings/{posting}/correct/"])
def test_lines_are_previewed_without_a_code_and_posted_with_one(books: Books, finance: Person, path: str) -> None:
    paid_in(books.ws, "ada", 50_000)  # so that reversing the first one leaves what is held
    client, address, before = finance.sign_in(Client()), books.at(path), books.state()
    lines = (("bank", "1500", ""), ("ada", "", "1,500"))
    seen = client.post(address, lines_form("preview", *lines, reason="typo", description="a deposit"))
    assert seen.status_code == 200
    said = lines_form("post", *lines, reason="typo", description="a deposit", previewed=printed(seen.content.decode()))
    asked = client.post(address, said)
    assert (asked.status_code, ASKED in asked.content.decode(), books.state()) == (403, True, before)
    assert asked.content.decode().count('name="account" value="') == 2

    done = client.post(address, said | {"step_up_code": finance.totp_code(), "next": "/w/elsewhere/"})
    assert done.status_code == 302
    assert books.state() != before


def test_a_file_is_tried_without_a_code_and_imported_with_one(books: Books, finance: Person) -> None:
    client = finance.sign_in(Client())

    def send(do: str, **more: str) -> Any:
        file = SimpleUploadedFile("a.csv", b"code,currency,account_type\nx,USD,customer\n", content_type="text/csv")
        return client.post(books.at("ledger/imports/start/"), {**form(do=do, kind="accounts"), "file": file, **more})

    assert send("dry").status_code == 302
    asked = send("import")
    page = asked.content.decode()
    assert (asked.status_code, ASKED in page) == (403, True)
    assert "Choose the file again" in page
    assert kept(page).items() >= {"do": "import", "kind": "accounts"}.items()
    assert send("import", step_up_code=finance.totp_code()).status_code == 302
    with tenant_work(books.ws):
        assert [each.is_dry_run for each in list_imports(limit=5)] == [False, True]


def test_who_goes_back_from_the_question_about_a_reversal_is_at_the_posting(books: Books, finance: Person) -> None:
    client, address = finance.sign_in(Client()), books.at("ledger/postings/{posting}/reverse/")
    seen = client.post(address, form(do="preview", amount_minor="1", reason="a part")).content.decode()
    here = books.at("ledger/postings/{posting}/")
    assert f'<input type="hidden" name="next" value="{here}">' in seen
    asked = client.post(address, form(do="post", amount_minor="1", reason="a part", next=here)).content.decode()
    assert f'href="{here}">Back without it' in asked
