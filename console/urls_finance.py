"""The pages and forms of Reconciliation and Closeout."""

from django.urls import path
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from console.views import (
    adjustments,
    exception,
    exception_acts,
    exception_files,
    exceptions,
    recon_account_forms,
    recon_accounts,
    recon_imports,
    recon_mapping,
    recon_matches,
    recon_runs,
    recon_settlements,
    recon_statements,
    recon_story,
    workbench,
)

_R = "w/<slug:slug>/reconciliation/"
_A = _R + "accounts/<str:recon_id>/"
_I = _R + "imports/<str:intake_id>/"
_M = _R + "matches/<str:match_id>/"
_E = _R + "exceptions/<str:exception_id>/"
_J = _R + "adjustments/<str:adjustment_id>/"
_form = require_http_methods(["GET", "POST"])

urlpatterns = [
    path(_R, require_GET(recon_accounts.show_accounts), name="reconciliation"),
    path(_R + "open/", _form(recon_account_forms.open_one), name="recon_open"),
    path(_A, require_GET(recon_accounts.show_account), name="recon_account"),
    path(_A + "change/", require_POST(recon_account_forms.change), name="recon_change"),
    path(_A + "close/", require_POST(recon_account_forms.close), name="recon_close"),
    path(_A + "run/", require_POST(recon_account_forms.run), name="recon_run_start"),
    path(_A + "mapping/", _form(recon_mapping.wizard), name="recon_mapping"),
    path(_A + "rules/", require_GET(recon_runs.show_rules), name="recon_rules"),
    path(_A + "rules/save/", require_POST(recon_runs.save), name="recon_rules_save"),
    path(_A + "workbench/", require_GET(workbench.show_workbench), name="workbench"),
    path(_A + "workbench/match/", require_POST(workbench.match), name="workbench_match"),
    path(_R + "imports/", require_GET(recon_imports.show_imports), name="recon_imports"),
    path(_R + "imports/start/", _form(recon_imports.start), name="recon_import_start"),
    path(_I, require_GET(recon_imports.show_import), name="recon_import"),
    path(_I + "cancel/", require_POST(recon_imports.cancel), name="recon_import_cancel"),
    path(_R + "statements/<str:statement_id>/", require_GET(recon_statements.show_statement), name="recon_statement"),
    path(_R + "statements/<str:statement_id>/settle/", require_POST(recon_settlements.settle), name="recon_settle"),
    path(_R + "statements/<str:statement_id>/lines.csv", require_GET(recon_statements.download), name="recon_lines"),
    path(_R + "lines/<str:line_id>/", require_GET(recon_statements.show_line), name="recon_line"),
    path(_R + "entries/<str:entry_id>/", require_GET(recon_matches.show_entry), name="recon_entry"),
    path(_R + "matches/", require_GET(recon_matches.show_matches), name="recon_matches"),
    path(_M, require_GET(recon_matches.show_match), name="recon_match"),
    path(_M + "approve/", require_POST(recon_matches.approve), name="recon_match_approve"),
    path(_M + "decline/", require_POST(recon_matches.decline), name="recon_match_decline"),
    path(_M + "keep/", require_POST(recon_matches.keep), name="recon_match_keep"),
    path(_M + "undo/", require_POST(recon_matches.undo), name="recon_match_undo"),
    path(_R + "runs/", require_GET(recon_runs.show_runs), name="recon_runs"),
    path(_R + "runs/<str:run_id>/", require_GET(recon_runs.show_run), name="recon_run"),
    path(_R + "expected/", require_GET(recon_runs.show_expected), name="recon_expected"),
    path(_R + "intents/<str:intent_id>/", require_GET(recon_story.show_story), name="recon_story"),
    path(_R + "exceptions/", require_GET(exceptions.show_exceptions), name="recon_exceptions"),
    path(_R + "exceptions.csv", require_GET(exception_files.download_csv), name="recon_exceptions_csv"),
    path(_R + "exceptions.xlsx", require_GET(exception_files.download_xlsx), name="recon_exceptions_xlsx"),
    path(_R + "exceptions/assign/", require_POST(exceptions.assign_several), name="recon_exceptions_assign"),
    path(_R + "exceptions/explain/", require_POST(exceptions.explain_several), name="recon_exceptions_explain"),
    path(_E, require_GET(exception.show_exception), name="recon_exception"),
    path(_E + "take/", require_POST(exception_acts.take), name="recon_exception_take"),
    path(_E + "assign/", require_POST(exception_acts.assign), name="recon_exception_assign"),
    path(_E + "note/", require_POST(exception_acts.note), name="recon_exception_note"),
    path(_E + "file/", require_POST(exception_acts.attach), name="recon_exception_attach"),
    path(_E + "files/<str:note_id>/", require_GET(exception_acts.download), name="recon_exception_file"),
    path(_E + "match/", require_POST(exception_acts.match), name="recon_exception_match"),
    path(_E + "explain/", require_POST(exception_acts.explain), name="recon_exception_explain"),
    path(
        _E + "explanation/approve/", require_POST(exception_acts.approve_explanation), name="recon_explanation_approve"
    ),
    path(
        _E + "explanation/decline/", require_POST(exception_acts.decline_explanation), name="recon_explanation_decline"
    ),
    path(_E + "reopen/", require_POST(exception_acts.reopen), name="recon_exception_reopen"),
    path(_E + "dispute/", require_POST(exception_acts.dispute), name="recon_exception_dispute"),
    path(_E + "answer/", require_POST(exception_acts.answer), name="recon_exception_answer"),
    path(_E + "adjust/", require_POST(exception_acts.adjust), name="recon_exception_adjust"),
    path(_E + "write-off/", require_POST(exception_acts.write_off), name="recon_exception_write_off"),
    path(_R + "adjustments/", require_GET(adjustments.show_adjustments), name="recon_adjustments"),
    path(_J + "approve/", require_POST(exception_acts.approve_adjustment), name="recon_adjustment_approve"),
    path(_J + "decline/", require_POST(exception_acts.decline_adjustment), name="recon_adjustment_decline"),
]
