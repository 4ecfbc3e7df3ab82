"""Everything of a workspace as one file: every table as JSON lines, with a manifest of counts and hashes."""
