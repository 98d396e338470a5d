"""Words that forbid: "do not restart it", "no lo canceles", "bitte nicht kündigen".

A complaint that something has not happened forbids nothing.
"""

from __future__ import annotations

import re

PLEASE = r"(?:(?:please|por favor|bitte|s'il (?:vous|te) pla[iî]t)[\s,]+)?"
FORBIDS = re.compile(
    rf"^\W*(?:hi|hello|hey|hola|hallo|bonjour|olá)?[\s,!.]*{PLEASE}(?:"
    r"do\s?n[o']?t\b|don’t\b|never\b|stop\b"
    r"|no (?:lo |la |me |le |se |los |las )?\w+(?:es|as|éis|áis|en|an)\b"
    r"|não (?:o |a |me )?\w+(?:e|em|es|a)\b"
    r"|ne (?:pas )?\w+"
    r")"
    r"|\bi (?:do\s?n[o']?t|don’t) (?:want|need) (?:you|it|this|that|to|any)\b"
    r"|\bno quiero (?:que|\w+r)\b|\bnão quero (?:que|\w+r)\b|\bje ne veux pas\b|\bich (?:will|möchte) (?:nicht|kein\w*)\b"
    r"|^\W*bitte\b(?!.*\bnoch nicht\b).*\bnicht\b|^\W*\w+en sie\b(?!.*\bnoch nicht\b).*\bnicht\b",
    re.IGNORECASE,
)
LONGEST = 400


def forbids(text: str) -> bool:
    """True when the words ask that something be left undone."""
    return bool(FORBIDS.search(text[:LONGEST]))
