"""How rows of a raw cursor are read."""

import json
from typing import Any


def as_json(value: object) -> Any:
    """A jsonb value, which arrives as text from a raw cursor."""
    return json.loads(value) if isinstance(value, str) else value
