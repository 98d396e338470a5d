"""A reply before it is sent: nothing promised, quoted or linked that no recorded entry backs."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from decimal import Decimal, InvalidOperation
from typing import NamedTuple
from urllib.parse import urlsplit

GENERIC = "anything"
DENIED = re.compile(r"\b(?:not|no|nicht|pas|não|nunca|never)\b|n't\b", re.IGNORECASE)
CONCEPTS: dict[str, str] = {
    "refund": r"refund(?!able)|reembols|erstatt|zurückgezahlt|rembours|devoluci|devuelt|devolv|estorn|money back",
    "credit": r"credit|abon(?:ad|ar)|gutgeschrieben|gutschrift|crédit|creditad|compensat|entschädig|indemni",
    "cancel": r"cancel|anulad|storn|annul|gekündigt|kündig|résili",
    "change": r"chang|updat(?!e you)|modif|amend|cambiad|actualiz|geändert|aktualisiert|umgestellt|mis à jour|alterad|atualizad|mudad",
    "send": r"\bsen[dt]\b|\bship|dispatch|resen[dt]|envia[dr]|manda[dr]|schicken|senden|geschickt|gesendet|versandt|envoy|expédi",
    "book": r"book|schedul|reserv|agendad|gebucht|reserviert|terminiert|planifi|marcad",
    "reset": r"reset|restablec|zurückgesetzt|réinitialis|redefinid|delet|eliminad|borrad|gelöscht|supprim|apagad",
    "replace": r"replac|exchang|reemplaz|sustitu|ersetzt|ausgetauscht|remplac|échang|substitu|trocad",
    "approve": r"approv|aprobad|genehmigt|freigegeben|approuv|aprovad",
    "upgrade": r"upgrad|downgrad|activat|deactivat|unlock|desbloque|activad|aktiviert|entsperrt|activé|débloqu|ativad|desbloquead",
    GENERIC: r"submitt|process|issued|tramitad|procesad|emitid|eingereicht|bearbeitet|veranlasst|traité|émis|processad|emitid",
}
BACKED_BY = {
    "refund": (
        rf"{CONCEPTS['refund']}|credit|repa(?:y|id)|pa(?:y|id)\b.{{0,30}}\bback|reimburs|money.?back|deposit|\breturn_"
        "|fianza|kaution|caution"
    ),
    "credit": rf"{CONCEPTS['credit']}|{CONCEPTS['refund']}|voucher|bonus|discount|vale|gutschein|bon\b",
    "cancel": rf"{CONCEPTS['cancel']}|terminat|\bend_|\bend\b|stop|clos(?:e|ing)|void|withdraw|baja|beend|rescin",
}
"""What a call that did these things may be called."""
DONE_BY_US = (
    r"\b(?:i|we)(?:'ve| have)(?: just| now| already| successfully| also)*\s+(?P<w>\w+)",
    r"\b(?:i|we)(?: just| now| already| successfully| also)*\s+(?P<w>\w{2,}ed|sent|reset|paid|gave|put|made)\b",
    r"\b(?:ya )?(?:te |le |lo |la |se )?(?:lo |la )?(?:he|hemos)\s+(?P<w>\w+)",
    r"\b(?:ich|wir) (?:habe|haben)\b[^.!?\n]{0,80}?\b(?P<w>\w+(?:t|en))(?=\s*[.!?,\n]|$)",
    r"\b(?:j'ai|nous avons)(?: bien| déjà)?\s+(?P<w>\w+)",
    r"\b(?:já )?(?P<w>reembolsei|cancelei|alterei|enviei|atualizei|processei|emiti|marquei|reembolsámos|cancelámos)\b",
)
DONE = (
    r"\b(?:has|have) (?:now |just |already |successfully )*been (?P<w>\w+(?: \w+)?)",
    r"\b(?:was|were) (?:just |now |successfully )(?P<w>\w+)",
    r"\b(?:is|are) (?:now )?being (?P<w>\w+)",
    r"\b(?:ha|han) sido (?P<w>\w+)|\bse (?:ha|han) (?P<x>\w+)",
    r"\b(?:wurde|wurden)\b[^.!?\n]{0,80}?\b(?P<w>\w+(?:t|en))(?=\s*[.!?,\n]|$)",
    r"\b(?:a|ont) (?:bien )?été (?P<w>\w+)",
    r"\b(?:foi|foram) (?P<w>\w+)",
    r"^\W*(?:refund|reembolso|erstattung|remboursement)\b[^.!?\n]{0,60}\b(?P<w>issued|sent|done|complete|emitido|hecho|veranlasst|effectué)\b",
)
WILL = (
    r"\b(?:i|we)(?:'ll| will|'m going to|'re going to| am going to| are going to)\s+(?P<w>\w+(?: \w+)?)",
    r"\b(?:voy|vamos) a (?P<w>\w+)",
    r"\b(?:ich|wir) (?:werde|werden)\b[^.!?\n]{0,80}?\b(?P<w>\w+en)(?=\s*[.!?,\n]|$)",
    r"\b(?:je vais|nous allons) (?P<w>\w+)",
    r"\b(?:vou|vamos) (?P<w>\w+)",
)
TRANSFERS = re.compile(
    r"\b(?:transferr?ing you|i(?:'ll| will|'m going to| am going to) (?:transfer|connect|hand|forward|escalate|pass)\b"
    r"|(?:connecting|passing|handing|forwarding|escalating) (?:you|this|it|your)\b|let me (?:connect|transfer) you"
    r"|te (?:paso|transfiero|conecto) con|le (?:paso|transfiero) con|voy a (?:pasarte|transferirte)"
    r"|ich (?:verbinde|leite)\b[^.!?\n]{0,40}\b(?:weiter|mit|dich|sie)|je (?:vous|te) (?:transfère|mets en relation|passe)"
    r"|vou (?:transferir|passar|encaminhar))",
    re.IGNORECASE,
)
SECRETS = re.compile(
    r"\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*|\bbearer\s+[\w.~+/=-]{12,}|\b(?:sk|pk|rk)[-_](?:live|test|ant|proj)?[-_]?\w{12,}"
    r"|\bxox[abposr]-[\w-]{8,}|\bAKIA[0-9A-Z]{12,}|-----BEGIN [A-Z ]*PRIVATE KEY",
    re.IGNORECASE,
)
LINK = re.compile(
    r"(!?)\[([^\]]*)\]\(\s*<?([^)\s>]*)>?[^)]*\)|<?((?:https?|ftp|file|data|javascript|vbscript):[^\s<>)\]]+)>?",
    re.IGNORECASE,
)
CLAIM = re.IGNORECASE | re.MULTILINE
CURRENCY = r"(?:[$€£¥]|\b(?:USD|EUR|GBP|CHF|BRL|euros?|dollars?|dólares|reais)\b)"
MONEY = re.compile(rf"{CURRENCY}\s?(\d[\d.,]*)|(?<![\w.,-])(\d[\d.,]*)\s?{CURRENCY}", re.IGNORECASE)
REFERENCE = re.compile(
    r"(?<![\w/])(?:#[A-Za-z-]*\d[\w-]*|[A-Z]{1,8}[-_]?\d{3,}[\w-]*|\d{6,}|(?=[A-Z]*\d)(?=\d*[A-Z])[A-Z0-9]{6,})(?![\w/])"
)


class Sources(NamedTuple):
    """What may be said. `written`: calls of this episode that changed something, `found`: what results say, `told`: everything that is
    written anywhere (results, passages, persons, the spec), `waiting`: calls that wait for a word."""

    written: str
    found: str
    told: str
    waiting: str = ""


class Checked(NamedTuple):
    """The reply with foreign links taken out, what is wrong with it, and whether it says that a person is coming."""

    text: str
    problems: tuple[str, ...]
    transfers: bool = False


def check(text: str, sources: Sources) -> Checked:
    """Whether a reply may be sent. A problem keeps it from being sent; foreign links are only taken out."""
    text = without_foreign_links(text, sources.told)
    problems = [*_promises(text, sources), *_inventions(text, sources.told)]
    if SECRETS.search(text):
        problems.append("it shows a secret")
    if not text.strip():
        problems.append("it is empty")
    return Checked(text, tuple(dict.fromkeys(problems)), bool(TRANSFERS.search(text)))


def _promises(text: str, sources: Sources) -> Iterable[str]:
    """Acts that the reply claims or promises, and that nothing recorded backs."""
    for patterns, backing, what in (
        (DONE_BY_US, (sources.written,), "says that we did"),
        (DONE, (sources.written, sources.found), "says that it happened"),
        (WILL, (sources.written, sources.waiting), "promises to"),
    ):
        for verb, sentence in _claimed(text, patterns):
            concept = _concept(verb, sentence)
            if concept and not _backed(concept, *backing):
                yield f"it {what} {verb!r}, and no recorded call backs it"


def _concept(verb: str, sentence: str) -> str:
    """What kind of act it is; a refund that was «issued» is a refund."""
    named = [name for name, stems in CONCEPTS.items() if re.search(stems, verb, re.IGNORECASE)]
    strict = [name for name in BACKED_BY if named and re.search(CONCEPTS[name], sentence, re.IGNORECASE)]
    return (strict or named or [""])[0]


def _backed(concept: str, acts: str, other: str = "") -> bool:
    """Money and endings need a call of that very kind; any act backs a lesser word."""
    if re.search(BACKED_BY.get(concept, CONCEPTS[concept]), f"{acts}\n{other}", re.IGNORECASE):
        return True
    return concept not in BACKED_BY and bool(acts.strip() or (concept == "send" and other.strip()))


def _claimed(text: str, patterns: Sequence[str]) -> Iterable[tuple[str, str]]:
    """(verb, sentence) of each claim that is not a denial."""
    plain = text.replace("’", "'")
    for pattern in patterns:
        for found in re.finditer(pattern, plain, CLAIM):
            if not DENIED.search(found[0]):
                yield next((group for group in found.groups() if group), ""), _sentence(plain, found.start())


def _sentence(text: str, at: int) -> str:
    ends = [found.start() for found in re.finditer(r"[.!?\n](?:\s|$)", text)]
    start = max((end + 1 for end in ends if end < at), default=0)
    return text[start : min((end for end in ends if end >= at), default=len(text))]


def _inventions(text: str, told: str) -> Iterable[str]:
    """Sums of money and references that stand nowhere."""
    amounts, references = MONEY.findall(text), REFERENCE.findall(_without_links(text))
    if not amounts and not references:
        return
    numbers = {value for found in re.findall(r"\d[\d.,]*", told) for value in _readings(found)}
    for first, second in amounts:
        amount = first or second
        if not _readings(amount) & numbers:
            yield f"the amount {amount} stands in no result"
    known = told.casefold()
    for found in references:
        name = found.lstrip("#").casefold()
        if name not in known and not _readings(name) & numbers:
            yield f"the reference {found} stands in no result"


def _readings(text: str) -> set[Decimal]:
    """A number as it may be meant: 1.234,50 and 1,234.50, and 1.500 both ways."""
    text = text.strip(".,")
    options = {text.replace(",", ""), text.replace(".", "").replace(",", ".")}
    numbers = set()
    for option in options:
        try:
            numbers.add(Decimal(option))
        except InvalidOperation:
            continue
    return numbers


def without_foreign_links(text: str, told: str) -> str:
    """Images and links to places that no source names become their label; plain foreign addresses go."""
    if not LINK.search(text):
        return text.strip()
    allowed = {urlsplit(url).netloc.casefold() for url in re.findall(r"https?://[^\s<>)\]\"']+", told)}

    def kept(found: re.Match[str]) -> str:
        image, label, target, bare = found.groups()
        url = bare or target or ""
        if image or not url.casefold().startswith(("https://", "http://", "mailto:")):
            return label or ""
        if url.casefold().startswith("mailto:"):
            return found[0] if url[7:].casefold() in told.casefold() else label or ""
        return found[0] if urlsplit(url).netloc.casefold() in allowed else label or ""

    return LINK.sub(kept, text).strip()


def _without_links(text: str) -> str:
    return LINK.sub(lambda found: found[2] or "", text)


def whole_sentences(text: str) -> int:
    """How much of a growing text ends in whole sentences, in characters."""
    ends = [found.end() for found in re.finditer(r"[.!?…](?=\s)|\n", text)]
    return ends[-1] if ends else 0
