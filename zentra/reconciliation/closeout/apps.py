from django.apps import AppConfig


class CloseoutConfig(AppConfig):
    """Periods, tie-outs, sign-offs and closeout packets: a tenant app."""

    name = "zentra.reconciliation.closeout"
    label = "recon_closeout"
