"""The policy rooms: rules as sentences, drafts by two people, the builder, tests on past intents, limits, lists."""

from __future__ import annotations

import html
import re
from typing import TYPE_CHECKING, Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from console.builder.form import fields_of
from console.builder.opening import open_limit, open_rule
from evidence.queries import latest_events
from policy.lists.queries import get_list, list_items, list_lists
from policy.rulesets.queries import get_draft, list_drafts, live_rule_set, live_version
from policy.subjects import FIELDS
from tests.console.test_accounts_room import form, opened, paid_in, read
from tests.console.test_pages import make
from tests.people import join
from zentra.core.clock import now
from zentra.core.tenancy import TenantRef, tenant_work

if TYPE_CHECKING:
    from tests.people import Person

TYPES = {name: field.type for name, field in FIELDS.items()}


def shown(text: str) -> str:
    return html.unescape(text)


def post(person: Person, path: str, fields: dict[str, Any] | None = None, **more: str) -> tuple[int, str]:
    """Send a form; the status of the answer, and the page that one lands on."""
    client = Client()
    person.sign_in_with_code(client) if path.startswith("policy/lists/") else person.sign_in(client)
    answer = client.post(f"/w/{person.workspace.slug}/{path}", {**form(**more), **(fields or {})})
    if answer.status_code == 302:
        return 302, shown(client.get(answer.headers["Location"]).content.decode())
    return answer.status_code, shown(answer.content.decode())


class Page:
    """A page with its builder's form, as a browser without scripts holds it."""

    def __init__(self, answer: Any) -> None:
        self.text = shown(answer.content.decode())
        self.fields: dict[str, list[str]] = {}
        for name, value in _fields(self.text):
            self.fields.setdefault(name, []).append(value)

    def press(self, button: str) -> dict[str, Any]:
        """What the form sends when a button is pressed."""
        return {**self.fields, **form(), "do": button}


def _fields(page: str) -> list[tuple[str, str]]:
    """The successful controls of a page's forms, in their order."""
    pattern = re.compile(
        r"<input(?P<input>[^>]*)>|<select(?P<select>[^>]*)>(?P<options>.*?)</select>|<textarea(?P<area>[^>]*)>\n?(?P<text>.*?)</textarea>",
        re.DOTALL,
    )
    found = []
    for control in pattern.finditer(page):
        attributes = control["input"] or control["select"] or control["area"] or ""
        name = re.search(r'name="([^"]+)"', attributes)
        if name is None or ('type="checkbox"' in attributes and "checked" not in attributes):
            continue
        if control["select"]:
            options = re.findall(r'<option value="([^"]*)"( selected)?', control["options"])
            chosen = [value for value, selected in options if selected] or [value for value, _ in options[:1]]
            found += [(name[1], value) for value in chosen]
        elif control["area"]:
            found.append((name[1], control["text"]))
        else:
            value = re.search(r'value="([^"]*)"', attributes)
            found.append((name[1], value[1] if value else ""))
    return found


def as_form(typed: Any, draft_version: int, **changes: Any) -> dict[str, Any]:
    """The builder's form as a browser sends it, with some fields changed."""
    sent: dict[str, Any] = {"version": str(draft_version)}
    for name, value in fields_of(typed):
        sent.setdefault(name, []).append(value)
    return {**sent, **changes}


@pytest.fixture
def draft(workspace: TenantRef, compliance: Person) -> str:
    """A draft of the live rules, begun by compliance."""
    post(compliance, "policy/drafts/new/", name="lower single limits")
    with tenant_work(workspace):
        [made] = list_drafts(state="open")
    return made.id


def rule_of(workspace: TenantRef, draft_id: str, name: str) -> tuple[dict[str, Any], int]:
    with tenant_work(workspace):
        record = get_draft(draft_id=draft_id)
    found = [each for key in ("rules", "limits") for each in record.document[key] if each["name"] == name]
    return found[0], record.version


# --- reading ---------------------------------------------------------------------------------------------------------


def test_the_live_rules_are_read_as_sentences(workspace: TenantRef, auditor: Person) -> None:
    page = shown(read(auditor, "policy/"))
    with tenant_work(workspace):
        version, document, _, _ = live_rule_set()
    assert all(each["name"] in page for key in ("rules", "limits") for each in document[key])
    assert "The amount is above 40,000.00 USD, EUR, GBP" in page
    assert "hold for review" in page
    assert f">{version}</dd>" in page
    assert "by_currency" not in page  # nobody reads JSON here


