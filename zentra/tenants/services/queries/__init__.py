"""Reads of keys, clients and signing keys."""
