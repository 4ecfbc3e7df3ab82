"""The list of docs/security.md is whole, and each test that it names is there."""

from __future__ import annotations

import ast
import re
from functools import cache
from pathlib import Path

from zentra.embedded.layout import CLONE

PAGE = CLONE / "docs" / "security.md"
ROW = re.compile(r"^\| (\d+\.\d+\.\d+)( \(level 3\))? \|(.*)\|(.*)\|$", re.MULTILINE)
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")
# How many requirements of levels 1 and 2 each section of ASVS 5.0.0 has; they stand before those of level 3.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2,
    "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2,
    "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3,
    "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5, "6.6": 3, "6.8": 4,
    "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2,
    "8.1": 2, "8.2": 3, "8.3": 1, "8.4": 1,
    "9.1": 3, "9.2": 4,
    "10.1": 2, "10.2": 2, "10.3": 4, "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3,
    "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4, "11.5": 1, "11.6": 1,
    "12.1": 3, "12.2": 2, "12.3": 4,
    "13.1": 1, "13.2": 5, "13.3": 2, "13.4": 5,
    "14.1": 2, "14.2": 4, "14.3": 3,
    "15.1": 3, "15.2": 3, "15.3": 7,
    "16.1": 1, "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3,
    "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip
ASKED = {f"{section}.{number}" for section, count in SECTIONS.items() for number in range(1, count + 1)}


def rows() -> list[tuple[str, bool, str, str]]:
    """(number, whether it is of level 3, what is held, the proof) of each line of the list."""
    found = ROW.findall(PAGE.read_text())
    return [(number, bool(level), held.strip(), proof.strip()) for number, level, held, proof in found]


@cache
def defined_in(path: Path) -> frozenset[str]:
    """The tests that a file defines."""
    functions = (ast.FunctionDef, ast.AsyncFunctionDef)
    return frozenset(node.name for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, functions))


def test_every_test_that_is_listed_exists() -> None:
    named = [found for _, _, _, proof in rows() for found in NAMED.findall(proof)]
    assert len(named) > 150
    gone = {f"{file}::{name}" for file, name in named
            if not (CLONE / file).is_file() or name not in defined_in(CLONE / file)}  # fmt: skip
    assert gone == set()


def test_every_requirement_of_levels_one_and_two_is_there_once() -> None:
    numbers = [number for number, is_third, _, _ in rows() if not is_third]
    assert sorted(numbers) == sorted(set(numbers))
    assert set(numbers) == ASKED


def test_those_of_level_three_are_others() -> None:
    third = {number for number, is_third, _, _ in rows() if is_third}
    assert third & ASKED == set()
    assert len(third) > 30


def test_every_line_has_a_test_a_page_or_a_plain_reason() -> None:
    for number, _, held, proof in rows():
        has_proof = NAMED.search(proof) or re.search(r"\]\([\w./-]+\.md\)|this page", proof)
        has_reason = re.match(r"(?:not met|does not apply(?: yet)?): \w+", proof)
        assert has_proof or has_reason, number
        assert held or has_reason, number


def test_the_page_says_how_to_report_and_what_an_installation_must_do() -> None:
    headings = set(re.findall(r"^## (.+)$", PAGE.read_text(), re.MULTILINE))
    assert headings >= {"Reporting a flaw", "Threat model", "What an installation must do", "The list"}
