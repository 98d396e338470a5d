"""The offline model's words: what tools have answered, what is missing, what knowledge says."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from agent import clauses
from agent.models.arguments import TAGS
from agent.models.plans import Wish, is_about, wishes
from agent.models.port import Facts, Passage, Prompt, Request, Result
from agent.support import Asked, asked, held, is_general, support
from agent.terms import terms

SURE = 0.97
ASKING = 0.92
FAILED = 0.8
UNKNOWN = 0.3
TRUSTED = 0.6
"""An intent that is less clear than this starts nothing."""
SUPPORTED = 0.5
"""A passage that speaks of less than this share of the question is no answer."""
WELL_SUPPORTED = 0.7
WORDS_ADD = 0.15
LONG = 420
FIELDS = 6
NOT_FOUND = {
    "en": "I can't find {{ value }}.",
    "es": "No encuentro {{ value }}.",
    "de": "{{ value }} finde ich nicht.",
    "fr": "Je ne trouve pas {{ value }}.",
    "pt": "Não encontro {{ value }}.",
}
INTERNAL = re.compile(
    r"(?:^|_)(?:id|token|secret|hash|flag|flags|internal|key|url|uuid|version|debug|raw|cost|score)(?:_|$)"
)


class Said(NamedTuple):
    """Words and how sure they are."""

    text: str
    confidence: float


class Known(NamedTuple):
    """Passages that answer a request together, and how far they do."""

    passages: list[Passage]
    score: float


def tell(prompt: Prompt) -> Said:
    """The whole answer: what was done, then per request what there is to say."""
    facts = prompt.facts
    served = [(request, _results_of(prompt, request)) for request in facts.requests]
    claimed = [result for _, results in served for result in results]
    blocks = [
        Said(_worded(prompt, r), SURE) for r in facts.results if r.fresh and not any(r is mine for mine in claimed)
    ]
    for request, results in served:
        blocks += _block(prompt, request, _newest(prompt, results))
    waiting = [Said(r.because, SURE) for r in facts.results if r.fresh and r.status == "asked"]
    blocks = [block for block in blocks if all(block.text != question.text for question in waiting)] + waiting
    if not facts.requests and not blocks:
        blocks = [_small_talk(prompt)]
    said = list({block.text: block for block in blocks if block.text}.values())
    if not said:
        return Said(facts.replies.get("unclear", ""), UNKNOWN)
    return Said("\n\n".join(block.text for block in said), min(block.confidence for block in said))


def _results_of(prompt: Prompt, request: Request) -> list[Result]:
    """This turn's results that answer a request, in order."""
    wanted = list(wishes(prompt, request)) if request.confidence >= TRUSTED else []
    return [
        r for r in prompt.facts.results if r.fresh and any(r.tool == w.offer.name and is_about(r, w) for w in wanted)
    ]


def _newest(prompt: Prompt, results: list[Result]) -> list[Result]:
    """Without the reads that a later write of the same values made old."""
    done = [result for result in results if result.status == "ok" and _writes(prompt, result)]
    return [r for r in results if _writes(prompt, r) or not any(_shares(r, write) for write in done)]


def _shares(one: Result, other: Result) -> bool:
    return all(str(one.args[key]) == str(other.args[key]) for key in one.args.keys() & other.args.keys())


def _writes(prompt: Prompt, result: Result) -> bool:
    return any(offer.name == result.tool and offer.effect == "write" for offer in prompt.tools)


def _block(prompt: Prompt, request: Request, results: list[Result]) -> Iterator[Said]:
    """What there is to say about one request."""
    told = [_one(prompt, request, result, results) for result in results]
    if any(said.text for said in told):
        yield from told
        return
    language = prompt.facts.language
    known, missing = _known(prompt.facts, request), _missing(prompt, request)
    if known and (not missing or (known.score >= TRUSTED and is_general(request.text, language))):
        texts = [excerpt(passage.text, request.text, language) for passage in known.passages]
        yield Said("\n\n".join(texts), min(SURE, known.score + WORDS_ADD))
    elif missing:
        yield Said(_question(prompt.facts, missing), ASKING)
    else:
        vague = not clauses.has_matter(_without_values(request), language)
        yield Said(prompt.facts.replies.get("unclear", ""), ASKING if vague else UNKNOWN)


def _without_values(request: Request) -> str:
    text = request.text
    for value in (
        str(value)
        for values in request.entities.values()
        for value in (values if isinstance(values, list) else [values])
    ):
        text = text.replace(value, " ")
    return text


def _one(prompt: Prompt, request: Request, result: Result, all_results: list[Result]) -> Said:
    """One result's words. A refused write is not mentioned where a read has told why, unless it was asked for."""
    words = _worded(prompt, result)
    if (
        result.status == "refused"
        and any(r.status == "ok" and r.wording for r in all_results)
        and not _demands(request, prompt.facts.language)
    ):
        words = ""
    if result.status == "error" and not _writes(prompt, result):
        return Said(_not_found(prompt.facts, result) or words, FAILED)
    return Said(words, min(SURE, request.confidence))


def _not_found(facts: Facts, result: Result) -> str:
    """Where a value of the customer's led nowhere: that, and the question for another one."""
    code = result.result.get("status") if isinstance(result.result, dict) else None
    name = next((name for name in result.args if name in facts.ask), "")
    told = facts.replies.get("not_found") or NOT_FOUND.get(facts.language, NOT_FOUND["en"])
    return f"{told.replace('{{ value }}', str(result.args[name]))} {facts.ask[name]}" if name and code == 404 else ""


