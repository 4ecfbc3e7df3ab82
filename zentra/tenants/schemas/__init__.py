"""The schemas of workspaces and what they are at: which are behind, and how they are brought to the head."""
