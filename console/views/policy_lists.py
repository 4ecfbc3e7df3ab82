"""Lists that rules ask: allowed, denied, watched. Values come one by one or pasted, with an expiry and a note."""

from datetime import datetime
from typing import Final, cast

from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, read_end
from console.builder.closing import lines
from console.doors import Visit, room
from console.forms import Done, FormIncomplete, act_once, words
from console.marks import mark
from console.presenters.accounts import Names
from console.presenters.words import NONE, dated, grouped, moment
from console.readings.policy import people_of
from console.refusals import explain
from console.types import Chip, Proof
from console.types.ledger import Field, Option
from console.types.policy import ItemRow, ListPage, ListRow, ListsPage
from console.views.policy import context, policy_tabs
from policy.lists.operations import add_items, create_list, remove_item, remove_list
from policy.lists.queries import get_list, list_items, list_lists
from policy.lists.types import ItemRecord, ItemState, ListKind, ListRecord, ValueType
from policy.rules.nodes import Listed, RuleSetSpec, preorder
from policy.rulesets.queries import live_spec
from zentra.core.errors import DomainError
from zentra.tenants.permissions import Permission

PAGE: Final = 50
KIND_WORDS: Final = {"allow": "allows", "deny": "denies", "watch": "watches"}
TYPE_WORDS: Final = {"text": "customers, counterparties, accounts: any text", "country": "countries, two letters",
                     "currency": "currencies"}  # fmt: skip
PLACEHOLDERS: Final = {"text": "customer_ref", "country": "KP", "currency": "RUB"}
STATES: Final = (("active", "On the list"), ("expired", "Run out"), ("removed", "Taken off"))


@room(Permission.POLICY_READ)
def show_lists(visit: Visit) -> HttpResponse:
    """Every list, and which rules ask it."""
    spec = live_spec()
    page = ListsPage(
        tabs=policy_tabs(visit, "lists"),
        rows=tuple(_list_row(visit, each, spec) for each in list_lists(now=visit.now)),
        kinds=tuple(Option(key, f"{key}: it {said}") for key, said in KIND_WORDS.items()),
        types=tuple(Option(key, said) for key, said in TYPE_WORDS.items()),
        add_url=f"{visit.base}policy/lists/add/" if visit.may(Permission.POLICY_LISTS) else "",
    )
    return render(visit.request, "console/policy/lists.html", context(visit, page))


def _list_row(visit: Visit, record: ListRecord, spec: RuleSetSpec) -> ListRow:
    asking = [
        rule.common.name
        for rule in spec.rules
        if any(isinstance(node, Listed) and node.list == record.name for node in preorder(rule.when))
    ]
    return ListRow(
        record.id,
        f"{visit.base}policy/lists/{record.id}/",
        record.name,
        mark(record.kind),
        record.value_type,
        record.description or NONE,
        grouped(record.items),
        ", ".join(asking) or "no rule",
    )


@room(Permission.POLICY_LISTS, step_up=True)
def add(visit: Visit) -> HttpResponse:
    """A new list, empty."""

    def effect() -> Done:
        record = create_list(
            name=words(visit, "name"),
            kind=cast("ListKind", words(visit, "kind")),
            value_type=cast("ValueType", words(visit, "value_type")),
            description=words(visit, "description", needed=False),
            actor=visit.actor(),
            now=visit.now,
        )
        return Done(f"The list {record.name} is there, and empty.", f"{visit.base}policy/lists/{record.id}/")

    return act_once(visit, operation="policy.lists.create", effect=effect, to=f"{visit.base}policy/lists/")


@room(Permission.POLICY_READ)
def show_list(visit: Visit, list_id: str) -> HttpResponse:
    """A list and what is on it."""
    return _show(visit, list_id)


