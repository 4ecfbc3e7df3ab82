"""Files of the ledger: accounts and postings that come in (imports) and go out (exports)."""
