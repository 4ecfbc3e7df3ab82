"""The Accounts room: every account as a list and as the chart's tree; opening accounts and applying a chart."""

from collections.abc import Iterable, Mapping
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked, optional_minor
from console.doors import Visit, room
from console.forms import act_once, words
from console.marks import mark
from console.presenters.accounts import account_line
from console.presenters.words import grouped
from console.shell import build_shell
from console.types import Chip
from console.types.ledger import AccountsPage, Field, Option, TreeLine, TreePage
from evidence.operations import record_events
from ledger.charts import CHART_TEMPLATES
from ledger.operations import DEFAULT_FLOOR, account_created_event, apply_chart, open_account
from ledger.queries import (
    CategoryNode,
    category_tree,
    list_accounts_in_tree,
    list_balances,
    list_categories,
    list_currencies,
    search_accounts,
)
from ledger.types import ACCOUNT_STATES, ACCOUNT_TYPES, AccountRecord, Balances
from zentra.core.money import currencies
from zentra.tenants.permissions import Permission

PAGE: Final = 50
PER_CATEGORY: Final = 12
# What the style sheet indents; deeper categories stand below each other.
MOST_DEPTH: Final = 6
_KEPT: Final = ("q", "currency", "type", "state", "category")


@room(Permission.ACCOUNTS_READ)
def show_accounts(visit: Visit) -> HttpResponse:
    """The list, or the tree."""
    if asked(visit, "view") == "tree":
        return _show(visit, "console/accounts_tree.html", _tree(visit))
    return _show(visit, "console/accounts.html", _list(visit))


def _show(visit: Visit, template: str, page: object) -> HttpResponse:
    return render(visit.request, template, {"shell": build_shell(visit, room="accounts"), "page": page})


def _here(visit: Visit, **changes: object) -> str:
    return paging.link(f"{visit.base}accounts/", **{**{name: asked(visit, name) for name in _KEPT}, **changes})


def _tabs(visit: Visit, current: str) -> tuple[Chip, ...]:
    here = f"{visit.base}accounts/"
    currency = asked(visit, "currency")
    return (
        Chip("List", paging.link(here, currency=currency), current == "list"),
        Chip("Tree", paging.link(here, view="tree", currency=currency), current == "tree"),
    )


def _currencies(visit: Visit, chosen: str) -> list[str]:
    """The workspace's own, those that accounts are in, and the one that is asked for."""
    known = [visit.workspace.ledger_currency, *list_currencies()]
    return list(dict.fromkeys([*known, *([chosen] if chosen in currencies() else [])]))


def _list(visit: Visit) -> AccountsPage:
    text, currency = asked(visit, "q"), asked(visit, "currency")
    before = asked(visit, "before")
    category = next((each for each in list_categories() if each.code == asked(visit, "category")), None)
    records, following = search_accounts(
        limit=PAGE,
        before=paging.decode(before),
        text=text,
        currency=currency or None,
        account_type=asked(visit, "type") or None,
        state=asked(visit, "state") or None,
        category_id=category.id if category else None,
    )
    known = list_balances(account_ids=[record.id for record in records])
    chips = [Chip("All", _here(visit, currency=""), not currency)]
    chips += [Chip(each, _here(visit, currency=each), each == currency) for each in _currencies(visit, currency)]
    if category:
        chips.append(Chip(f"{category.name} ×", _here(visit, category=""), current=True))
    return AccountsPage(
        tabs=_tabs(visit, "list"),
        filters=tuple(chips),
        fields=_fields(visit),
        rows=tuple(account_line(each, known[each.id], base=visit.base) for each in records if each.id in known),
        kept=tuple((name, asked(visit, name)) for name in ("currency", "category") if asked(visit, name)),
        clear_url=f"{visit.base}accounts/" if any(asked(visit, name) for name in _KEPT) else "",
        next_url=_here(visit, before=paging.encode(following)) if following else "",
        first_url=_here(visit) if before else "",
        open_url=f"{visit.base}accounts/open/" if visit.may(Permission.ACCOUNTS_CREATE) else "",
        chart_url=f"{visit.base}accounts/chart/" if visit.may(Permission.ACCOUNTS_MANAGE) else "",
    )


def _fields(visit: Visit) -> tuple[Field, ...]:
    return (
        Field("q", "Search", asked(visit, "q"), "search", placeholder="code, name, customer or id"),
        Field("type", "Type", options=_options("every type", sorted(ACCOUNT_TYPES), asked(visit, "type"))),
        Field("state", "State", options=_options("every state", ACCOUNT_STATES, asked(visit, "state"))),
    )


def _options(none: str, known: Iterable[str], chosen: str) -> tuple[Option, ...]:
    return (Option("", none, not chosen), *(Option(each, each, each == chosen) for each in known))


def _tree(visit: Visit) -> TreePage:
    wanted = asked(visit, "currency")
    currency = wanted if wanted in currencies() else visit.workspace.ledger_currency
    nodes = category_tree(currency=currency)
    accounts = list_accounts_in_tree(currency=currency, per_category=PER_CATEGORY)
    known = list_balances(account_ids=[account.id for account in accounts])
    of_category: dict[str | None, list[AccountRecord]] = {}
    for account in accounts:
        of_category.setdefault(account.category_id, []).append(account)
    here = f"{visit.base}accounts/"
    total = sum(node.total.posted_net_minor for node in nodes)
    rows = [line for node in nodes for line in _lines(visit, node, 0, currency, of_category, known)]
    return TreePage(
        tabs=_tabs(visit, "tree"),
        filters=tuple(
            Chip(each, paging.link(here, view="tree", currency=each), each == currency)
            for each in _currencies(visit, currency)
        ),
        rows=tuple(rows),
        currency=currency,
        sum=grouped(total),
        balanced=total == 0,
        open_url=f"{here}open/" if visit.may(Permission.ACCOUNTS_CREATE) else "",
        chart_url=f"{here}chart/" if visit.may(Permission.ACCOUNTS_MANAGE) else "",
    )


