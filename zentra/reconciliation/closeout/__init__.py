"""Closeout: tie-outs, sign-offs and the lock of a period."""
