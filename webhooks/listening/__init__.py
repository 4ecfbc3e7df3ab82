"""A local endpoint for developers: ``manage.py webhooks_listen`` shows and verifies what arrives."""
