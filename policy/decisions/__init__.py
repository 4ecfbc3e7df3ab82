"""Decisions: made, kept, asked again before an approval, and explained."""