def test_a_rule_shows_how_often_it_held(workspace: TenantRef, auditor: Person, developer: Person) -> None:
    make(workspace, developer, "intent_over", amount_minor=4_300_000, currency="USD")
    page = shown(read(auditor, "policy/"))
    row = page.split('id="rule-limit-single_intent"')[1].split("</li>")[0]
    assert "1 time in 24 h" in row
    assert "never in 24 h" in page.split('id="rule-limit-hard_cap"')[1].split("</li>")[0]


def test_the_page_costs_the_same_with_many_decisions(workspace: TenantRef, auditor: Person, developer: Person) -> None:
    client, address = auditor.sign_in(Client()), f"/w/{workspace.slug}/policy/"
    client.get(address)
    with CaptureQueriesContext(connection) as few:
        client.get(address)
    for number in range(5):
        make(workspace, developer, f"intent_{number}")
    with CaptureQueriesContext(connection) as many:
        client.get(address)
    assert len(many) == len(few) <= 30


@pytest.mark.parametrize(
    "path", ["policy/", "policy/versions/", "policy/versions/1/", "policy/diff/?left=1&right=1", "policy/drafts/",
             "policy/limits/", "policy/lists/"]
)  # fmt: skip
def test_every_member_reads_and_an_outsider_does_not(
    workspace: TenantRef, auditor: Person, outsider: Person, path: str
) -> None:
    assert auditor.sign_in(Client()).get(f"/w/{workspace.slug}/{path}").status_code == 200
    assert outsider.sign_in(Client()).get(f"/w/{workspace.slug}/{path}").status_code == 404


@pytest.mark.parametrize("path", ["policy/versions/999/", "policy/versions/x/", "policy/drafts/rsd_nope/"])
def test_what_is_not_there_is_a_designed_page(workspace: TenantRef, auditor: Person, path: str) -> None:
    assert auditor.sign_in(Client()).get(f"/w/{workspace.slug}/{path}").status_code == 404


# --- who may ---------------------------------------------------------------------------------------------------------


def test_who_may_not_write_rules_sees_no_door_and_is_refused(
    workspace: TenantRef, operator: Person, draft: str
) -> None:
    page = read(operator, f"policy/drafts/{draft}/")
    assert "Add a rule" not in page
    assert "New draft" not in read(operator, "policy/")
    for path in ("validate", "publish", "discard", "take-out", "settings", "rebase"):
        status, text = post(operator, f"policy/drafts/{draft}/{path}/", version="1", note="x", reason="x", name="x")
        assert status == 403
        assert "Your role may not do that" in text
    answer = operator.sign_in(Client()).get(f"/w/{workspace.slug}/policy/drafts/{draft}/rules/limit.single_intent/")
    assert answer.status_code == 403
    with tenant_work(workspace):
        assert latest_events(limit=1)[0].type == "access.denied"
        assert get_draft(draft_id=draft).state == "draft"


# --- the builder -----------------------------------------------------------------------------------------------------


def test_a_rule_is_changed_by_form_and_only_that_rule(workspace: TenantRef, compliance: Person, draft: str) -> None:
    rule, version = rule_of(workspace, draft, "limit.single_intent")
    sent = as_form(
        open_rule(rule, TYPES), version, **{"n-0.value.amount": ["30,000.00"], "n-0.value.currency": ["USD"]}
    )
    status, page = post(compliance, f"policy/drafts/{draft}/rules/limit.single_intent/", {**sent, "do": "save"})
    assert (status, "is in the draft" in page) == (302, True)
    changed, _ = rule_of(workspace, draft, "limit.single_intent")
    assert changed["when"]["value"] == {
        "by_currency": {"USD": 3_000_000},
        "otherwise": rule["when"]["value"]["otherwise"],
    }
    assert {**changed, "when": None} == {**rule, "when": None}
    with tenant_work(workspace):
        live = live_rule_set()[1]
        now_is = get_draft(draft_id=draft).document
    assert [each for each in now_is["rules"] if each["name"] != rule["name"]] == [
        each for each in live["rules"] if each["name"] != rule["name"]
    ]
    row = page.split('id="changes"')[1]
    assert "limit.single_intent" in row
    assert "30,000.00 USD" in row


