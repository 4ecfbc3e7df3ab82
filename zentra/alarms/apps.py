from django.apps import AppConfig


class AlarmsConfig(AppConfig):
    """What must reach people outside the room, and what intents wait for: a tenant app."""

    name = "zentra.alarms"
    label = "alarms"
