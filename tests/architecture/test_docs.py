"""What the documents point at exists: pages, files, tests, targets and commands."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from zentra.embedded.layout import CLONE

PAGES = sorted(
    path.relative_to(CLONE)
    for pattern in ("*.md", "docs/**/*.md", "bench/*.md", "deploy/*.md")
    for path in CLONE.glob(pattern)
)
LINK = re.compile(r"\]\((?!https?://|mailto:)([^)#\s]+)(#[^)\s]*)?\)")
PATH = re.compile(
    r"`((?:zentra|ledger|policy|webhooks|evidence|console|tests|docs|bench|deploy|static|templates)/[\w./-]+)`"
)
TARGET = re.compile(r"`make ([a-z][a-z0-9-]*)`|^make ([a-z][a-z0-9-]*)", flags=re.MULTILINE)
COMMAND = re.compile(r"manage\.py ([a-z_]+)")
MODULE = re.compile(r"python -m ((?:zentra|evidence|bench)(?:\.[a-z_]+)*)")
OF_DJANGO = {"shell", "collectstatic", "makemigrations", "sqlmigrate", "check"}

on_every_page = pytest.mark.parametrize("page", PAGES, ids=str)


def text_of(page: Path) -> str:
    return (CLONE / page).read_text()


@on_every_page
def test_links_lead_somewhere(page: Path) -> None:
    wanted = {link for link, _ in LINK.findall(text_of(page))}

    assert {link for link in wanted if not (CLONE / page.parent / link).exists()} == set()


@on_every_page
def test_named_files_exist(page: Path) -> None:
    assert {name for name in PATH.findall(text_of(page)) if not (CLONE / name).exists()} == set()


@on_every_page
def test_named_make_targets_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z][a-z0-9-]*):", (CLONE / "Makefile").read_text(), flags=re.MULTILINE))
    named = {one or other for one, other in TARGET.findall(text_of(page))}

    assert named - targets == set()


@on_every_page
def test_named_commands_and_modules_exist(page: Path) -> None:
    commands = {path.stem for path in CLONE.glob("**/management/commands/*.py")} | OF_DJANGO
    text = text_of(page)

    assert set(COMMAND.findall(text)) - commands == set()
    assert {name for name in MODULE.findall(text) if not is_module(name)} == set()


def is_module(name: str) -> bool:
    place = CLONE.joinpath(*name.split("."))
    return place.with_suffix(".py").exists() or (place / "__main__.py").exists()


@on_every_page
def test_no_page_tells_of_one_machine(page: Path) -> None:
    assert re.findall(r"/(?:w)ork/|/home/\w+|index-url|simple/", text_of(page)) == []


def test_decisions_have_a_number_each() -> None:
    names = [path.name for path in (CLONE / "docs" / "decisions").glob("*.md")]
    numbers = sorted(int(name[:4]) for name in names)

    assert numbers == list(range(1, len(numbers) + 1))
    for name in names:
        assert (CLONE / "docs" / "decisions" / name).read_text().startswith(f"# {int(name[:4])}. ")


def test_readme_leads_to_every_page() -> None:
    readme = text_of(Path("README.md"))
    pages = [page for page in PAGES if page.parent in (Path("docs"), Path("bench"), Path("deploy"))]

    assert [str(page) for page in pages if f"({page})" not in readme] == []