def test_a_new_rule_is_built_node_by_node_without_scripts(workspace: TenantRef, compliance: Person, draft: str) -> None:
    client, address = compliance.sign_in(Client()), f"/w/{workspace.slug}/policy/drafts/{draft}/rules/new/"
    page = Page(client.get(address))
    page.fields |= {"r.name": ["new.night_payments"], "r.reason": ["paid at night"], "r.action": ["review"]}
    page = Page(client.post(address, page.press("add_condition:0")))
    assert "n-0-1.field" in page.fields
    page.fields["n-0-1.field"] = ["hour_utc"]
    page = Page(client.post(address, page.press("refresh")))
    page.fields |= {"n-0-1.op": ["between"]}
    page = Page(client.post(address, page.press("refresh")))
    page.fields |= {"n-0-1.min": ["0"], "n-0-1.max": ["5"], "n-0-0.value.otherwise": ["100"]}
    page = Page(client.post(address, page.press("wrap:0-1")))
    page = Page(client.post(address, page.press("add_window:0-1")))
    page.fields |= {"n-0-1-1.measure": ["count"]}
    page = Page(client.post(address, page.press("refresh")))
    page.fields |= {"n-0-1-1.value.otherwise": ["10"], "n-0.kind": ["all"]}
    answer = client.post(address, page.press("save"))
    assert answer.status_code == 302, Page(answer).text[:4000]
    rule, _ = rule_of(workspace, draft, "new.night_payments")
    assert rule["when"] == {
        "op": "all",
        "of": [
            {"op": "gt", "field": "amount_minor", "value": 100},
            {"op": "any", "of": [
                {"op": "between", "field": "hour_utc", "min": 0, "max": 5},
                {"op": "window", "measure": "count", "by": "customer", "window": {"rolling_seconds": 86_400},
                 "compare": "gt", "value": 10}]},
        ],
    }  # fmt: skip


def test_what_is_wrong_is_said_at_its_node_and_nothing_typed_is_lost(
    workspace: TenantRef, compliance: Person, draft: str
) -> None:
    client, address = compliance.sign_in(Client()), f"/w/{workspace.slug}/policy/drafts/{draft}/rules/new/"
    page = Page(client.get(address))
    page.fields |= {"r.name": ["Bad Name"], "r.reason": ["why"], "n-0-0.value.currency": ["USD"]}
    page.fields |= {"n-0-0.value.amount": ["40.001"]}
    answer = client.post(address, page.press("save"))
    assert answer.status_code == 422
    page = Page(answer)
    assert 'href="#n-0-0">Condition 1</a>: USD has 2 decimals' in page.text
    assert 'id="n-0-0-value-error"' in page.text
    assert page.fields["n-0-0.value.amount"][0] == "40.001"
    page.fields["n-0-0.value.amount"] = ["40.00"]
    page.fields["n-0-0.value.otherwise"] = ["1"]
    page = Page(client.post(address, page.press("save")))
    assert 'id="r-name-error"' in page.text  # the rule set's own word comes once the form can be read
    with tenant_work(workspace):
        assert get_draft(draft_id=draft).version == 1


def test_an_error_of_the_rule_set_points_into_the_tree(workspace: TenantRef, compliance: Person, draft: str) -> None:
    client, address = compliance.sign_in(Client()), f"/w/{workspace.slug}/policy/drafts/{draft}/rules/new/"
    page = Page(client.get(address))
    page.fields |= {
        "r.name": ["new.rule"],
        "r.reason": ["why"],
        "n-0-0.field": ["customer.country"],
        "n-0-0.op": ["eq"],
    }
    page.fields |= {"n-0-0.value": ["Germany"]}
    page = Page(client.post(address, page.press("save")))
    assert "two letters" in page.text.split('id="n-0-0-value-error"')[1][:120]


