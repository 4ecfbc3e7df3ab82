from django.apps import AppConfig


class StatementsConfig(AppConfig):
    """Bank statements and settlement reports as they were sent to us: a tenant app."""

    name = "zentra.reconciliation.statements"
    label = "recon_statements"
