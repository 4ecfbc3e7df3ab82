"""Information to the account owner (``:86:``, ``:NS:``), in the dialects of banks. Texts alone; nothing guessed.

- German: ``166?00GUTSCHRIFT?20EREF+…?21…?32NAME``; the fourth character is the separator, sub-fields are of 27
  characters each, and SEPA's key words (``EREF+``, ``SVWZ+`` …) begin a sub-field.
- Code words: ``/EREF/…/BENM//NAME/…/REMI/…`` (Dutch, Swiss, SWIFT's own).
- Anything else is a description.

A reference that is there twice and differs is none: whoever pays could write the second one into a text.
"""

import re
from collections.abc import Sequence
from typing import Any, Final

from zentra.reconciliation.references import normalise_reference
from zentra.reconciliation.statements.formats.mt940.fields import Field

MAX_TEXT: Final = 1_000
MAX_REFERENCE: Final = 140

_FULL: Final = 65  # characters of a line: a longer text goes on in the next one
_GERMAN: Final = re.compile(r" ?([0-9]{3})([^0-9A-Za-z\s])(?=[0-9]{2})")
_PURPOSES: Final = (*(f"{code}" for code in range(20, 30)), *(f"{code}" for code in range(60, 64)))
_SEPA: Final = re.compile(r"(EREF|KREF|MREF|CRED|DEBT|COAM|OAMT|SVWZ|ABWA|ABWE|IBAN|BIC|BREF|RREF)(?:\+|: )|(MTLG):")
_WORDS: Final = (
    "EREF", "KREF", "IREF", "PREF", "MARF", "MREF", "BREF", "CNTP", "BENM", "ORDP", "NAME", "IBAN", "BIC", "REMI",
    "USTD", "STRD", "CSID", "CRED", "ISDT", "RTRN", "PURP", "ULTC", "ULTB", "ULTD", "TRTP", "TRCD", "SVCL", "ADDR",
    "UETR", "INFO", "OCMT", "CHGS", "EXCH", "ID", "CITY", "INST", "BUSP", "NRTX",
)  # fmt: skip
_CODE_WORD: Final = re.compile(f"/({'|'.join(_WORDS)})(?=/)")
_KEY_OF: Final = {
    "EREF": "end_to_end_id", "KREF": "customer_reference", "MREF": "mandate_id", "MARF": "mandate_id",
    "IREF": "instruction_id", "PREF": "batch", "UETR": "uetr", "BREF": "bank_reference", "CRED": "creditor_id",
    "CSID": "creditor_id", "OAMT": "original_amount", "COAM": "compensation_amount", "RTRN": "return_reason",
}  # fmt: skip


class Details:
    """What a line's information says: references as sent, the other party, a description."""

    __slots__ = ("code", "counterparty", "description", "exchange", "references")

    def __init__(self) -> None:
        self.references: dict[str, Any] = {}
        self.counterparty = self.description = self.code = ""
        self.exchange: dict[str, str] = {}

    def keep(self, found: Sequence[tuple[str, str]]) -> None:
        """Keep the references among key words and their texts."""
        sent: dict[str, list[str]] = {}
        for word, text in found:
            key, value = _KEY_OF.get(word), text.strip()[:MAX_REFERENCE]
            if key is not None and normalise_reference(value) and value not in sent.setdefault(key, []):
                sent[key].append(value)
        for key, values in sent.items():
            if len(values) == 1:
                self.references[key] = values[0]
            else:
                self.references[f"{key}_ambiguous"] = values[:10]


def read_details(fields: Sequence[Field]) -> Details:
    """What the ``:86:`` and ``:NS:`` of a line say together."""
    details = Details()
    lines = [line for field in fields if field.tag == "86" for line in field.lines]
    whole = "".join(lines)
    german = _GERMAN.match(whole)
    if german is not None:
        details.code = german[1]
        _read_german(details, whole[german.end() - 1 :], german[2])
    elif _CODE_WORD.match(whole):
        _read_words(details, whole)
    else:
        details.description = _flowing(lines)
    _read_ns(details, [line for field in fields if field.tag == "NS" for line in field.lines])
    details.description = details.description[:MAX_TEXT]
    details.counterparty = details.counterparty[:MAX_TEXT]
    return details


