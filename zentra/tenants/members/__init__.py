"""The people of a workspace: who has which role, given and taken away by its admins."""
