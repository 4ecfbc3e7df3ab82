"""Statements as documents: CSV for machines and spreadsheets, PDF for people."""

from ledger.statements.csv_document import CSV_COLUMNS, harmless, render_statement_csv
from ledger.statements.pdf_document import MAX_PDF_LINES, render_statement_pdf

__all__ = ["CSV_COLUMNS", "MAX_PDF_LINES", "harmless", "render_statement_csv", "render_statement_pdf"]
