"""How a workspace is configured: settings in one table of code, their history in rows, typed readers for all."""
