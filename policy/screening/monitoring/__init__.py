"""Monitoring of history for money laundering: scenarios as data, judged over what limits saw move."""
