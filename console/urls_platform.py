"""The platform's own rooms, and those of a workspace that say how it stands with the platform."""

from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.views import alarms, platform_log, runbooks, settings, setup, staff, whole_export, workspace, workspaces

_P = "platform/"
_W = "w/<slug:slug>/"
_S = _P + "workspaces/<slug:workspace>/"

urlpatterns = [
    path("setup/<str:token>/", require_http_methods(["GET", "POST"])(setup.set_up), name="setup"),
    path("setup/<str:token>/strength/", require_POST(setup.weigh), name="setup_strength"),
    path(_P, require_GET(workspaces.show_workspaces), name="platform"),
    path(_P + "workspaces/", require_GET(workspaces.show_workspaces), name="workspaces"),
    path(_P + "new-workspace/", require_GET(workspaces.show_new), name="workspace_new"),
    path(_P + "new-workspace/make/", require_POST(workspaces.make), name="workspace_make"),
    path(_P + "jobs/<str:job_id>/", require_GET(workspaces.show_job), name="workspace_job"),
    path(_P + "jobs/<str:job_id>/retry/", require_POST(workspaces.retry), name="workspace_job_retry"),
    path(_S, require_GET(workspace.show_workspace), name="workspace"),
    path(_S + "suspend/", require_POST(workspace.suspend), name="workspace_suspend"),
    path(_S + "resume/", require_POST(workspace.resume), name="workspace_resume"),
    path(_S + "archive/", require_POST(workspace.archive), name="workspace_archive"),
    path(_S + "restore/", require_POST(workspace.restore), name="workspace_restore"),
    path(_S + "exports/", require_GET(whole_export.show_of), name="workspace_exports"),
    path(_S + "exports/start/", require_POST(whole_export.start_of), name="workspace_export_start"),
    path(_S + "exports/<str:export_id>/file/", require_POST(whole_export.take_of), name="workspace_export_file"),
    path(_S + "twin/", require_POST(workspace.make_twin), name="workspace_twin"),
    path(_P + "alarms/", require_GET(alarms.show_platform_alarms), name="platform_alarms"),
    path(_P + "alarms/<str:alarm_id>/", require_GET(alarms.show_platform_alarm), name="platform_alarm"),
    path(
        _P + "alarms/<str:alarm_id>/acknowledge/",
        require_POST(alarms.acknowledge_platform),
        name="platform_alarm_acknowledge",
    ),
    path(_P + "runbooks/<slug:slug_of>/", require_GET(runbooks.show_platform_runbook), name="platform_runbook"),
    path(_P + "mail/", require_GET(platform_log.show_mail), name="platform_mail"),
    path(_P + "mail/<str:mail_id>/send/", require_POST(platform_log.send_mail_again), name="platform_mail_again"),
    path(_P + "sign-ins/", require_GET(platform_log.show_sign_ins), name="platform_sign_ins"),
    path(_P + "staff-access/", require_GET(staff.show_all), name="platform_staff"),
    path(_P + "staff-access/enter/", require_POST(staff.enter), name="platform_staff_enter"),
    path(_P + "staff-access/<str:grant_id>/end/", require_POST(staff.leave), name="platform_staff_leave"),
    path(_W + "settings/", require_GET(settings.show_settings), name="settings"),
    path(_W + "settings/save/", require_POST(settings.save), name="settings_save"),
    path(_W + "settings/export/", require_GET(whole_export.show_exports), name="settings_export"),
    path(_W + "settings/export/start/", require_POST(whole_export.start), name="settings_export_start"),
    path(_W + "settings/export/<str:export_id>/file/", require_POST(whole_export.take), name="settings_export_file"),
    path(_W + "settings/history/", require_GET(settings.show_history), name="settings_history"),
    path(_W + "staff-access/", require_GET(staff.show_staff), name="staff"),
    path(_W + "staff-access/<str:grant_id>/end/", require_POST(staff.end_theirs), name="staff_end"),
]
