"""The runbooks: one page for each kind of alarm, in docs/runbooks of the tree that runs.

Zentra runs from its tree (deploy/README.md: a clone with an environment beside it), so the pages of the code that is
running are the pages that people read; nothing is copied.
"""

from pathlib import Path
from typing import Final

from django.conf import settings

from zentra.alarms.kinds import KINDS
from zentra.core.errors import DomainError

RUNBOOKS: Final = Path(settings.BASE_DIR) / "docs" / "runbooks"


class RunbookNotFound(DomainError):
    """There is no runbook of this name."""

    code = "runbook_not_found"
    status = 404
    title = "There is no such runbook"


def list_runbooks() -> list[tuple[str, str]]:
    """(slug, title) of every runbook, in the order of the kinds."""
    return [(kind.runbook, kind.title) for kind in KINDS.values()]


def read_runbook(slug: str) -> str:
    """The page as Markdown; raises RunbookNotFound. Only names of the list are looked for, never a path."""
    if slug not in {known for known, _ in list_runbooks()}:
        raise RunbookNotFound(f"There is no runbook {slug[:80]!r}.")
    try:
        return (RUNBOOKS / f"{slug}.md").read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise RunbookNotFound(f"The runbook {slug} is not in this tree.") from error
