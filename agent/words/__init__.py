"""Words as the reader sees them: folded, stemmed, and with what they mean in any of five languages."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent
LANGUAGES = ("en", "es", "de", "fr", "pt")
TOKEN = re.compile(r"[^\W_]+")
CJK = re.compile(r"[぀-ヿ㐀-鿿가-힯豈-﫿]")
SHORT_FORMS = (
    (re.compile(r"\b(can)(?:not|'?t)\b"), r"\1 not"),
    (re.compile(r"\bwo(?:n't|nt)\b"), "will not"),
    (re.compile(r"\b(do|does|did|have|has|had|is|are|was|were|would|should|could|need)n'?t\b"), r"\1 not"),
    (re.compile(r"\b(i|you|we|they|he|she|it|that|there|what|where|when|who|how)'(?:m|ve|d|ll|re|s)\b"), r"\1"),
)
ALGORITHMS = {
    "ar": "arabic", "ca": "catalan", "da": "danish", "de": "german", "el": "greek", "en": "english", "es": "spanish", "et": "estonian",
    "eu": "basque", "fi": "finnish", "fr": "french", "hi": "hindi", "hu": "hungarian", "hy": "armenian", "id": "indonesian",
    "it": "italian", "lt": "lithuanian", "nb": "norwegian", "nl": "dutch", "no": "norwegian", "pl": "polish", "pt": "portuguese",
    "ro": "romanian", "ru": "russian", "sr": "serbian", "sv": "swedish", "ta": "tamil", "tr": "turkish", "yi": "yiddish",
}  # fmt: skip


def fold(text: str) -> str:
    """Lower case without accents, apostrophes of one kind: `Größe` and `GROSSE` become one."""
    if text.isascii():
        return text.lower().replace("`", "'")
    plain = unicodedata.normalize("NFKD", text.replace("’", "'").replace("`", "'").casefold())
    return "".join(letter for letter in plain if not unicodedata.combining(letter))


def words(text: str) -> list[str]:
    """Folded words in order; English short forms are written out, CJK runs become pairs of characters."""
    plain = fold(text)
    if "'" in plain or "nt" in plain:
        for pattern, full in SHORT_FORMS:
            plain = pattern.sub(full, plain)
    found: list[str] = []
    for token in TOKEN.findall(plain):
        found.extend(_pairs(token) if CJK.search(token) else (token,))
    return found


def _pairs(token: str) -> list[str]:
    return [token[at : at + 2] for at in range(len(token) - 1)] or [token]


@lru_cache(maxsize=20_000)
def stem(word: str, language: str) -> str:
    """The folded word's stem; a word of a language nobody stems stays as it is."""
    stemmer = _stemmer(language.partition("-")[0])
    return fold(stemmer.stemWord(word)) if stemmer else word


@cache
def _stemmer(language: str) -> Any:
    import snowballstemmer

    return snowballstemmer.stemmer(ALGORITHMS[language]) if language in ALGORITHMS else None


@cache
def stopwords(language: str) -> frozenset[str]:
    """Folded words of a language that carry no matter; empty for a language without a list."""
    return _lists("stopwords.txt").get(language.partition("-")[0], frozenset())


@cache
def light(language: str) -> frozenset[str]:
    """Folded words that are more than small and still tell little."""
    return _lists("light.txt").get(language.partition("-")[0], frozenset())


@cache
def _lists(name: str) -> dict[str, frozenset[str]]:
    lines = (line.partition(":") for line in read_lines(name))
    return {key.strip(): frozenset(rest.split()) for key, _, rest in lines}


def read_lines(name: str) -> list[str]:
    """The lines of a word list, without comments."""
    text = (FOLDER / name).read_text(encoding="utf-8")
    return [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
