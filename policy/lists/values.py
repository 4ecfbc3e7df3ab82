"""How a value of a list is written, so that two ways of writing it are one."""

import unicodedata


def canonical_value(value: str) -> str:
    """The value as lists keep and compare it: NFKC, one space between words, no difference of case."""
    return " ".join(unicodedata.normalize("NFKC", value).casefold().split())


def shown_value(value: str, value_type: str) -> str:
    """A kept value as people read it: codes of countries and currencies in capitals."""
    return value if value_type == "text" else value.upper()
