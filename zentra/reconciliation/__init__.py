"""Reconciliation: what banks and rails say, against the ledger, until the month is closed.

``statements`` takes in what others say (bank statements, settlement reports), ``matching`` pairs their lines with
entries of the ledger and keeps what does not pair, ``closeout`` ties the accounts out, has them signed and locks the
period.
"""
