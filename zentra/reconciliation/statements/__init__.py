"""Statements: the accounts that are reconciled, the files that say what happened on them, and their lines."""
