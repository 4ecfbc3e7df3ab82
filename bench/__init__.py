"""Measurements: ratios to what the same server does at best, so that they mean the same on any machine."""
