"""The ground under `make up`: PostgreSQL and Redis from wheels, and the supervisor of Zentra's processes.

Nothing here imports Django or another Zentra package: it runs before the settings can be loaded.
"""
