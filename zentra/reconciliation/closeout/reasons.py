"""Words that people give: bounded, and there where they are needed."""

from zentra.reconciliation.closeout.errors import CloseoutInvalid

MOST = 500


def check_reason(reason: str) -> str:
    """A reason, stripped; raises CloseoutInvalid when it is empty or too long."""
    text = reason.strip()
    if not text or len(text) > MOST or "\x00" in text:
        raise CloseoutInvalid(f"Say why, in 1 to {MOST} characters.")
    return text
