"""The product's URLs and what it is measured against, under ``/v1/bench/``.

``select1`` is what this server does at best when it asks the database once. ``bare`` and ``guarded`` read one account
with the same statement and answer the same bytes: ``guarded`` behind a door of the API, with authentication, rate limit
and tenant switch, ``bare`` without any of them, which it can because it names the schema.
"""

from django.db import connection
from django.http import HttpRequest, HttpResponse
from django.urls import include, path
from ninja import NinjaAPI, Router

from zentra.api.doors import answer_json, caller_of, door, public_door
from zentra.core.db.hot import execute_hot
from zentra.core.tenancy import tenant_work
from zentra.tenants.permissions import Permission

SCHEMA = "ws_bench"
_READ = "SELECT id, code, name, currency, account_type FROM {table} WHERE code = %s AND currency = %s"
_BARE, _GUARDED = _READ.format(table=f"{SCHEMA}.ledger_account"), _READ.format(table="ledger_account")
_ACCOUNT = ["customer_balance", "USD"]
_NAMES = ("id", "code", "name", "currency", "account_type")
router = Router()


def select_one(_request: HttpRequest) -> HttpResponse:
    """One ``SELECT 1``."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
        cursor.fetchone()
    return HttpResponse("1")


@public_door(router, "GET", "/bare")
def bare(request: HttpRequest) -> HttpResponse:  # noqa: ARG001  # django-ninja reads the name
    """One account, for everybody."""
    return _answer(_BARE)


@door(router, "GET", "/guarded", permission=Permission.ACCOUNTS_READ, response=None)
def guarded(request: HttpRequest) -> HttpResponse:
    """The same account, for a proven caller in their own workspace."""
    with tenant_work(caller_of(request).tenant):
        return _answer(_GUARDED)


def _answer(statement: str) -> HttpResponse:
    row = execute_hot(statement, _ACCOUNT).fetchone()
    return answer_json(dict(zip(_NAMES, map(str, row or ()), strict=False)))


_api = NinjaAPI(urls_namespace="bench", docs_url=None, openapi_url=None)
_api.add_router("", router)

urlpatterns = [
    path("v1/bench/select1", select_one),
    path("v1/bench/", _api.urls),
    path("", include("zentra.urls")),
]