def read_exchange(text: str) -> dict[str, str]:
    """``OCMT`` (the amount before), ``CHGS`` (charges) and ``EXCH`` (the rate) of a text, as they stand."""
    return {word: value.strip() for word, value in _split(text) if word in ("OCMT", "CHGS", "EXCH")}


def _read_german(details: Details, text: str, separator: str) -> None:
    pieces: dict[str, str] = {}
    purposes: list[str] = []
    for piece in re.split(re.escape(separator) + r"(?=[0-9]{2})", text):
        code, value = piece[:2], piece[2:]
        if code in _PURPOSES:
            purposes.append(value)
        else:
            pieces[code] = pieces.get(code, "") + value
    found: list[tuple[str, str]] = [("", "")]
    for purpose in purposes:
        word = _SEPA.match(purpose)
        if word is not None:
            found.append((word[1] or word[2], purpose[word.end() :]))
        else:
            found[-1] = (found[-1][0], found[-1][1] + purpose)
    details.keep(found)
    remittance = [text for word, text in found if word in ("SVWZ", "MTLG")]
    free = found[0][1]
    details.description = " ".join(part.strip() for part in (free, *remittance) if part.strip())
    details.description = details.description or pieces.get("00", "").strip()
    details.counterparty = (pieces.get("32", "") + pieces.get("33", "")).strip()
    account = pieces.get("38", "") or pieces.get("31", "")
    for key, value in (("counterparty_account", account), ("counterparty_bank", pieces.get("30", ""))):
        if value.strip():
            details.references[key] = value.strip()[:MAX_REFERENCE]


def _split(text: str) -> list[tuple[str, str]]:
    """Code words with what stands after each."""
    places = list(_CODE_WORD.finditer(text))
    ends = (*(place.start() for place in places[1:]), len(text))
    return [(place[1], text[place.end() : end].strip("/ ")) for place, end in zip(places, ends, strict=False)]


def _read_words(details: Details, text: str) -> None:
    found = _split(text)
    details.keep(found)
    said: dict[str, str] = {}
    for word, value in found:
        if value and word not in said:
            said[word] = value
    details.exchange = {word: said[word] for word in ("OCMT", "CHGS", "EXCH") if word in said}
    name = said.get("NAME", "")
    parts = said.get("CNTP", "").split("/")  # account/bank/name/city
    if len(parts) >= 3:
        name = name or parts[2].strip()
    account = said.get("IBAN", "") or parts[0].strip()
    if account:
        details.references["counterparty_account"] = account[:MAX_REFERENCE]
    details.counterparty = name or said.get("BENM", "") or said.get("ORDP", "")
    details.description = said.get("USTD", "") or said.get("REMI", "") or said.get("STRD", "") or said.get("INFO", "")


def _read_ns(details: Details, lines: Sequence[str]) -> None:
    """Sub-fields of savings banks' older programs: 01 to 14 the purpose, 15 and 16 the other party."""
    texts = [(line[:2], line[2:].strip()) for line in lines if line[:2].isdecimal()]
    purpose = " ".join(text for code, text in texts if "01" <= code <= "14" and text)
    party = " ".join(text for code, text in texts if code in ("15", "16") and text)
    details.description = details.description or purpose
    details.counterparty = details.counterparty or party


def _flowing(lines: Sequence[str]) -> str:
    """Lines as one text: a full line goes on in the next one, another ends with a word."""
    text = ""
    for line in lines:
        text += line if len(line) >= _FULL else f"{line} "
    return " ".join(text.split())
