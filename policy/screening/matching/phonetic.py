"""How a word sounds, coarsely, whatever alphabet it came from: the letters that transliterations agree on.

Made for transliterated names, not for English spelling: Kadafi, Gaddafi and Qadhafi sound alike, Yevgeny and Evgeni,
Mohammed and the bare consonants that Arabic writes. Vowels count only at the beginning, h only there too.
"""

import re
from functools import lru_cache
from typing import Final

_STEPS: Final = tuple(
    (re.compile(pattern), to)
    for pattern, to in (
        (r"(.)\1+", r"\1"),
        ("shch|sch|tsch|tch|ch|sh|sz|cz", "x"),
        ("dzh|dj|zh", "j"),
        ("kh|qh", "h"),
        ("gh", "g"),
        ("ph|ff|v|w", "f"),
        ("dh|th|d", "t"),
        ("tz|ts|z", "s"),
        ("ck|q|g", "k"),
        ("c(?=[eiy])", "s"),
        ("c", "k"),
        ("[iy]j$", "i"),
        ("^[yj](?=e)", ""),
        ("^[yi](?=[aeou])", "j"),
        ("^[aeiouy]+", "A"),
        ("(?<!^)[aeiouyh]", ""),
    )
)

_TWICE: Final = re.compile(r"(.)\1+")
_ONCE: Final = r"\1"


@lru_cache(maxsize=100_000)
def code_of(word: str) -> str:
    """How a word sounds. Of a word with one consonant its spelling counts too: Li is not Lo."""
    if word.isdigit():
        return word
    code = word
    for pattern, to in _STEPS:
        code = pattern.sub(to, code)
    return code if len(code) > 1 else f"{code}.{_TWICE.sub(_ONCE, word.replace('y', 'i'))}"


@lru_cache(maxsize=100_000)
def variants_of(code: str) -> tuple[str, ...]:
    """A code and what is left of it without any one sound: two codes one mistake apart share one of these."""
    if len(code) < 3 or "." in code:
        return (code,)
    return tuple(dict.fromkeys([code, *(code[:place] + code[place + 1 :] for place in range(len(code)))]))