def test_a_rule_is_tested_on_a_past_intent_before_it_is_saved(
    workspace: TenantRef, compliance: Person, developer: Person, draft: str
) -> None:
    make(workspace, developer, "intent_small", amount_minor=1_000_000, currency="USD")
    rule, version = rule_of(workspace, draft, "limit.single_intent")
    sent = as_form(open_rule(rule, TYPES), version, **{"n-0.value.currency": ["USD"], "n-0.value.amount": ["9,000.00"]})
    page = Page(
        compliance.sign_in(Client()).post(
            f"/w/{workspace.slug}/policy/drafts/{draft}/rules/limit.single_intent/",
            {**form(), **sent, "do": "test", "test_intent": "intent_small"},
        )
    )
    tested = page.text.split('id="tested"')[1]
    assert "held for review" in tested
    assert "It was accepted then" in tested
    assert "holds, saw 10,000.00" in page.text
    with tenant_work(workspace):
        assert get_draft(draft_id=draft).version == version  # nothing was saved
    again = Page(
        compliance.sign_in(Client()).post(
            f"/w/{workspace.slug}/policy/drafts/{draft}/rules/limit.single_intent/",
            {**form(), **sent, "do": "test", "test_intent": "intent_nobody_made"},
        )
    )
    assert "No decision is kept" in again.text


def test_our_own_script_gets_only_the_builder(workspace: TenantRef, compliance: Person, draft: str) -> None:
    client, address = compliance.sign_in(Client()), f"/w/{workspace.slug}/policy/drafts/{draft}/rules/new/"
    page = Page(client.get(address))
    before = client.post(address, page.fields | form(), headers={"HX-Request": "true"})
    assert before.status_code == 200  # a select that changed says no button: the form is shown again, never saved
    answer = client.post(address, page.press("add_condition:0"), headers={"HX-Request": "true"})
    assert answer.content.decode().lstrip().startswith('<form id="builder"')
    assert "autofocus" in answer.content.decode().split('id="n-0-1"')[1][:60]


def test_of_two_who_edit_one_draft_the_second_is_told_who_was_first(
    workspace: TenantRef, compliance: Person, admin: Person, draft: str
) -> None:
    rule, version = rule_of(workspace, draft, "limit.single_intent")
    mine = as_form(open_rule(rule, TYPES), version, **{"r.score": ["41"], "do": "save"})
    theirs = as_form(open_rule(rule, TYPES), version, **{"r.score": ["42"], "do": "save"})
    assert post(admin, f"policy/drafts/{draft}/rules/limit.single_intent/", theirs)[0] == 302
    status, page = post(compliance, f"policy/drafts/{draft}/rules/limit.single_intent/", mine)
    assert status == 409
    assert f"{admin.member.name} changed it" in page
    assert 'name="r.score" value="41"' in page
    assert rule_of(workspace, draft, "limit.single_intent")[0]["score"] == 42


def test_a_limit_is_changed_by_form(workspace: TenantRef, compliance: Person, draft: str) -> None:
    limit, version = rule_of(workspace, draft, "limit.outgoing_24h")
    sent = as_form(open_limit(limit), version, **{"r.span": ["week"], "do": "save"})
    assert post(compliance, f"policy/drafts/{draft}/limits/limit.outgoing_24h/", sent)[0] == 302
    changed, _ = rule_of(workspace, draft, "limit.outgoing_24h")
    assert changed == {**limit, "window": {"calendar": "week"}}


def test_a_rule_is_taken_out_and_the_settings_change(workspace: TenantRef, compliance: Person, draft: str) -> None:
    assert post(compliance, f"policy/drafts/{draft}/take-out/", version="1", name="watch.large_amount")[0] == 302
    with tenant_work(workspace):
        record = get_draft(draft_id=draft)
    assert "watch.large_amount" not in {each["name"] for each in record.document["rules"]}
    page = Page(compliance.sign_in(Client()).get(f"/w/{workspace.slug}/policy/drafts/{draft}/"))
    assert "watch.large_amount" in page.text.split('id="changes"')[1]
    said = {
        name: page.fields[name][0] for name in ("on_missing", "on_error", "lanes", "four_eyes_amount", "hold_hours")
    }
    status, text = post(
        compliance, f"policy/drafts/{draft}/settings/", {**said, "version": "2", "lanes": "A 0\nB forty"}
    )
    assert status == 422
    assert "no lane" in text
    status, _ = post(compliance, f"policy/drafts/{draft}/settings/", {**said, "version": "2", "lanes": "A 0\nB 40"})
    assert status == 302
    with tenant_work(workspace):
        settings = get_draft(draft_id=draft).document["settings"]
    assert settings["lanes"] == [{"lane": "A", "from_score": 0}, {"lane": "B", "from_score": 40}]


