"""What the ledger adds to a packet, and how it answers for its own state before the packet seals."""

from evidence.types import ProjectionResult
from ledger.hashing import entry_hash, posting_content
from ledger.operations.events import posting_facts
from ledger.queries import ledger_flow, postings_of_intent
from zentra.core import clock


class LedgerSection:
    """``sections/ledger.json``: every posting of the intent with its entries and the bytes that its hash covers."""

    name = "ledger"

    def build(self, *, intent_id: str) -> dict[str, object] | None:
        """The section; None when nothing was posted."""
        stored = postings_of_intent(intent_id=intent_id)
        if not stored:
            return None
        flow = ledger_flow(intent_id=intent_id, final=True)
        return {
            "balanced": flow.balanced,
            "sum_minor": flow.sum_minor,
            "currency": flow.currency,
            "flow": [
                {
                    "name": row.name,
                    "account_id": row.account_id,
                    "account": row.account_code,
                    "moved_minor": row.moved_minor,
                    "now_minor": row.now_minor,
                    "word": row.word,
                }
                for row in flow.rows
            ],
            "postings": [
                {
                    **posting_facts(each.posted),
                    "recorded_at": clock.iso(each.posted.recorded_at),
                    "effective_at": clock.iso(each.posted.effective_at),
                    "hashed_content": posting_content(posting=each.asked, facts=each.facts).decode(),
                }
                for each in stored
            ],
        }


class LedgerProjection:
    """The intent's entries add up to zero, and each posting still has the hash under which it was announced."""

    name = "ledger"

    def check(self, *, intent_id: str) -> ProjectionResult:
        """Compute both again from the stored rows."""
        stored = postings_of_intent(intent_id=intent_id)
        for each in stored:
            if entry_hash(posting=each.asked, facts=each.facts) != each.posted.entry_hash:
                return ProjectionResult(False, f"Posting {each.posted.posting_id} does not have its entry hash.")
        total = sum(entry.signed_minor for each in stored for entry in each.posted.entries)
        if total != 0:
            return ProjectionResult(False, f"The entries of {intent_id} add up to {total}, not to zero.")
        return ProjectionResult(True, f"{len(stored)} postings, balanced, each with its entry hash.")
