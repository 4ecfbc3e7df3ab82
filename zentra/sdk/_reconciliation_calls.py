"""The calls about reconciliation and closeout as values. The sync and async clients share them."""

import hashlib
import json
import os
import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Final, Literal

from zentra.sdk._calls import Call, RawAnswer, Upload, build_get, build_list, build_post, path_of, text_of
from zentra.sdk._errors import ConfigurationError, UnexpectedAnswer
from zentra.sdk._reconciliation_records import (
    BankLine,
    BankStatement,
    CloseoutFile,
    CloseoutPacket,
    CloseoutTask,
    CustomerMoney,
    CustomerMoneyProof,
    DayRate,
    ExpectedMoney,
    Match,
    MatchingRules,
    MatchingRun,
    MatchSuggestion,
    Period,
    ReconciledAccount,
    ReconciledEntry,
    ReconciliationSummary,
    StatementImport,
    StatementProblem,
    TieOut,
    TrialBalance,
)
from zentra.sdk._records import Page

Body = Mapping[str, Any]
File = bytes | str | os.PathLike[str] | IO[bytes]
Format = Literal["camt053", "csv", "mt940", "bai2", "settlement"]

ROOT: Final = "/reconciliation"
ACCOUNTS: Final = f"{ROOT}/accounts"
IMPORTS: Final = f"{ROOT}/imports"
STATEMENTS: Final = f"{ROOT}/statements"
LINES: Final = f"{ROOT}/lines"
ENTRIES: Final = f"{ROOT}/entries"
MATCHES: Final = f"{ROOT}/matches"
RUNS: Final = f"{ROOT}/runs"
PERIODS: Final = f"{ROOT}/periods"
PACKETS: Final = f"{ROOT}/closeout-packets"
_MEDIA_TYPES: Final = {"camt053": "application/xml", "csv": "text/csv", "settlement": "text/csv"}
_ANY: Final = {"Accept": "*/*"}


def summarize() -> Call[Page[ReconciliationSummary]]:
    """``GET /reconciliation/summary``."""
    return build_list(f"{ROOT}/summary", ReconciliationSummary, {})


def list_accounts() -> Call[Page[ReconciledAccount]]:
    """``GET /reconciliation/accounts``."""
    return build_list(ACCOUNTS, ReconciledAccount, {})


def open_account(body: Body) -> Call[ReconciledAccount]:
    """``POST /reconciliation/accounts``."""
    return build_post(ACCOUNTS, body, ReconciledAccount)


def get_account(account_id: str) -> Call[ReconciledAccount]:
    """``GET /reconciliation/accounts/{reconciled_account_id}``."""
    return build_get(path_of(ACCOUNTS, account_id), ReconciledAccount)


def put_mapping(account_id: str, mapping: Body) -> Call[ReconciledAccount]:
    """``PUT /reconciliation/accounts/{reconciled_account_id}/mapping``."""
    return build_post(
        f"{path_of(ACCOUNTS, account_id)}/mapping", {"mapping": dict(mapping)}, ReconciledAccount, method="PUT"
    )


def get_rules(account_id: str, version: int | None) -> Call[MatchingRules]:
    """``GET /reconciliation/accounts/{reconciled_account_id}/rules``."""
    return build_get(f"{path_of(ACCOUNTS, account_id)}/rules", MatchingRules, {"version": version})


def list_rates(account_id: str, start: object, end: object) -> Call[Page[DayRate]]:
    """``GET /reconciliation/accounts/{reconciled_account_id}/match-rates``."""
    return build_list(f"{path_of(ACCOUNTS, account_id)}/match-rates", DayRate, {"from": start, "to": end})


def list_entries(account_id: str, **params: object) -> Call[Page[ReconciledEntry]]:
    """``GET /reconciliation/accounts/{reconciled_account_id}/entries``."""
    given = {{"start": "from", "end": "to"}.get(name, name): value for name, value in params.items()}
    return build_list(f"{path_of(ACCOUNTS, account_id)}/entries", ReconciledEntry, given)


