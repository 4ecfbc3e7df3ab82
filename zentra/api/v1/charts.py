"""``/account-categories``, ``/chart-templates``, ``/trial-balance``: the chart of accounts and what it adds up to."""

from dataclasses import asdict
from datetime import datetime
from typing import Annotated, Any, Final

from django.http import HttpRequest, HttpResponse
from ninja import Query, Router

from ledger.charts import CHART_TEMPLATES, ChartTemplate
from ledger.operations import apply_chart, create_category
from ledger.queries import (
    CategoryNode,
    CategoryRecord,
    RollUp,
    TrialBalance,
    category_tree,
    list_categories,
    trial_balance,
)
from zentra.api.doors import answer_json, answer_write, caller_of, door, words_of, write
from zentra.api.fields import LEDGER_CURRENCY, AnyCurrency, AsOf, Body, IdempotencyKey, Maybe, Reference, Text
from zentra.api.v1.account_history import Basis
from zentra.api.v1.accounts import Code
from zentra.api.v1.chart_answers import (
    AppliedChartAnswer,
    CategoryAnswer,
    CategoryList,
    CategoryTreeAnswer,
    ChartTemplateList,
    TrialBalanceAnswer,
)
from zentra.api.v1.posting_bodies import own_currency
from zentra.core import clock
from zentra.core.tenancy import TenantRef, tenant_work
from zentra.tenants.permissions import Permission

router = Router(tags=["Chart of accounts"])

CATEGORIES: Final = "/v1/account-categories"
AsOfMoment = Annotated[AsOf | None, Query(description="A moment, or a day for its end in UTC; included.")]
OneCurrency = Annotated[
    AnyCurrency | None, Query(description="The workspace's own when left out. Amounts of two are never added.")
]


class CreateCategoryBody(Body):
    """A category below ``parent`` (id or code), or at the top. Its place never changes."""

    code: Code
    name: Text
    parent: Maybe[Reference] = None
    idempotency_key: Maybe[IdempotencyKey] = None


class ApplyChartBody(Body):
    """The currency in which to open a template's accounts."""

    currency: AnyCurrency
    idempotency_key: Maybe[IdempotencyKey] = None


