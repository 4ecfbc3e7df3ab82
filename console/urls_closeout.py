"""The pages and forms of Closeout."""

from django.urls import path
from django.views.decorators.http import require_GET, require_POST

from console.views import (
    closeout,
    closeout_books,
    closeout_packets,
    closeout_periods,
    closeout_tasks,
    closeout_tie_outs,
    customer_money,
)

_C = "w/<slug:slug>/closeout/"
_P = _C + "<str:month>/"
_T = _P + "tie-outs/<str:tie_out_id>/"
_K = _P + "tasks/<str:task_id>/"

urlpatterns = [
    path(_C, require_GET(closeout.show_periods), name="closeout"),
    path(_P, require_GET(closeout.show_period), name="closeout_period"),
    path(_P + "report/", require_GET(closeout.show_report), name="closeout_report"),
    path(_P + "customer-money/", require_GET(customer_money.show_customer_money), name="closeout_money"),
    path(_P + "refresh/", require_POST(closeout_periods.refresh), name="closeout_refresh"),
    path(_P + "soft-close/", require_POST(closeout_periods.soft_close), name="closeout_soft_close"),
    path(_P + "soft-open/", require_POST(closeout_periods.soft_open), name="closeout_soft_open"),
    path(_P + "lock/", require_POST(closeout_periods.lock), name="closeout_lock"),
    path(_P + "reopen/", require_POST(closeout_periods.reopen), name="closeout_reopen"),
    path(_P + "reopen/approve/", require_POST(closeout_periods.approve_reopen), name="closeout_reopen_approve"),
    path(_P + "reopen/decline/", require_POST(closeout_periods.decline_reopen), name="closeout_reopen_decline"),
    path(_T, require_GET(closeout_tie_outs.show_tie_out), name="tie_out"),
    path(_T + "explain/", require_POST(closeout_tie_outs.explain), name="tie_out_explain"),
    path(_T + "prepare/", require_POST(closeout_tie_outs.prepare), name="tie_out_prepare"),
    path(_T + "approve/", require_POST(closeout_tie_outs.approve), name="tie_out_approve"),
    path(_K, require_GET(closeout_tasks.show_task), name="closeout_task"),
    path(_K + "assign/", require_POST(closeout_tasks.assign_task), name="closeout_task_assign"),
    path(_K + "finish/", require_POST(closeout_tasks.finish_task), name="closeout_task_finish"),
    path(_K + "undo/", require_POST(closeout_tasks.undo_task), name="closeout_task_undo"),
    path(_P + "packets/", require_POST(closeout_packets.seal_packet), name="closeout_packet_seal"),
    path(_P + "packets/<str:packet_id>/", require_GET(closeout_packets.download_packet), name="closeout_packet"),
    path(_P + "gl/<str:account_id>/", require_GET(closeout_books.show_gl_account), name="closeout_gl"),
    path(_P + "gl/<str:account_id>/save/", require_POST(closeout_books.save_gl_account), name="closeout_gl_save"),
    path(_P + "journal.csv", require_GET(closeout_books.journal_csv), name="closeout_journal_csv"),
    path(_P + "journal.xlsx", require_GET(closeout_books.journal_xlsx), name="closeout_journal_xlsx"),
    path(_P + "trial-balance.csv", require_GET(closeout_books.trial_csv), name="closeout_trial_csv"),
    path(_P + "trial-balance.xlsx", require_GET(closeout_books.trial_xlsx), name="closeout_trial_xlsx"),
]
