"""The habits of the house, held: doors of an app are keyword-only and typed, errors are documented, two parts stand
alone, and what is remembered in a process never mixes tenants."""

import ast
import importlib
import inspect
import pkgutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import FunctionType, ModuleType

import pytest

from zentra.core.errors import DomainError, all_errors

HERE = Path(__file__).resolve().parents[2]
APPS = (
    "zentra.core.queue", "zentra.core.idempotency", "zentra.tenants", "zentra.tenants.configuration",
    "zentra.tenants.provisioning", "zentra.tenants.exports", "zentra.tenants.denials", "zentra.tenants.services",
    "zentra.tenants.staff", "zentra.tenants.roles", "zentra.tenants.teams",
    "zentra.tenants.access_reviews", "zentra.tenants.members", "zentra.tenants.mail", "zentra.tenants.sessions",
    "zentra.tenants.passwords", "zentra.tenants.passkeys", "zentra.tenants.lockout", "zentra.tenants.second_factor",
    "zentra.routing", "zentra.routing.directory", "zentra.runtime", "zentra.alarms",
    "evidence", "ledger", "policy", "policy.decisions", "policy.limits", "policy.lists", "policy.reviews",
    "policy.rulesets", "policy.screening", "policy.screening.matching", "policy.screening.watchlists", "webhooks",
    "zentra.reconciliation.statements", "zentra.reconciliation.matching", "zentra.reconciliation.matching.desk",
    "zentra.reconciliation.closeout",
)  # fmt: skip
# Called with one obvious thing, by position, on purpose. Do not add reads or writes of rows.
BY_POSITION = {
    "zentra.core.queue.operations.enqueue_many",
    "zentra.tenants.operations.register_provisioner",
    "zentra.tenants.operations.schema_name",
    "zentra.tenants.queries.needs_second_factor",  # of names, no rows
    "zentra.tenants.queries.permissions_of",  # of names, no rows
    "zentra.tenants.queries.tenant_ref",  # the resolver of zentra.core.tenancy
    "evidence.operations.first_page.first_page",
    "ledger.operations.events.posting_event",
    "ledger.operations.events.posting_facts",
    "ledger.queries.accounts.account_record",
    "ledger.queries.accounts.as_json",
    "ledger.queries.accounts.is_account_id",
    "policy.decisions.operations.decision_event",
    "policy.operations.provision",  # a provisioner of zentra.tenants
    "zentra.routing.queries.read_attempt",
    "zentra.routing.queries.read_pause",
    "zentra.runtime.operations.intake.ledgered_events",
    "zentra.runtime.operations.outcomes.converge",
    "zentra.runtime.operations.outcomes.fail_intent",
}


def doors() -> Iterator[tuple[str, FunctionType]]:
    """Every public function of every operations and queries module, where it is defined."""
    for app in APPS:
        for kind in ("operations", "queries"):
            if importlib.util.find_spec(f"{app}.{kind}") is None:
                continue
            top = importlib.import_module(f"{app}.{kind}")
            for module in (top, *_submodules(top)):
                for name, found in vars(module).items():
                    if isinstance(found, FunctionType) and found.__module__ == module.__name__ and name[0] != "_":
                        yield f"{module.__name__}.{name}", found


def _submodules(package: ModuleType) -> list[ModuleType]:
    paths = getattr(package, "__path__", [])
    return [importlib.import_module(f"{package.__name__}.{found.name}") for found in pkgutil.iter_modules(paths)]


DOORS = dict(doors())


@pytest.mark.parametrize("name", DOORS)
def test_a_door_of_an_app_is_called_by_name_and_fully_typed(name: str) -> None:
    signature = inspect.signature(inspect.unwrap(DOORS[name]))
    by_position = [p.name for p in signature.parameters.values() if p.kind is not p.KEYWORD_ONLY]

    assert by_position == [] or name in BY_POSITION
    assert signature.return_annotation is not signature.empty
    assert [p.name for p in signature.parameters.values() if p.annotation is p.empty] == []
    assert DOORS[name].__doc__, "say what it does, in which units, and what it raises"


def test_the_exceptions_to_that_are_still_needed() -> None:
    assert set(DOORS) >= BY_POSITION
    for name in BY_POSITION:
        parameters = inspect.signature(inspect.unwrap(DOORS[name])).parameters.values()
        assert any(p.kind is not p.KEYWORD_ONLY for p in parameters), name


def _import_everything() -> None:
    for root in ("zentra", "ledger", "policy", "webhooks", "evidence", "console"):
        for found in pkgutil.walk_packages([str(HERE / Path(*root.split(".")))], f"{root}."):
            if not any(part in found.name for part in (".migrations", ".management", "__main__", ".asgi", ".wsgi")):
                importlib.import_module(found.name)


def test_every_error_is_documented_with_its_code() -> None:
    _import_everything()
    documented = (HERE / "docs" / "errors.md").read_text()
    # A console refusal is a sentence on a page and never leaves as a code.
    ours = [e for e in all_errors() if e.__module__.split(".")[0] not in ("tests", "console")]

    assert len(ours) > 40
    assert [error.code for error in ours if f"`{error.code}`" not in documented] == []


def test_errors_that_share_a_code_are_the_same_to_a_caller() -> None:
    _import_everything()
    by_code: dict[str, list[type[DomainError]]] = {}
    pending = list(DomainError.__subclasses__())
    while pending:
        error = pending.pop()
        pending.extend(error.__subclasses__())
        by_code.setdefault(error.code, []).append(error)

    for code, errors in by_code.items():
        assert len({(error.status, error.retryable) for error in errors}) == 1, (code, errors)


