"""Teams: people of a workspace who work a review queue together."""
