"""What happened in a business, as somebody would tell it who does not care where the customer wrote from."""

from __future__ import annotations

import asyncio
import json
import re
from typing import Any

from tests.support.businesses import Business

Json = dict[str, Any]
# When, under which number, how long, how sure, at what cost: all that differs each time, or with every change of a weight.
PASSING = frozenset({
    "at", "id", "seq", "turn", "step", "digest", "idempotency_key", "key", "ledger", "milliseconds", "usage", "cost", "spec",
    "expires_at", "confidence", "parts", "score", "of",
})  # fmt: skip
DAY = r"\d{1,2} (?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)[a-z]*"
SAME = (
    (rf"{DAY}(?: \d\d:\d\d UTC)?|\b\d\d:\d\d UTC|\d{{4}}-\d\d-\d\d(?:T[\d:]+Z)?", "<when>"),
    (r"act_\w+(?: · \w+ · \w+)?", "<action>"),
    (r"https?://[^|>]+/api/v1/conversations/\w+/log", "<log>"),
    (r"(?<= · )(?:web|telegram|whatsapp|slack)\b", "<channel>"),
    (r"^(\*Identity\*\n)(?:signed in on the site|by the channel)", r"\1<proved>"),
    (r"(\"verified\": )\"(?:site|channel)\"", r"\1<proved>"),
    (r"^(\*Customer\*\n[^·\n]*) · .*", r"\1"),
)
OURS = ("agent_said", "staff_said", "system_said")
ONLY_SOME = ("*Reply until*",)  # a limit that only some channels have


async def told(business: Business) -> str:
    """The log and what of it was delivered; the case as the team sees it; what was done at last."""
    log, delivered = await _settled(business)
    parts = (
        (_line(line, delivered) for line in log if line["kind"] != "delivered"),
        (_same(words) for words in await business.desk_words() if not words.startswith(ONLY_SOME)),
        (_json(_lasting(effect)) for effect in business.effects()),
    )
    return "\n\n".join("\n".join(part) for part in parts) + "\n"


async def _settled(business: Business) -> tuple[list[Json], set[int]]:
    """The one log there is and the lines that were delivered. A stream that has shown a line says so a moment later."""
    (conversation,) = (await business.running.api("conversations"))["items"]
    for wait in (0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 0):
        log = await business.running.log(conversation["id"])
        delivered = {line["of"] for line in log if line["kind"] == "delivered"}
        if all(line["seq"] in delivered for line in log if line["kind"] in OURS):
            break
        await asyncio.sleep(wait)
    return log, delivered


def _line(line: Json, delivered: set[int]) -> str:
    """One entry, its kind first."""
    kind = line["kind"]
    body = dict(_lasting({key: value for key, value in line.items() if key != "kind"}))
    if kind in ("customer_said", "customer_pressed"):
        body["by"] = "<customer>"
    if kind in OURS:
        body["delivered"] = line["seq"] in delivered
    return _same(f"{kind} {_json(dict(sorted(body.items())))}")


def _lasting(value: Any) -> Any:
    """Without what passes and what is empty; of knowledge only where it stands."""
    if isinstance(value, dict):
        kept = {key: _lasting(inner) for key, inner in value.items() if key not in PASSING}
        passage = {"heading", "source", "text"} <= kept.keys()
        return {
            key: inner
            for key, inner in kept.items()
            if inner not in ("", [], {}, None) and not (passage and key == "text")
        }
    if isinstance(value, list):
        return [_lasting(inner) for inner in value]
    return value


def _same(words: str) -> str:
    for pattern, word in SAME:
        words = re.sub(pattern, word, words)
    return words


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
