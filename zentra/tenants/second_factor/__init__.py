"""A person's second factor: one-time codes (RFC 6238) and recovery codes, kept and made by django-allauth.

What is ours is that a code counts once over all processes and restarts, and that guessing is bounded, both by a row
in PostgreSQL: a lost Redis makes no code good again.
"""
