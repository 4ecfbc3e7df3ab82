"""The pages and forms of Closeout."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import closeout, closeout_acts

_C = "w/<slug:slug>/closeout/"
_P = _C + "<str:month>/"
_T = _P + "tie-outs/<str:tie_out_id>/"
_K = _P + "tasks/<str:task_id>/"

urlpatterns = [
    path(_C, require_GET(closeout.show_periods), name="closeout"),
    path(_P, require_GET(closeout.show_period), name="closeout_period"),
    path(_P + "report/", require_GET(closeout.show_report), name="closeout_report"),
    path(_P + "refresh/", require_POST(closeout_acts.refresh), name="closeout_refresh"),
    path(_P + "soft-close/", require_POST(closeout_acts.soft_close), name="closeout_soft_close"),
    path(_P + "soft-open/", require_POST(closeout_acts.soft_open), name="closeout_soft_open"),
    path(_P + "lock/", require_POST(closeout_acts.lock), name="closeout_lock"),
    path(_P + "reopen/", require_POST(closeout_acts.reopen), name="closeout_reopen"),
    path(_P + "reopen/approve/", require_POST(closeout_acts.approve_reopen), name="closeout_reopen_approve"),
    path(_P + "reopen/decline/", require_POST(closeout_acts.decline_reopen), name="closeout_reopen_decline"),
    path(_T, require_GET(closeout_acts.show_tie_out), name="tie_out"),
    path(_T + "explain/", require_POST(closeout_acts.explain), name="tie_out_explain"),
    path(_T + "prepare/", require_POST(closeout_acts.prepare), name="tie_out_prepare"),
    path(_T + "approve/", require_POST(closeout_acts.approve), name="tie_out_approve"),
    path(_K, require_GET(closeout_acts.show_task), name="closeout_task"),
    path(_K + "assign/", require_POST(closeout_acts.assign_task), name="closeout_task_assign"),
    path(_K + "finish/", require_POST(closeout_acts.finish_task), name="closeout_task_finish"),
    path(_K + "undo/", require_POST(closeout_acts.undo_task), name="closeout_task_undo"),
    path(_P + "packets/", require_POST(closeout_acts.seal_packet), name="closeout_packet_seal"),
    path(_P + "packets/<str:packet_id>/", require_GET(closeout_acts.download_packet), name="closeout_packet"),
    path(_P + "gl/<str:account_id>/", require_GET(closeout_acts.show_gl_account), name="closeout_gl"),
    path(_P + "gl/<str:account_id>/save/", require_POST(closeout_acts.save_gl_account), name="closeout_gl_save"),
    path(_P + "journal.csv", require_GET(closeout_acts.journal_csv), name="closeout_journal_csv"),
    path(_P + "journal.xlsx", require_GET(closeout_acts.journal_xlsx), name="closeout_journal_xlsx"),
    path(_P + "trial-balance.csv", require_GET(closeout_acts.trial_csv), name="closeout_trial_csv"),
    path(_P + "trial-balance.xlsx", require_GET(closeout_acts.trial_xlsx), name="closeout_trial_xlsx"),
]
