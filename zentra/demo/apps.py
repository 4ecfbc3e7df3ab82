from django.apps import AppConfig


class DemoConfig(AppConfig):
    """The sandbox that ``make up`` shows: a composition root; nothing imports it."""

    name = "zentra.demo"
    label = "demo"
