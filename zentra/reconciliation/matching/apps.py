from django.apps import AppConfig


class MatchingConfig(AppConfig):
    """Matches, runs, rules, exceptions and expected money: a tenant app."""

    name = "zentra.reconciliation.matching"
    label = "recon_matching"
