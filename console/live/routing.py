"""The one socket."""

from django.urls import path

from console.live.consumer import LiveConsumer

websocket_urlpatterns = [path("w/<slug:slug>/live/", LiveConsumer.as_asgi())]
