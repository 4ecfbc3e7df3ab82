"""Countries as lists name them, read as ISO 3166-1 alpha-2."""

from functools import lru_cache
from typing import Final

from babel import Locale

_OWN_WORDS: Final = {
    "burma": "MM", "myanmar": "MM", "korea, north": "KP", "north korea": "KP", "korea, south": "KR",
    "south korea": "KR", "turkey": "TR", "palestinian": "PS", "palestinian authority": "PS", "west bank": "PS",
    "region: gaza": "PS", "region: crimea": "UA", "congo, democratic republic of the": "CD",
    "congo, republic of the": "CG", "democratic republic of the congo": "CD", "hong kong": "HK", "macau": "MO",
    "macao": "MO", "cote d ivoire": "CI", "cote d'ivoire": "CI", "ivory coast": "CI", "cabo verde": "CV",
    "north macedonia, the republic of": "MK", "macedonia": "MK", "bahamas, the": "BS", "the bahamas": "BS",
    "the gambia": "GM", "gambia, the": "GM", "virgin islands, british": "VG", "virgin islands, u.s.": "VI",
    "czech republic": "CZ", "swaziland": "SZ", "man, isle of": "IM", "saint kitts and nevis": "KN",
    "saint lucia": "LC", "trinidad and tobago": "TT", "saint vincent and the grenadines": "VC",
    "antigua and barbuda": "AG", "bosnia and herzegovina": "BA", "russian federation": "RU",
    "syrian arab republic": "SY", "viet nam": "VN", "united states of america": "US", "england": "GB",
    "sao tome and principe": "ST", "micronesia, federated states of": "FM", "brunei darussalam": "BN",
    "islamic republic of iran": "IR", "democratic people's republic of korea": "KP",
    "st. vincent and the grenadines": "VC", "st. kitts and nevis": "KN", "netherlands antilles": "AN",
    "east timor": "TL", "holy see": "VA",
}  # fmt: skip
_ENGLISH: Final = {
    str(name).lower(): code for code, name in Locale("en").territories.items() if len(code) == 2 and code.isalpha()
}


@lru_cache(maxsize=4_000)
def country_of(words: str) -> str:
    """The code of a country, or the list's own words where it is none that we know; empty for nothing."""
    plain = " ".join(words.split()).removesuffix(".").removeprefix("possibly ")
    if len(plain) == 2 and plain.isascii() and plain.isalpha():
        return plain.upper()
    return _OWN_WORDS.get(plain.lower()) or _ENGLISH.get(plain.lower()) or plain


def countries_of(words: list[str]) -> tuple[str, ...]:
    """Countries once each, in the order of the list."""
    return tuple(dict.fromkeys(code for code in map(country_of, words) if code))
