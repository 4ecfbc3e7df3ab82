"""The integrity check: what follows from postings and entries is computed again and held against what stands.

Entries are the truth. Balances, positions, holds, reversals and turnover were derived from them by triggers and tasks;
hashes were computed before them. Each module here looks at one of these; ``inspection`` runs them all in one snapshot.
"""
