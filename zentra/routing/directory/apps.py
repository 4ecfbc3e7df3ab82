from django.apps import AppConfig


class DirectoryConfig(AppConfig):
    name = "zentra.routing.directory"
    label = "directory"
