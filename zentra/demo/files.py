"""``demo.json``: what scripts need to talk to this run, readable by its owner alone."""

import json
import os
from pathlib import Path
from typing import Any


def read_demo(path: Path) -> dict[str, Any]:
    """What the file says, or nothing when there is none."""
    try:
        return dict(json.loads(path.read_text()))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}


def write_demo(path: Path, content: dict[str, Any]) -> None:
    """Replace the file at once, mode 0600: a reader sees the old or the new one, never half."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(".new")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(content, file, indent=2)
        file.write("\n")
    draft.replace(path)
