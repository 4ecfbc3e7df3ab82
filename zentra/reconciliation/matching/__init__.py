"""Matching: entries of reconciled accounts against lines of statements, and what does not pair."""
