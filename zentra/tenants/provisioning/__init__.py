"""The life of a workspace: asked for, made by the one process that owns the database, suspended, archived, deleted.

Who asks writes a row; ``manage.py run_provisioner`` alone connects as the database's owner and does what it says.
"""
