"""What must hold of the tree itself."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from zentra.embedded.layout import CLONE

LOCKS = ("requirements.txt", "requirements-dev.txt")


@pytest.mark.parametrize("name", LOCKS)
def test_lock_pins_by_hash_and_names_no_address(name: str) -> None:
    text = (CLONE / name).read_text()
    pinned = re.findall(r"^([a-z0-9][a-z0-9._-]*)(?:\[.*\])?==", text, flags=re.MULTILINE)
    starts = [line for line in text.splitlines() if line and not line[0].isspace() and not line.startswith("#")]

    assert len(pinned) == len(starts)
    assert text.count("--hash=sha256:") >= len(pinned)
    assert "://" not in text
    assert "index-url" not in text


def pins_of(name: str) -> dict[str, str]:
    """The version of each package in a lock."""
    return dict(re.findall(r"^([a-z0-9._-]+)==(\S+)", (CLONE / name).read_text(), flags=re.MULTILINE))


def test_the_two_locks_agree() -> None:
    used, all_of_them = map(pins_of, LOCKS)

    assert {name: all_of_them.get(name) for name in used} == used


def test_readme_explains_every_setting_of_make_up() -> None:
    sources = [path.read_text() for path in (CLONE / "zentra" / "embedded").glob("*.py") if path.name != "testing.py"]
    read = set(re.findall(r"\benviron(?:ment)?(?:\.get\(|\[)\"(ZENTRA_[A-Z_]+)\"", "\n".join(sources)))
    read |= set(re.findall(r"port\(\"(ZENTRA_[A-Z_]+)\"", "\n".join(sources)))

    readme = (CLONE / "README.md").read_text()
    assert {name for name in read if name not in readme} == set()


def test_embedded_ground_starts_without_django() -> None:
    """It runs before the settings can be loaded, and its second start has ten seconds for everything."""
    code = "import sys, zentra.embedded.__main__; sys.exit('django' in sys.modules)"

    assert subprocess.run([sys.executable, "-c", code], cwd=CLONE, check=False).returncode == 0


def test_makefile_explains_its_targets() -> None:
    said = subprocess.run(["make", "help"], cwd=CLONE, check=True, capture_output=True, text=True).stdout

    for target in ("up", "down", "reset", "test", "lint", "types", "format", "check", "bench"):
        assert re.search(rf"^  make {target}\s+\S", said, flags=re.MULTILINE), target


def test_installer_stays_readable_for_an_old_python() -> None:
    """Python 3.8 must get as far as the sentence that it is too old."""
    import ast

    source = Path(CLONE / "zentra" / "embedded" / "install.py").read_text()
    ast.parse(source, feature_version=(3, 8))
