"""Days as OFAC writes them, read as ISO 8601 as far as they are known (``policy.screening.matching.facts``)."""

import re
from typing import Final

_MONTHS: Final = {name: place for place, name in enumerate(
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"], 1)}  # fmt: skip
_DAY: Final = re.compile(r"(?:(?:(\d{1,2}) )?([A-Za-z]{3})[a-z]* )?(\d{4})")


def read_ofac_days(words: str) -> str | None:
    """``01 Dec 1963`` as ``1963-12-01``, ``circa 1963`` as ``~1963``, ``1960 to 1965`` as ``1960/1965``, or None."""
    plain = " ".join(words.split())
    is_about = plain.lower().startswith("circa ")
    ends = re.split(r" to |(?<=\d{4})-(?=\d{4})", plain[6:] if is_about else plain)
    read = [_read_day(end) for end in ends]
    if not 1 <= len(read) <= 2 or None in read:
        return None
    return ("~" if is_about else "") + "/".join(str(day) for day in dict.fromkeys(read))


def _read_day(words: str) -> str | None:
    found = _DAY.fullmatch(words.strip())
    if found is None:
        return None
    day, month, year = found.groups()
    if month is None:
        return str(year)
    number = _MONTHS.get(month.lower())
    if number is None or (day is not None and not 1 <= int(day) <= 31):
        return None
    return f"{year}-{number:02}" + (f"-{int(day):02}" if day else "")
