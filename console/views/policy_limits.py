"""Limits in use: how much of each every customer, account or corridor has used."""

from datetime import datetime
from typing import Final

from django.http import HttpResponse
from django.shortcuts import render

from console import paging
from console.asked import asked
from console.doors import Visit, room
from console.presenters import policy as present
from console.presenters.words import dated, grouped, money
from console.readings.policy import shown_limits
from console.types.ledger import Field, Option
from console.types.policy import LimitsPage, UseRow
from console.views.policy import context, policy_tabs
from policy.limits.queries import limits_usage, usage_of_customer
from policy.limits.types import LimitUsage
from policy.rules.types import EVERY_CURRENCY
from policy.rulesets.queries import as_second_format, live_rule_set
from zentra.core.clock import iso
from zentra.tenants.permissions import Permission

PAGE: Final = 40
NEAR: Final = 80
_EACH: Final = ("USD", "EUR", "GBP", "JPY", "BHD")


@room(Permission.POLICY_READ)
def show_limits(visit: Visit) -> HttpResponse:
    """How much of each limit is used, by whom; a customer can be searched."""
    document = as_second_format(document=live_rule_set()[1])
    _, limits = present.rule_rows(document)
    shown = shown_limits()
    customer, currency, one = asked(visit, "customer"), asked(visit, "currency") or "USD", asked(visit, "limit")
    narrowed = [each for each in shown if not one or each.name == one]
    here = f"{visit.base}policy/limits/"
    before = _cursor(asked(visit, "before"))
    if customer:
        found = usage_of_customer(customer=customer, currency=currency, limits=narrowed, now=visit.now)
        more = False
    else:
        found = limits_usage(limits=narrowed, now=visit.now, before=before, limit=PAGE + 1)
        found, more = found[:PAGE], len(found) > PAGE
    named = (Option(each.name, each.name, each.name == one) for each in shown)
    kept = {"limit": one} if one else {}
    page = LimitsPage(
        tabs=policy_tabs(visit, "limits"),
        fields=(
            Field("customer", "Customer", customer, "search", placeholder="customer_ref, in full"),
            Field("currency", "Currency", options=tuple(
                Option(each, each, each == currency) for each in dict.fromkeys((*_EACH, currency)))),
            Field("limit", "Limit", options=(Option("", "every limit", not one), *named)),
        ),
        limits=limits,
        rows=tuple(_row(visit, each) for each in found),
        searched=customer,
        clear_url=here if customer or one else "",
        next_url=_link(here, found[-1].cursor, **kept) if more else "",
        first_url=_link(here, None, **kept) if before else "",
    )  # fmt: skip
    return render(visit.request, "console/policy/limits.html", context(visit, page))


def _row(visit: Visit, use: LimitUsage) -> UseRow:
    is_money = use.currency != EVERY_CURRENCY
    here = f"{visit.base}policy/limits/"
    by_customer = use.dimension == "customer"
    return UseRow(
        limit=use.limit,
        limit_url=_link(here, None, limit=use.limit),
        dimension=use.dimension,
        key="the whole workspace" if use.dimension == "workspace" else use.key,
        key_url=_link(here, None, customer=use.key, currency=use.currency if is_money else "") if by_customer else "",
        used=money(use.used, use.currency).major if is_money else grouped(use.used),
        cap=money(use.cap, use.currency).major if is_money else grouped(use.cap),
        currency=use.currency if is_money else "times",
        percent=min(use.percent, 100),
        percent_words=f"{grouped(use.percent)} %",
        level="full" if use.percent >= 100 else "near" if use.percent >= NEAR else "",
        resets=_resets(use.resets_at),
        resets_iso=iso(use.resets_at) if use.resets_at else "",
    )


def _resets(at: datetime | None) -> str:
    return f"{dated(at)} UTC" if at else "rolls on"


def _cursor(text: str) -> tuple[str, int] | None:
    """The (limit, number) of the last bar seen; None of nothing or anything else."""
    name, _, number = text.rpartition("~")
    return (name, int(number)) if name and number.isascii() and number.isdecimal() and len(number) < 19 else None


def _link(here: str, cursor: tuple[str, int] | None, **kept: str) -> str:
    return paging.link(here, **kept, before=f"{cursor[0]}~{cursor[1]}" if cursor else "")
