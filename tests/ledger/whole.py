"""What is true of every ledger at rest, whatever was done to it and by how many."""

from tests.ledger.book import Book

# Each gives the rows that contradict it.
INVARIANTS = {
    "a balance is the sum of its entries": """
        SELECT a.code FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'credit' AND p.state = 'posted'), 0) AS cr,
                  coalesce(sum(e.amount_minor) FILTER (WHERE e.direction = 'debit' AND p.state = 'posted'), 0) AS dr
             FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id WHERE e.account_id = a.id) s
         WHERE (b.posted_credits, b.posted_debits) <> (s.cr, s.dr)""",
    "what is pending is what open holds hold": """
        SELECT a.code FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
         CROSS JOIN LATERAL (
           SELECT coalesce(sum(CASE WHEN p.state = 'pending' AND e.direction = 'debit' THEN e.amount_minor
                                    WHEN p.state = 'released' AND e.direction = 'credit' THEN -e.amount_minor END), 0)
                    AS dr,
                  coalesce(sum(CASE WHEN p.state = 'pending' AND e.direction = 'credit' THEN e.amount_minor
                                    WHEN p.state = 'released' AND e.direction = 'debit' THEN -e.amount_minor END), 0)
                    AS cr
             FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id
             JOIN ledger_hold h ON h.id = p.hold_id AND h.state = 'held' WHERE e.account_id = a.id) s
         WHERE (b.pending_credits, b.pending_debits) <> (s.cr, s.dr)""",
    "a hold is what its postings say": """
        SELECT h.id FROM ledger_hold h CROSS JOIN LATERAL (
          SELECT coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'pending'), 0) AS placed,
                 coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'posted'), 0) AS captured,
                 coalesce(sum(e.amount_minor) FILTER (WHERE p.state = 'released'), 0) AS freed
            FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id AND e.direction = 'debit'
           WHERE p.hold_id = h.id) s
         WHERE (h.amount_minor, h.captured_minor, h.captured_minor + h.released_minor)
               <> (s.placed, s.captured, s.freed)
            OR h.captured_minor + h.released_minor > h.amount_minor
            OR (h.state = 'held') <> (h.captured_minor + h.released_minor < h.amount_minor)""",
    "what ended has an end that is kept": """
        SELECT p.id FROM ledger_posting p JOIN ledger_hold h ON h.id = p.hold_id
          LEFT JOIN ledger_posting_transition t ON t.posting_id = p.id
         WHERE p.state = 'pending' AND (h.state = 'held') = (t.id IS NOT NULL)""",
    "versions have no gaps and every entry has one": """
        SELECT b.account_id FROM ledger_balance b
          LEFT JOIN (SELECT account_id, count(*) AS n, min(version) AS low, max(version) AS high
                       FROM ledger_entry_position GROUP BY 1) n USING (account_id)
          LEFT JOIN (SELECT account_id, count(*) AS n FROM ledger_entry GROUP BY 1) e USING (account_id)
         WHERE (b.version, b.version) IS DISTINCT FROM (coalesce(n.high, 0), coalesce(n.n, 0))
            OR coalesce(n.low, 1) <> 1 OR coalesce(e.n, 0) <> b.version""",
    "running balances run": """
        SELECT account_id, version FROM (
          SELECT n.*, sum(delta_minor) OVER along AS ran, sum(e.dr) OVER along AS dr, sum(e.cr) OVER along AS cr
            FROM ledger_entry_position n
            JOIN (SELECT e.id,
                         CASE p.state WHEN 'pending' THEN CASE e.direction WHEN 'debit' THEN e.amount_minor ELSE 0 END
                                      WHEN 'released' THEN CASE e.direction WHEN 'credit' THEN -e.amount_minor
                                                                            ELSE 0 END ELSE 0 END AS dr,
                         CASE p.state WHEN 'pending' THEN CASE e.direction WHEN 'credit' THEN e.amount_minor ELSE 0 END
                                      WHEN 'released' THEN CASE e.direction WHEN 'debit' THEN -e.amount_minor
                                                                            ELSE 0 END ELSE 0 END AS cr
                    FROM ledger_entry e JOIN ledger_posting p ON p.id = e.posting_id) e ON e.id = n.entry_id
          WINDOW along AS (PARTITION BY account_id ORDER BY version)) r
         WHERE (balance_after_minor, pending_debits_after, pending_credits_after) <> (ran, dr, cr)""",
    "no account has less available than the least floor that these tests give": """
        SELECT a.code FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
         WHERE a.normal_balance = 'credit' AND a.floor_minor IS NOT NULL
           AND b.posted_credits - b.posted_debits - b.pending_debits < least(a.floor_minor, -100)""",
    "every posting balances": """
        SELECT posting_id FROM ledger_entry GROUP BY posting_id, currency
        HAVING sum(CASE direction WHEN 'credit' THEN amount_minor ELSE -amount_minor END) <> 0""",
    "nothing is reversed by more than it moved": """
        SELECT o.posting_id FROM ledger_entry o
         GROUP BY o.posting_id, o.account_id, o.direction
        HAVING sum(o.amount_minor) < (
          SELECT coalesce(sum(r.amount_minor), 0) FROM ledger_posting p JOIN ledger_entry r ON r.posting_id = p.id
           WHERE p.reverses_id = o.posting_id AND r.account_id = o.account_id AND r.direction <> o.direction)""",
    "how much is reversed is known": """
        SELECT r.posting_id FROM ledger_reversed r WHERE r.reversed_minor <> (
          SELECT sum(e.amount_minor) FROM ledger_posting p JOIN ledger_entry e ON e.posting_id = p.id
           WHERE p.reverses_id = r.posting_id AND e.direction = 'debit')""",
    "a closed account is empty": """
        SELECT a.code FROM ledger_account a JOIN ledger_balance b ON b.account_id = a.id
         WHERE a.state = 'closed'
           AND (b.posted_credits - b.posted_debits, b.pending_debits, b.pending_credits) <> (0, 0, 0)""",
}


def assert_whole(book: Book) -> None:
    """Place what waits, then hold the ledger against all of it."""
    while book.sequence():
        pass
    for promise, statement in INVARIANTS.items():
        assert book.sql(statement) == [], promise
    assert set(book.drift().values()) == {0}
    assert book.diverging() == 0
