"""The platform's own rooms, and those of a workspace that say how it stands with the platform."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import settings, staff

_P = "platform/"
_W = "w/<slug:slug>/"

urlpatterns = [
    path(_P + "staff-access/", require_GET(staff.show_all), name="platform_staff"),
    path(_P + "staff-access/enter/", require_POST(staff.enter), name="platform_staff_enter"),
    path(_P + "staff-access/<str:grant_id>/end/", require_POST(staff.leave), name="platform_staff_leave"),
    path(_W + "settings/", require_GET(settings.show_settings), name="settings"),
    path(_W + "settings/save/", require_POST(settings.save), name="settings_save"),
    path(_W + "settings/history/", require_GET(settings.show_history), name="settings_history"),
    path(_W + "staff-access/", require_GET(staff.show_staff), name="staff"),
    path(_W + "staff-access/<str:grant_id>/end/", require_POST(staff.end_theirs), name="staff_end"),
]