def list_open_lines(account_id: str, **params: object) -> Call[Page[BankLine]]:
    """``GET /reconciliation/accounts/{reconciled_account_id}/open-lines``."""
    return build_list(f"{path_of(ACCOUNTS, account_id)}/open-lines", BankLine, params)


def start_import(
    file: File,
    *,
    form: Format,
    account_id: str | None,
    dry_run: bool,
    file_name: str | None,
    mapping: Body | None,
    key: str | None,
) -> Call[StatementImport]:
    """``POST /reconciliation/imports``: the file as the body, or in a form when a mapping goes with it."""
    content, name = read_file(file)
    said = {"format": form, "account_id": account_id, "dry_run": dry_run, "file_name": file_name or name}
    words = {name: text_of(value) for name, value in said.items() if value not in (None, "", False)}
    media_type = _MEDIA_TYPES.get(form, "text/plain")
    headers = {"Idempotency-Key": key or str(uuid.uuid4())}
    if mapping is not None:
        upload = Upload(content, media_type, file_name or name, words | {"mapping": json.dumps(dict(mapping))})
        words = {}
    else:
        upload = Upload(content, media_type, file_name or name)
    return Call("POST", IMPORTS, _import, params=words, headers=headers, upload=upload)


def read_file(file: File) -> tuple[bytes, str]:
    """The bytes of a file, and its name where it has one; raises ConfigurationError for what is none."""
    if isinstance(file, bytes):
        return file, "file"
    if isinstance(file, str | os.PathLike):
        path = Path(file)
        return path.read_bytes(), path.name
    content = file.read()
    if not isinstance(content, bytes):
        raise ConfigurationError("A statement is sent as its bytes: open the file with 'rb'.")
    name = getattr(file, "name", "")
    return content, Path(name).name if isinstance(name, str) and name else "file"


def _import(answer: RawAnswer) -> StatementImport:
    return StatementImport(answer.json(), answer.info)


def list_imports(**params: object) -> Call[Page[StatementImport]]:
    """``GET /reconciliation/imports``."""
    return build_list(IMPORTS, StatementImport, params)


def get_import(import_id: str) -> Call[StatementImport]:
    """``GET /reconciliation/imports/{statement_import_id}``."""
    return build_get(path_of(IMPORTS, import_id), StatementImport)


def list_problems(import_id: str, **params: object) -> Call[Page[StatementProblem]]:
    """``GET /reconciliation/imports/{statement_import_id}/problems``."""
    return build_list(f"{path_of(IMPORTS, import_id)}/problems", StatementProblem, params)


def cancel_import(import_id: str) -> Call[StatementImport]:
    """``POST /reconciliation/imports/{statement_import_id}/cancel``."""
    return build_post(f"{path_of(IMPORTS, import_id)}/cancel", {}, StatementImport)


def list_statements(**params: object) -> Call[Page[BankStatement]]:
    """``GET /reconciliation/statements``."""
    return build_list(STATEMENTS, BankStatement, params)


def get_statement(statement_id: str) -> Call[BankStatement]:
    """``GET /reconciliation/statements/{statement_id}``."""
    return build_get(path_of(STATEMENTS, statement_id), BankStatement)


def list_lines(statement_id: str, **params: object) -> Call[Page[BankLine]]:
    """``GET /reconciliation/statements/{statement_id}/lines``."""
    return build_list(f"{path_of(STATEMENTS, statement_id)}/lines", BankLine, params)


def get_line(line_id: str) -> Call[BankLine]:
    """``GET /reconciliation/lines/{line_id}``."""
    return build_get(path_of(LINES, line_id), BankLine)


def get_entry(entry_id: str) -> Call[ReconciledEntry]:
    """``GET /reconciliation/entries/{entry_id}``."""
    return build_get(path_of(ENTRIES, entry_id), ReconciledEntry)


def matches_of(side: str, key: str) -> Call[Page[Match]]:
    """``GET /reconciliation/lines/{line_id}/matches``, and of entries."""
    return build_list(f"{path_of(side, key)}/matches", Match, {})


def suggest(side: str, key: str, limit: int | None) -> Call[Page[MatchSuggestion]]:
    """``GET /reconciliation/lines/{line_id}/suggestions``, and of entries."""
    return build_list(f"{path_of(side, key)}/suggestions", MatchSuggestion, {"limit": limit})


