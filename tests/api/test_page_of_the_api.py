"""The page of the API: every line of its examples is run as it is printed, against a server."""

from __future__ import annotations

import os
import re
import subprocess
from pathlib import Path

PAGE = Path(__file__).resolve().parents[2] / "docs" / "api.md"
BLOCKS = re.compile(r"^```bash\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def test_every_example_works_as_printed(api_url: str, api_key: str) -> None:
    script = "set -euo pipefail\n" + "\n".join(BLOCKS.findall(PAGE.read_text(encoding="utf-8")))
    assert script.count("http://localhost:8000/v1/") > 30

    done = subprocess.run(
        ["bash", "-c", script.replace("http://localhost:8000/v1", api_url)],
        env=os.environ | {"ZENTRA_API_KEY": api_key},
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout[-1500:] + done.stderr[-500:]
    assert '"code":"idempotency_key_reused"' not in done.stdout