def _lines(
    visit: Visit,
    node: CategoryNode,
    depth: int,
    currency: str,
    of_category: Mapping[str | None, list[AccountRecord]],
    known: Mapping[str, Balances],
) -> list[TreeLine]:
    """A category, its own first accounts, and what is below it."""
    here = f"{visit.base}accounts/"
    link = paging.link(here, currency=currency, category=node.code)
    inside = min(depth + 1, MOST_DEPTH)
    own = of_category.get(node.id, []) if node.id else []
    lines = [
        _category_line(node, min(depth, MOST_DEPTH - 1), url=link),
        *(_account_line(each, known[each.id], inside, url=f"{here}{each.id}/") for each in own),
    ]
    if node.id and node.own.accounts > len(own):
        rest = f"{grouped(node.own.accounts - len(own))} more"
        lines.append(TreeLine(depth=inside, kind="more", title=rest, code="", url=link))
    for child in node.children:
        lines += _lines(visit, child, depth + 1, currency, of_category, known)
    return lines


def _category_line(node: CategoryNode, depth: int, *, url: str) -> TreeLine:
    return TreeLine(
        depth=depth,
        kind="category",
        title=node.name,
        code=node.code,
        url=url,
        accounts=grouped(node.total.accounts),
        side=node.total.normal_balance or ("net" if node.total.accounts else ""),
        posted=grouped(node.total.posted_minor),
        pending=grouped(node.total.pending_minor),
        available=grouped(node.total.available_minor),
    )


def _account_line(account: AccountRecord, balances: Balances, depth: int, *, url: str) -> TreeLine:
    return TreeLine(
        depth=depth,
        kind="account",
        title=account.name if account.name != account.code else "",
        code=account.code,
        url=url,
        side=account.normal_balance,
        posted=grouped(balances.posted_minor),
        pending=grouped(balances.pending_minor),
        available=grouped(balances.available_minor),
        state=mark(account.state),
    )


# --- opening and charts ----------------------------------------------------------------------------------------------


def _show_open(visit: Visit) -> HttpResponse:
    """The form for a new account."""
    page = {
        "types": [
            (word, kind.type, kind.normal_balance) for word, kind in ACCOUNT_TYPES.items() if kind.opened_by_callers
        ],
        "currencies": sorted(currencies()),
        "currency": visit.workspace.ledger_currency,
        "categories": list_categories(),
        "post_url": f"{visit.base}accounts/open/",
    }
    return _show(visit, "console/account_open.html", page)


@room(Permission.ACCOUNTS_CREATE)
def open_one(visit: Visit) -> HttpResponse:
    """The form for a new account, or the account, once per form."""
    if visit.request.method != "POST":
        return _show_open(visit)
    post = visit.request.POST
    sequencing = post.get("sequencing", "")
    floor = optional_minor(post.get("floor_minor", ""), what="The floor")
    made: list[AccountRecord] = []

    def effect() -> str:
        account = open_account(
            account_type=words(visit, "account_type"),
            currency=words(visit, "currency"),
            actor=visit.actor(),
            now=visit.now,
            code=words(visit, "code", needed=False) or None,
            name=words(visit, "name", needed=False),
            customer=words(visit, "customer", needed=False) or None,
            external_id=words(visit, "external_id", needed=False) or None,
            category_id=words(visit, "category", needed=False) or None,
            sequencing="deferred" if sequencing == "deferred" else "immediate" if sequencing == "immediate" else None,
            floor_minor=DEFAULT_FLOOR if floor is None else floor,
            ceiling_minor=optional_minor(post.get("ceiling_minor", ""), what="The ceiling"),
        )
        record_events(events=[account_created_event(account=account, actor=visit.actor())], now=visit.now)
        made.append(account)
        return f"{account.code} is open in {account.currency}."

    answer = act_once(visit, operation="accounts.open", effect=effect, to=f"{visit.base}accounts/")
    if made:
        answer.headers["Location"] = f"{visit.base}accounts/{made[0].id}/"
    return answer


def _show_charts(visit: Visit) -> HttpResponse:
    """The chart templates, and what each would make."""
    page = {
        "templates": [
            {
                "name": chart.name,
                "title": chart.title,
                "description": chart.description,
                "categories": len(chart.categories),
                "accounts": chart.accounts,
            }
            for chart in CHART_TEMPLATES.values()
        ],
        "currencies": sorted(currencies()),
        "currency": visit.workspace.ledger_currency,
        "post_url": f"{visit.base}accounts/chart/",
    }
    return _show(visit, "console/charts.html", page)


@room(Permission.ACCOUNTS_MANAGE)
def apply_one(visit: Visit) -> HttpResponse:
    """The templates, or one of them applied; what stands already is kept."""
    if visit.request.method != "POST":
        return _show_charts(visit)
    template, currency = words(visit, "template"), words(visit, "currency")

    def effect() -> str:
        made = apply_chart(template=template, currency=currency, actor=visit.actor(), now=visit.now)
        kept = f", {len(made.kept)} stood already" if made.kept else ""
        return (
            f"{CHART_TEMPLATES[template].title} is applied in {currency}: {len(made.categories)} categories and"
            f" {len(made.accounts)} accounts are new{kept}."
        )

    to = paging.link(f"{visit.base}accounts/", view="tree", currency=currency)
    return act_once(visit, operation="accounts.chart", effect=effect, to=to)