# --- publishing ------------------------------------------------------------------------------------------------------


def test_rules_are_published_by_a_second_person_with_their_second_factor(
    workspace: TenantRef, compliance: Person
) -> None:
    publisher = join(workspace, role="admin", name="Second Reader", totp=True)
    post(compliance, "policy/drafts/new/", name="lower")
    with tenant_work(workspace):
        [record] = list_drafts(state="open")
    here = f"policy/drafts/{record.id}/"
    rule, version = rule_of(workspace, record.id, "limit.single_intent")
    post(compliance, f"{here}rules/limit.single_intent/", as_form(
        open_rule(rule, TYPES), version, **{"r.score": ["77"], "do": "save"}))  # fmt: skip
    _, page = post(compliance, f"{here}validate/", version="2")
    assert "You edited this draft; another person has to publish it." in page
    assert "Publish as version" not in page
    _, page = post(compliance, f"{here}publish/", version="3", note="mine")
    assert "second factor" in page  # also who wrote it is asked first; the database refuses them then
    _, page = post(publisher, f"{here}publish/", version="3", note="agreed")
    assert "second factor" in page
    assert "agreed" in page  # what was typed is kept
    with tenant_work(workspace):
        before = live_version()
    _status, page = post(publisher, f"{here}publish/", version="3", note="agreed", step_up_code=publisher.totp_code())
    assert f"Version {before + 1} is live" in page
    with tenant_work(workspace):
        assert live_version() == before + 1
        [single] = [each for each in live_rule_set()[1]["rules"] if each["name"] == "limit.single_intent"]
        assert latest_events(limit=1)[0].type == "policy.published"
    assert single["score"] == 77
    page = shown(read(compliance, "policy/versions/"))
    assert "agreed" in page
    assert "Second Reader" in page
    changes = shown(read(compliance, f"policy/diff/?left={before}&right={before + 1}"))
    assert "limit.single_intent" in changes
    assert "<del>" in changes


def test_whoever_wrote_it_cannot_publish_it_even_with_a_code(workspace: TenantRef) -> None:
    writer = join(workspace, role="admin", name="Writer", totp=True)
    post(writer, "policy/drafts/new/", name="mine alone")
    with tenant_work(workspace):
        [record] = list_drafts(state="open")
        before = live_version()
    here = f"policy/drafts/{record.id}/"
    post(writer, f"{here}take-out/", version="1", name="watch.large_amount")
    post(writer, f"{here}validate/", version="2")
    _, page = post(writer, f"{here}publish/", version="3", note="mine", step_up_code=writer.totp_code())
    assert "Whoever wrote the rules cannot publish them" in page
    with tenant_work(workspace):
        assert live_version() == before


def test_a_rollback_is_a_draft_of_an_earlier_version(workspace: TenantRef, compliance: Person) -> None:
    publisher = join(workspace, role="admin", totp=True)
    post(compliance, "policy/drafts/new/", name="shorter")
    with tenant_work(workspace):
        [record] = list_drafts(state="open")
    here = f"policy/drafts/{record.id}/"
    post(compliance, f"{here}take-out/", version="1", name="watch.large_amount")
    post(compliance, f"{here}validate/", version="2")
    post(publisher, f"{here}publish/", version="3", note="shorter", step_up_code=publisher.totp_code())
    status, page = post(compliance, "policy/versions/1/roll-back/")
    assert status == 302
    assert "Back to version 1" in page
    assert "another person has to publish it" in page
    with tenant_work(workspace):
        [again] = list_drafts(state="open")
    assert (again.state, again.restores) == ("validated", 1)


def test_a_draft_that_is_behind_says_so_and_is_brought_up(workspace: TenantRef, compliance: Person) -> None:
    publisher = join(workspace, role="admin", totp=True)
    for name in ("first", "second"):
        post(compliance, "policy/drafts/new/", name=name)
    with tenant_work(workspace):
        second, first = list_drafts(state="open")
    for each, rule in ((first, "watch.large_amount"), (second, "limit.hard_cap")):
        post(compliance, f"policy/drafts/{each.id}/take-out/", version="1", name=rule)
        post(compliance, f"policy/drafts/{each.id}/validate/", version="2")
    post(publisher, f"policy/drafts/{first.id}/publish/", version="3", note="go", step_up_code=publisher.totp_code())
    page = shown(read(publisher, f"policy/drafts/{second.id}/"))
    assert "Other rules were published since it was begun" in page
    assert "Publish as version" not in page
    assert "watch.large_amount" in page.split('id="changes"')[1]  # it would come back: seen before it is based anew
    _status, page = post(compliance, f"policy/drafts/{second.id}/rebase/", version="3")
    assert "It stands on version 2 now" in page


