"""The live feed: one hub per process, workspace and permission class; one bounded window per client."""
