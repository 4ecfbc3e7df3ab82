"""Where the Chromium of the browser tests is. `python -m tests.browser` says it, loudly when there is none."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
OPTIONS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


def find_chromium() -> Path | None:
    """The browser's executable: ZENTRA_CHROMIUM, else the first on PATH."""
    named = os.environ.get("ZENTRA_CHROMIUM")
    found = named or next(filter(None, map(shutil.which, NAMES)), None)
    return Path(found) if found else None


def is_required() -> bool:
    """Whether the browser tests must run (CI) instead of being skipped."""
    return os.environ.get("ZENTRA_REQUIRE_BROWSER", "") not in ("", "0")


def announcement() -> str:
    """What a run of the tests says about the browser."""
    chromium = find_chromium()
    if chromium is not None:
        return f"browser tests: with {chromium}"
    return (
        "\n" + "!" * 100 + "\n"
        "!! NO CHROMIUM FOUND: THE BROWSER TESTS ARE SKIPPED. Install one (Debian: apt install chromium), or name it\n"
        "!! in ZENTRA_CHROMIUM. With ZENTRA_REQUIRE_BROWSER=1 they fail instead.\n" + "!" * 100
    )


if __name__ == "__main__":
    print(announcement(), flush=True)