def _show(visit: Visit, list_id: str, *, error: DomainError | None = None) -> HttpResponse:
    record = get_list(list_id=list_id, now=visit.now)
    said, text, before = asked(visit, "state"), asked(visit, "q"), asked(visit, "before")
    state = said if said in {key for key, _ in STATES} else "active"
    found = list_items(
        list_id=record.id,
        now=visit.now,
        state=cast("ItemState", state),
        text=text,
        before=paging.decode(before),
        limit=PAGE + 1,
    )
    people = people_of([record.created_by, *(each.added_by for each in found)])
    here = f"{visit.base}policy/lists/{record.id}/"
    may = visit.may(Permission.POLICY_LISTS)
    refusal = explain(error, workspace_id=visit.workspace.id) if error else None
    form = visit.request.POST
    last = found[PAGE - 1] if len(found) > PAGE else None
    page = ListPage(
        row=_list_row(visit, record, live_spec()),
        version=str(record.version),
        facts=_facts(record, people),
        items=tuple(_item_row(visit, each, here if may else "", people) for each in found[:PAGE]),
        fields=(Field("q", "Begins with", text, "search"),),
        states=tuple(Chip(title, paging.link(here, state=key, q=text), key == state) for key, title in STATES),
        add_url=f"{here}add/" if may else "",
        remove_url=f"{here}remove/" if may else "",
        typed=form.get("values", ""),
        typed_note=form.get("note", ""),
        typed_expires=form.get("expires_at", ""),
        problem=f"{refusal.title}. {refusal.why}".strip() if refusal else "",
        problem_next=refusal.next if refusal else "",
        clear_url=here if text else "",
        next_url=paging.link(here, state=state, q=text, before=paging.encode((last.added_at, last.id))) if last else "",
        first_url=paging.link(here, state=state, q=text) if before else "",
        placeholder=PLACEHOLDERS[record.value_type],
    )
    status = error.status if error else 200
    return render(visit.request, "console/policy/list.html", context(visit, page), status=status)


def _facts(record: ListRecord, people: Names) -> tuple[Proof, ...]:
    return (
        Proof("list", record.id, record.id),
        Proof("named in rules", record.name, record.name),
        Proof("values", TYPE_WORDS[record.value_type]),
        Proof("made", f"{dated(record.created_at)} UTC"),
        Proof("by", people.get(record.created_by, "the installation")),
        Proof("changes", str(record.version)),
    )


def _item_row(visit: Visit, record: ItemRecord, here: str, people: Names) -> ItemRow:
    state = record.state_at(visit.now)
    marks = {"active": "active", "expired": "expired", "removed": "removed"}
    return ItemRow(
        record.id,
        record.value,
        record.note or NONE,
        mark(marks[state], says={"active": "on the list", "expired": "run out", "removed": "taken off"}[state]),
        f"{dated(record.expires_at)} UTC" if record.expires_at else "never",
        people.get(record.added_by, record.added_by),
        moment(record.added_at, visit.now),
        f"{here}items/remove/" if here and state == "active" else "",
    )


@room(Permission.POLICY_LISTS, step_up=True)
def add_values(visit: Visit, list_id: str) -> HttpResponse:
    """Put values on it: one a line, as many as may be pasted at once. What is wrong comes back as it was typed."""
    values = lines([visit.request.POST.get("values", "")])

    def effect() -> str:
        if not values:
            raise FormIncomplete("Type or paste at least one value, one a line.")
        added = add_items(
            list_id=list_id,
            values=values,
            note=words(visit, "note", needed=False),
            expires_at=_expiry(visit.request.POST.get("expires_at", "")),
            actor=visit.actor(),
            now=visit.now,
        )
        there = len(set(values)) - len(added)
        also = f", {grouped(there)} of them there already" if there > 0 else ""
        return f"{grouped(len(added))} {'value is' if len(added) == 1 else 'values are'} added{also}."

    to = f"{visit.base}policy/lists/{list_id}/"
    try:
        with transaction.atomic():
            return act_once(visit, operation="policy.lists.add", effect=effect, to=to)
    except DomainError as error:
        return _show(visit, list_id, error=error)


def _expiry(text: str) -> datetime | None:
    if not text.strip():
        return None
    found = read_end(text)
    if found is None:
        raise FormIncomplete("The expiry is a day or a moment (UTC).")
    return found


@room(Permission.POLICY_LISTS, step_up=True)
def remove_value(visit: Visit, list_id: str) -> HttpResponse:
    """Take a value off; it stays as history."""

    def effect() -> str:
        remove_item(item_id=words(visit, "item"), actor=visit.actor(), now=visit.now)
        return "The value is taken off."

    return act_once(visit, operation="policy.lists.take_off", effect=effect, to=f"{visit.base}policy/lists/{list_id}/")


@room(Permission.POLICY_LISTS, step_up=True)
def remove(visit: Visit, list_id: str) -> HttpResponse:
    """Take the whole list away."""

    def effect() -> Done:
        words(visit, "reason")
        remove_list(list_id=list_id, actor=visit.actor(), now=visit.now)
        return Done("The list is taken away; what was on it stays as history.", f"{visit.base}policy/lists/")

    return act_once(visit, operation="policy.lists.remove", effect=effect)
