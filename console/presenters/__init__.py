"""Domain records in, view-models out. No queries here."""