@pytest.mark.parametrize(
    "module", ["evidence.verifier", "evidence.verifier.__main__", "zentra.sdk", "zentra.sdk.webhooks"]
)
def test_the_verifier_and_the_sdk_import_neither_django_nor_the_rest_of_us(module: str) -> None:
    script = (
        f"import sys; import {module}; "
        "print(' '.join(sorted(m for m in sys.modules if m.split('.')[0] in"
        " ('django', 'zentra', 'ledger', 'policy', 'webhooks', 'console', 'evidence'))))"
    )
    ran = subprocess.run([sys.executable, "-c", script], cwd=HERE, capture_output=True, text=True, check=True)

    alone = module.split(".", maxsplit=1)[0] + "." + module.split(".")[1]
    assert [m for m in ran.stdout.split() if not (m == alone.split(".")[0] or m.startswith(alone))] == []


# A memory of the process is shared by all its tenants: its key names the workspace, or nothing in it is a tenant's.
REMEMBERED = {
    "zentra/runtime/operations/intake.py:_resolve": "_workspace_id",
    "ledger/statements/fonts.py": None,  # which font has a character
    "webhooks/outbound/directory.py": None,  # a ciphertext, which is one tenant's, and what it says
    "webhooks/signing.py": None,  # a key's text, and the key that it says
    "webhooks/tasks.py": None,  # the engine of this process, for every workspace
    # What a name, a word or a country reads as: nothing in them says whose it was, and the most recent are kept only.
    "policy/screening/matching/facts.py": None,
    "policy/screening/matching/likeness.py": None,
    "policy/screening/matching/normal.py": None,
    "policy/screening/matching/phonetic.py": None,
    "policy/screening/watchlists/formats/countries.py": None,
    "policy/screening/vendors/adapters.py": None,  # a vendor's pooled client, by its address
    "console/views/runbooks.py": None,  # a page of the tree, rendered
    "zentra/api/v1/contract.py": None,
    "zentra/core/crypto.py": None,
    "zentra/core/money.py": None,
    "zentra/core/rates.py": None,  # the connection to Redis; a bucket's key names its rail or workspace
    "zentra/tenants/services/tokens.py": None,  # a token's text, and what it says under the key that signed it
    "zentra/core/addresses.py": None,  # an address as text, and its normal form
    "zentra/api/limits.py": None,  # what a policy is called in a header, by its numbers
    "zentra/core/schema.py": None,
    "zentra/reconciliation/matching/calendars.py": None,  # a market's holidays, by its name and the year
    "zentra/reconciliation/statements/formats/amounts.py": None,  # an amount as text, and what it reads as
    "zentra/reconciliation/statements/formats/cells.py": None,  # the same of cells, and the form they are read by
    "zentra/routing/providers/adapters.py": None,
    "zentra/tenants/members/news.py": None,  # the connection to Redis; each message names its workspace
    "zentra/tenants/queries.py": None,  # which migrations there are
}


def cached_functions() -> Iterator[tuple[str, ast.FunctionDef]]:
    for root in ("zentra", "ledger", "policy", "webhooks", "evidence", "console"):
        for path in sorted((HERE / root).rglob("*.py")):
            name = str(path.relative_to(HERE))
            if name.startswith(("zentra/embedded", "zentra/demo", "zentra/sdk", "zentra/routing/sandbox")):
                continue
            for node in ast.walk(ast.parse(path.read_text())):
                if isinstance(node, ast.FunctionDef) and any(
                    "cache" in ast.unparse(d)
                    and "cached_property" not in ast.unparse(d)
                    and "never" not in ast.unparse(d)
                    for d in node.decorator_list
                ):
                    yield name, node


def test_what_a_process_remembers_names_its_workspace_or_is_nobody_s() -> None:
    for path, function in cached_functions():
        mine = REMEMBERED.get(f"{path}:{function.name}")
        if mine is not None:
            assert function.args.args[0].arg == mine
        else:
            assert path in REMEMBERED, f"{path}: {function.name} remembers; name the workspace first in its key"


def test_no_lock_channel_or_cache_key_of_the_whole_database_is_used() -> None:
    words = ("pg_advisory", "pg_notify", "NOTIFY ", "LISTEN ", "group_add", "group_send", "django.core.cache import")
    found = [
        (str(path.relative_to(HERE)), word)
        for root in ("zentra", "ledger", "policy", "webhooks", "evidence", "console")
        for path in (HERE / root).rglob("*")
        if path.suffix in (".py", ".sql") and "embedded" not in path.parts
        for word in words
        if word in path.read_text()
    ]

    assert found == []


def test_a_hub_of_live_pages_is_one_workspace_s_and_one_permission_class_s() -> None:
    from console.live import hub

    hints = inspect.get_annotations(hub)["_hubs"]
    assert "UUID" in str(hints)
    assert list(inspect.signature(hub.hub_for).parameters)[:2] == ["workspace_id", "permissions"]


def test_the_switch_is_the_only_place_that_sets_the_search_path_of_a_connection() -> None:
    allowed = {"zentra/core/tenancy.py", "zentra/core/db/base.py", "zentra/settings.py"}
    found = {
        str(path.relative_to(HERE))
        for root in ("zentra", "ledger", "policy", "webhooks", "evidence", "console")
        for path in (HERE / root).rglob("*.py")
        if "embedded" not in path.parts and ("search_path" in path.read_text() or "set_tenant(" in path.read_text())
    }

    assert found <= allowed