@door(router, "POST", "/account-categories", permission=Permission.ACCOUNTS_MANAGE, response={201: CategoryAnswer})
def create(request: HttpRequest, body: CreateCategoryBody) -> HttpResponse:
    """Add a category to the chart of accounts."""
    actor = caller_of(request).actor

    def effect(_tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        made = create_category(code=body.code, name=body.name, parent=body.parent, actor=actor, now=now)
        return 201, _show_category(made)

    answer = write(request, operation="account_categories.create", route=CATEGORIES, body=words_of(body), effect=effect)
    return answer_write(answer)


@door(router, "GET", "/account-categories", permission=Permission.ACCOUNTS_READ, response=CategoryList)
def list_all(request: HttpRequest) -> HttpResponse:
    """All categories, by code."""
    with tenant_work(caller_of(request).tenant):
        found = list_categories()
    return answer_json({"data": [_show_category(category) for category in found]})


@door(router, "GET", "/account-categories/tree", permission=Permission.ACCOUNTS_READ, response=CategoryTreeAnswer)
def tree(request: HttpRequest, currency: OneCurrency = None, as_of: AsOfMoment = None) -> HttpResponse:
    """The chart of accounts as a tree with rolled-up balances of one currency, now or as of an effective moment."""
    tenant = caller_of(request).tenant
    chosen = own_currency(currency or LEDGER_CURRENCY, tenant)
    with tenant_work(tenant):
        nodes = category_tree(currency=chosen, at=as_of)
    document = {
        "object": "account_category_tree",
        "currency": chosen,
        "as_of": None if as_of is None else clock.iso(as_of),
        "data": [_show_node(node) for node in nodes],
    }
    return answer_json(document)


@door(router, "GET", "/chart-templates", permission=Permission.ACCOUNTS_READ, response=ChartTemplateList)
def list_templates(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # a view takes one
    """Templates of a chart of accounts for a workspace to start from."""
    return answer_json({"data": [_show_template(template) for template in CHART_TEMPLATES.values()]})


@door(
    router,
    "POST",
    "/chart-templates/{name}/apply",
    permission=Permission.ACCOUNTS_MANAGE,
    response={201: AppliedChartAnswer},
)
def apply(request: HttpRequest, name: str, body: ApplyChartBody) -> HttpResponse:
    """Make the categories and accounts of a template in a currency, those that are missing."""
    actor = caller_of(request).actor

    def effect(tenant: TenantRef, now: datetime) -> tuple[int, dict[str, Any]]:
        currency = own_currency(body.currency, tenant)
        applied = apply_chart(template=name, currency=currency, actor=actor, now=now)
        return 201, {
            "object": "applied_chart",
            "template": applied.template,
            "currency": applied.currency,
            "categories_created": [category.code for category in applied.categories],
            "accounts_created": [account.code for account in applied.accounts],
            "accounts_kept": [account.code for account in applied.kept],
        }

    route = f"/v1/chart-templates/{name}/apply"
    return answer_write(
        write(request, operation="chart_templates.apply", route=route, body=words_of(body), effect=effect)
    )


@door(router, "GET", "/trial-balance", permission=Permission.LEDGER_READ, response=TrialBalanceAnswer)
def get_trial_balance(
    request: HttpRequest,
    currency: OneCurrency = None,
    as_of: AsOfMoment = None,
    basis: Basis = "effective",
) -> HttpResponse:
    """The trial balance of a currency, now or as of a moment, by class and rolled up by category."""
    tenant = caller_of(request).tenant
    chosen = own_currency(currency or LEDGER_CURRENCY, tenant)
    with tenant_work(tenant):
        found = trial_balance(currency=chosen, at=as_of, basis=basis)
    return answer_json(_show_trial(found))


def _show_category(category: CategoryRecord) -> dict[str, Any]:
    return {
        "id": category.id,
        "object": "account_category",
        "code": category.code,
        "name": category.name,
        "parent_id": category.parent_id,
        "created_at": clock.iso(category.created_at),
    }


def _show_node(node: CategoryNode) -> dict[str, Any]:
    return {
        "id": node.id,
        "code": node.code,
        "name": node.name,
        "parent_id": node.parent_id,
        "own": _show_roll_up(node.own),
        "total": _show_roll_up(node.total),
        "children": [_show_node(child) for child in node.children],
    }


def _show_roll_up(figures: RollUp) -> dict[str, Any]:
    return {
        "accounts": figures.accounts,
        "normal_balance": figures.normal_balance,
        "posted_minor": figures.posted_minor,
        "pending_minor": figures.pending_minor,
        "available_minor": figures.available_minor,
        "net_minor": figures.posted_net_minor,
    }


def _show_template(template: ChartTemplate) -> dict[str, Any]:
    return {
        "name": template.name,
        "title": template.title,
        "description": template.description,
        "categories": [
            {"code": category.code, "name": category.name, "parent": category.parent}
            for category in template.categories
        ],
        "accounts": [asdict(account) for account in template.accounts],
    }


def _show_trial(found: TrialBalance) -> dict[str, Any]:
    return {
        "object": "trial_balance",
        "currency": found.currency,
        "as_of": None if found.at is None else clock.iso(found.at),
        "basis": found.basis,
        "is_balanced": found.is_balanced,
        "difference_minor": found.difference_minor,
        "debit_minor": found.debit_minor,
        "credit_minor": found.credit_minor,
        "data": [asdict(row) for row in found.rows],
        "classes": [
            {
                "name": each.type,
                "code": each.type,
                "accounts": len(each.rows),
                "depth": 0,
                "debit_minor": each.debit_minor,
                "credit_minor": each.credit_minor,
            }
            for each in found.classes
        ],
        "categories": [
            {
                "name": each.name,
                "code": each.code,
                "accounts": each.accounts,
                "depth": each.depth,
                "debit_minor": each.debit_minor,
                "credit_minor": each.credit_minor,
            }
            for each in found.categories
        ],
    }
