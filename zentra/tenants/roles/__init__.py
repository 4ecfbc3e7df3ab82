"""Roles: those that a workspace makes for itself, what must not meet in one person, and grants that take two admins."""
