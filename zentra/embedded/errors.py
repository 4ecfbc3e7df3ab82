"""What the embedded ground says when it cannot go on."""

from __future__ import annotations


class EmbeddedError(Exception):
    """A sentence for the person at the keyboard: what is wrong, and what to do. Shown without a traceback."""