def _demands(request: Request, language: str) -> bool:
    """True for words that want something done rather than know how it stands."""
    keys = {key for term in terms(request.text, language) for key in term.keys}
    return not keys & {"~where", "~when", "~status", "~notyet", "~why"}


def _worded(prompt: Prompt, result: Result) -> str:
    facts = prompt.facts
    if result.status == "asked":
        return result.because
    if result.status == "ok":
        return result.wording or (
            _filled(facts, "done", _action(prompt, result)) if _writes(prompt, result) else _plain(result.result)
        )
    key = {"error": "failed", "refused": "refused", "unknown": "unknown"}[result.status]
    return _filled(facts, key, _action(prompt, result))


def _action(prompt: Prompt, result: Result) -> str:
    """What a call does, in a few words."""
    described = next((offer.description.strip() for offer in prompt.tools if offer.name == result.tool), "")
    return described.splitlines()[0].rstrip(". ") if described else _named(result.tool)


def _plain(result: Any) -> str:
    """A result that nobody has worded: its text, or the fields that a customer can read."""
    if isinstance(result, str):
        return result
    if not isinstance(result, dict):
        return ""
    shown = [
        (key, value)
        for key, value in result.items()
        if isinstance(value, (str, int, float)) and not INTERNAL.search(str(key))
    ]
    return "\n".join(f"- {_named(str(key))}: {value}" for key, value in shown[:FIELDS] if len(str(value)) <= 80)


def _named(name: str) -> str:
    return name.replace("_", " ")


def _filled(facts: Facts, key: str, value: str) -> str:
    return re.sub(r"\{\{\s*\w+\s*\}\}", lambda _: value, facts.replies.get(key, ""))


def _missing(prompt: Prompt, request: Request) -> str:
    """The first value without which no tool of the request's plan can be called."""
    if request.confidence < TRUSTED:
        return ""
    wanted: list[Wish] = list(wishes(prompt, request))
    if any(not wish.filled.missing for wish in wanted if wish.offer.effect == "write"):
        return ""
    return next((name for wish in wanted for name in wish.filled.missing), "")


def _question(facts: Facts, missing: str) -> str:
    return facts.ask.get(missing) or _filled(facts, "ask", _named(missing))


def _known(facts: Facts, request: Request) -> Known | None:
    """What knowledge says to a request: the best passage, and another one for what the first does not speak of."""
    questions = asked(request.text, facts.language)
    alone = len(facts.requests) <= 1
    first, score = _best(facts, questions, facts.passages)
    if alone and facts.passages:
        first = max(facts.passages, key=lambda passage: passage.score)
        score = first.score
    if first is None or score < (SUPPORTED if alone else TRUSTED):
        return None
    left = [
        question
        for question in questions
        if question.answer is None and not question.keys.keys() & _held(facts, first).keys()
    ]
    more, rest = _best(facts, left, facts.passages)
    if more is None or more is first or rest < WELL_SUPPORTED:
        return Known([first], score)
    together = support(questions, _held(facts, first) | _held(facts, more), f"{first.text} {more.text}")
    return Known([first, more], max(score, together))


def _best(facts: Facts, questions: list[Asked], passages: tuple[Passage, ...]) -> tuple[Passage | None, float]:
    """The passage that speaks most of it; between equals the order of the search decides."""
    weighed = [(support(questions, _held(facts, passage), passage.text), -at) for at, passage in enumerate(passages)]
    score, at = max(weighed, default=(0.0, 1))
    return (passages[-at], score) if at <= 0 else (None, 0.0)


def _held(facts: Facts, passage: Passage) -> dict[str, float]:
    return held(passage.heading, passage.text, facts.language)


def excerpt(text: str, question: str, language: str) -> str:
    """The part of a passage that answers: all of a short one, else the sentences or list that speak of the question."""
    if len(text) <= LONG:
        return text
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    questions = asked(question, language)
    scores = [support(questions, held("", block, language), block) for block in blocks]
    best = scores.index(max(scores))
    found = blocks[best]
    if found.rstrip().endswith(":") and best + 1 < len(blocks):
        return f"{found}\n\n{blocks[best + 1]}"
    return (
        found
        if len(found) <= LONG or found.lstrip().startswith(("-", "*", "1.", "|"))
        else _sentences(found, question, language)
    )


def _sentences(text: str, question: str, language: str) -> str:
    sentences = re.split(r"(?<=[.!?])\s+", text)
    questions = asked(question, language)
    scores = [support(questions, held("", sentence, language), sentence) for sentence in sentences]
    start = end = scores.index(max(scores))
    while end + 1 < len(sentences) and len(" ".join(sentences[start : end + 2])) <= LONG:
        end += 1
    return " ".join(sentences[start : end + 1])


def _small_talk(prompt: Prompt) -> Said:
    facts = prompt.facts
    text = next(
        (
            TAGS.sub("", m.text).strip()
            for m in reversed(prompt.messages)
            if m.role == "user" and m.text.startswith("<customer")
        ),
        "",
    )
    text = text or next((m.text for m in reversed(prompt.messages) if m.role == "user"), "")
    kinds = [clauses.social(clause.text, facts.language) for clause in clauses.split(text, facts.language)]
    key = "greeting" if "greeting" in kinds and "thanks" not in kinds else "thanks" if any(kinds) else "unclear"
    return Said(
        facts.replies.get(key, ""), ASKING if any(kinds) or not clauses.has_matter(text, facts.language) else UNKNOWN
    )
