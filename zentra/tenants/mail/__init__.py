"""Mail to people: written in the transaction of what it tells of, sent after it by a worker, kept where none leaves."""
