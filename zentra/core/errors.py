"""Errors that a caller can act on.

Each refusal is a subclass beside the function that raises it, with a stable ``code``. The API turns it into one
problem shape (RFC 9457), the console into one sentence and a next step; ``docs/errors.md`` lists them all.
"""

from collections.abc import Callable
from typing import Any, ClassVar


class DomainError(Exception):
    """A refusal with a stable code; nothing was changed unless the subclass says so."""

    code: ClassVar[str] = "domain_error"
    status: ClassVar[int] = 422
    title: ClassVar[str] = "The request was refused"
    retryable: ClassVar[bool] = False
    retry_after: int | None = None
    leaves: Callable[[], None] | None = None
    """What is kept of the refusal although all else is undone: done in a transaction of its own by ``tenant_work``."""

    def __init__(self, detail: str = "", **extra: Any) -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.extra: dict[str, Any] = extra


def all_errors() -> list[type[DomainError]]:
    """Every error class with its own code that is imported now, by code; of several the last by module and name."""
    classes: list[type[DomainError]] = []
    pending = list(DomainError.__subclasses__())
    while pending:
        error = pending.pop()
        pending.extend(error.__subclasses__())
        if "code" in vars(error):
            classes.append(error)
    # Not in the order of imports: what the docs say of a code must not depend on what was imported first.
    found = {error.code: error for error in sorted(classes, key=lambda error: (error.__module__, error.__qualname__))}
    return [found[code] for code in sorted(found)]
