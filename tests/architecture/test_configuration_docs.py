"""Every ZENTRA_* variable that the code reads is documented, and nothing else is."""

from __future__ import annotations

import re
from itertools import chain

from zentra.embedded.layout import CLONE

VARIABLE = re.compile(r"\bZENTRA_[A-Z0-9]+(?:_[A-Z0-9]+)*\b")
APPS = ("zentra", "ledger", "policy", "webhooks", "evidence", "console", "bench")
BESIDE_APPS = ("manage.py", "Makefile", ".ci/run", "tests/browser.py")
# Where it is read; a copy in a migration's help text or in a test is not a reading.
IGNORED = ("migrations",)


def named_in_code() -> set[str]:
    sources = chain(
        (path for app in APPS for path in (CLONE / app).rglob("*.py") if not set(IGNORED) & set(path.parts)),
        (CLONE / name for name in BESIDE_APPS),
    )
    return {name for path in sources for name in VARIABLE.findall(path.read_text())}


def documented() -> set[str]:
    return set(VARIABLE.findall((CLONE / "docs" / "configuration.md").read_text()))


def test_every_variable_is_documented() -> None:
    assert named_in_code() - documented() == set()


def test_no_variable_is_documented_that_nothing_reads() -> None:
    assert documented() - named_in_code() == set()


def test_every_documented_variable_has_a_row_that_explains_it() -> None:
    page = (CLONE / "docs" / "configuration.md").read_text()
    rows = set(re.findall(r"^\| `(ZENTRA_[A-Z0-9_]+)` \|", page, flags=re.MULTILINE))
    told_in_words = {"ZENTRA_APP_ROLE", "ZENTRA_SEALER_ROLE", "ZENTRA_SANDBOX_WEBHOOK_SCHEDULE"}

    assert documented() - rows == told_in_words