def list_matches(**params: object) -> Call[Page[Match]]:
    """``GET /reconciliation/matches``."""
    return build_list(MATCHES, Match, params)


def get_match(match_id: str) -> Call[Match]:
    """``GET /reconciliation/matches/{match_id}``."""
    return build_get(path_of(MATCHES, match_id), Match)


def list_runs(**params: object) -> Call[Page[MatchingRun]]:
    """``GET /reconciliation/runs``."""
    return build_list(RUNS, MatchingRun, params)


def get_run(run_id: str) -> Call[MatchingRun]:
    """``GET /reconciliation/runs/{run_id}``."""
    return build_get(path_of(RUNS, run_id), MatchingRun)


def list_expected(**params: object) -> Call[Page[ExpectedMoney]]:
    """``GET /reconciliation/expected``."""
    return build_list(f"{ROOT}/expected", ExpectedMoney, params)


def list_periods() -> Call[Page[Period]]:
    """``GET /reconciliation/periods``."""
    return build_list(PERIODS, Period, {})


def get_period(period: str) -> Call[Period]:
    """``GET /reconciliation/periods/{period}``."""
    return build_get(path_of(PERIODS, period), Period)


def list_tie_outs(period: str) -> Call[Page[TieOut]]:
    """``GET /reconciliation/periods/{period}/tie-outs``."""
    return build_list(f"{path_of(PERIODS, period)}/tie-outs", TieOut, {})


def list_trial_balance(period: str, **params: object) -> Call[Page[TrialBalance]]:
    """``GET /reconciliation/periods/{period}/trial-balance``."""
    return build_list(f"{path_of(PERIODS, period)}/trial-balance", TrialBalance, params)


def list_customer_money(period: str, **params: object) -> Call[Page[CustomerMoney]]:
    """``GET /reconciliation/periods/{period}/customer-money``."""
    return build_list(f"{path_of(PERIODS, period)}/customer-money", CustomerMoney, params)


def list_money_proofs(**params: object) -> Call[Page[CustomerMoneyProof]]:
    """``GET /reconciliation/customer-money``; ``from`` and ``to`` are days."""
    return build_list(f"{ROOT}/customer-money", CustomerMoneyProof, params)


def list_tasks(period: str) -> Call[Page[CloseoutTask]]:
    """``GET /reconciliation/periods/{period}/tasks``."""
    return build_list(f"{path_of(PERIODS, period)}/tasks", CloseoutTask, {})


def download(period: str, what: Literal["trial-balance.csv", "journal"]) -> Call[bytes]:
    """``GET /reconciliation/periods/{period}/trial-balance.csv`` or ``journal``."""
    return Call("GET", f"{path_of(PERIODS, period)}/{what}", lambda answer: answer.content, headers=_ANY)


def list_packets(period: str) -> Call[Page[CloseoutPacket]]:
    """``GET /reconciliation/periods/{period}/packets``."""
    return build_list(f"{path_of(PERIODS, period)}/packets", CloseoutPacket, {})


def get_packet(packet_id: str) -> Call[CloseoutPacket]:
    """``GET /reconciliation/closeout-packets/{packet_id}``."""
    return build_get(path_of(PACKETS, packet_id), CloseoutPacket)


def download_packet(packet_id: str) -> Call[CloseoutFile]:
    """``GET /reconciliation/closeout-packets/{packet_id}/content``."""

    def read(answer: RawAnswer) -> CloseoutFile:
        told = answer.headers.get("zentra-packet-sha256", "")
        found = hashlib.sha256(answer.content).hexdigest()
        if found != told:
            raise UnexpectedAnswer(f"{packet_id} came with the SHA-256 {found}, and should have {told}.")
        return CloseoutFile(
            packet_id=packet_id, content=answer.content, filename=f"{packet_id}.zip", sha256=told, answer=answer.info
        )

    return Call("GET", f"{path_of(PACKETS, packet_id)}/content", read, headers={"Accept": "application/zip, */*;q=0.5"})
