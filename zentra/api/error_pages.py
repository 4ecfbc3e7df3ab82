"""``docs/errors.md``, from the error classes themselves; a test fails while a code is missing there."""

import importlib
import pkgutil
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from zentra.api import problems
from zentra.core.errors import DomainError, all_errors

PATH: Final = Path(__file__).resolve().parents[2] / "docs" / "errors.md"
_PACKAGES: Final = ("zentra.core", "zentra.tenants", "zentra.runtime", "zentra.routing", "zentra.api",
                    "ledger", "policy", "webhooks", "evidence")  # fmt: skip
# Programs of their own, or modules that only a tool imports.
_SKIPPED: Final = (".sandbox", ".migrations", ".management", ".verifier", ".db", "__main__")

_HEAD: Final = """# Problem codes

Every refusal of the API is one document, `application/problem+json` ([RFC 9457](https://www.rfc-editor.org/rfc/rfc9457)):

```json
{"type": "urn:zentra:problem:invalid_amount", "title": "The amount is not a positive integer of minor units",
 "status": 422, "detail": "/amount_minor: must be an integer of minor units.",
 "code": "invalid_amount", "retryable": false,
 "request_id": "req_…", "trace_id": "…",
 "errors": [{"pointer": "/amount_minor", "code": "amount_not_integer", "detail": "…"}]}
```

`code` is stable; words may improve. `retryable` says whether the same request, with the same idempotency key, may
succeed later; `Retry-After` says when. `errors` names each wrong field by JSON pointer (RFC 6901), or by query
`parameter`. Numbers that explain a refusal are members of their own. When fields are wrong in several ways the code is
`invalid_request`.

This page is written by `python -m zentra.api.openapi` from the error classes.

## Of requests

| code | status | retryable | meaning |
|---|---|---|---|
"""
_FIELDS: Final = """
## Of fields

These stand in `errors`, and as the code of the request when all its errors share one.

| code | meaning |
|---|---|
"""


def documented_errors() -> list[type[DomainError]]:
    """Every error class of ours, by code; imports whatever might define one."""
    for name in _PACKAGES:
        _import_all(name)
    ours = {name.split(".")[0] for name in _PACKAGES}
    return [error for error in all_errors() if error.__module__.split(".")[0] in ours]


def render() -> str:
    """The page."""
    return _HEAD + "".join(_rows(documented_errors())) + _FIELDS + "".join(_field_rows())


def _rows(errors: Iterable[type[DomainError]]) -> list[str]:
    return [
        f'| <a id="{error.code}"></a>`{error.code}` | {error.status} | {"yes" if error.retryable else "no"} |'
        f" {_meaning(error)} |\n"
        for error in errors
    ]


def _field_rows() -> list[str]:
    return [f"| `{code}` | {title} |\n" for code, title in sorted(problems.FIELD_TITLES.items())]


def _meaning(error: type[DomainError]) -> str:
    """The class's own words, on one line."""
    return " ".join((error.__doc__ or error.title).split()).replace("|", "\\|")


def _import_all(name: str) -> None:
    package = importlib.import_module(name)
    for module in pkgutil.walk_packages(package.__path__, prefix=f"{name}."):
        if not any(part in f"{module.name}." for part in _SKIPPED):
            importlib.import_module(module.name)