# --- limits and lists ------------------------------------------------------------------------------------------------


def test_the_use_of_limits_is_shown_as_bars_and_a_customer_is_found(
    workspace: TenantRef, auditor: Person, developer: Person
) -> None:
    opened(workspace, "ada_balance", customer="customer_ada")
    paid_in(workspace, "ada_balance", 5_000_000)
    make(workspace, developer, "intent_one", amount_minor=1_000_000, currency="USD", debit_account="ada_balance")
    page = shown(read(auditor, "policy/limits/"))
    assert "limit.outgoing_24h" in page
    assert "customer_ada" in page
    assert "<progress" in page
    assert "10,000.00" in page
    found = shown(read(auditor, "policy/limits/?customer=customer_ada&currency=USD"))
    assert "5 %" in found
    nobody = shown(read(auditor, "policy/limits/?customer=nobody_there"))
    assert "0 %" in nobody or "No limit counts nobody_there" in nobody


def test_values_are_pasted_onto_a_list_and_taken_off(workspace: TenantRef, compliance: Person) -> None:
    status, page = post(
        compliance, "policy/lists/add/", name="trusted", kind="allow", value_type="text", description="visited"
    )
    assert (status, "The list trusted is there" in page) == (302, True)
    with tenant_work(workspace):
        record = get_list(list_id="trusted", now=now())
    here = f"policy/lists/{record.id}/"
    _, page = post(
        compliance, f"{here}add/", values="cust_1\r\ncust_2\r\n\r\ncust_1 ", note="seen", expires_at="2031-01-01"
    )
    assert "2 values are added" in page
    assert "cust_2" in page
    assert "2031-01-02 00:00:00 UTC" in page  # the day belongs to it
    _, page = post(compliance, f"{here}add/", values="cust_2\ncust_3", note="again")
    assert "1 value is added, 1 of them there already" in page
    with tenant_work(workspace):
        item = next(each for each in list_items(list_id=record.id, now=now()) if each.value == "cust_3")
        event = latest_events(limit=1)[0]
    assert event.type == "policy.list_changed"
    assert b"cust_3" not in event.body
    post(compliance, f"{here}items/remove/", item=item.id)
    assert "cust_3" in read(compliance, f"{here}?state=removed")


def test_a_refused_paste_comes_back_as_it_was_typed(workspace: TenantRef, compliance: Person) -> None:
    post(compliance, "policy/lists/add/", name="places", kind="deny", value_type="country", description="")
    with tenant_work(workspace):
        record = get_list(list_id="places", now=now())
    status, page = post(compliance, f"policy/lists/{record.id}/add/", values="DE\nGermany", note="n")
    assert status == 422
    assert "DE\nGermany</textarea>" in page
    with tenant_work(workspace):
        assert get_list(list_id=record.id, now=now()).items == 0


def test_a_list_that_live_rules_ask_stays(workspace: TenantRef, compliance: Person) -> None:
    with tenant_work(workspace):
        denied = next(each for each in list_lists(now=now()) if each.name == "denied")
    page = shown(read(compliance, f"policy/lists/{denied.id}/"))
    assert "list.denied" in page
    _, page = post(compliance, f"policy/lists/{denied.id}/remove/", reason="not needed")
    assert "The rules in force ask this list" in page


def test_no_page_carries_inline_script_or_style(workspace: TenantRef, compliance: Person, draft: str) -> None:
    client = compliance.sign_in(Client())
    for path in (
        "policy/",
        f"policy/drafts/{draft}/",
        f"policy/drafts/{draft}/rules/new/",
        "policy/limits/",
        "policy/lists/",
    ):
        text = client.get(f"/w/{workspace.slug}/{path}").content.decode()
        assert " style=" not in text
        assert "<style" not in text
        assert "<script>" not in text
        assert " onclick" not in text
