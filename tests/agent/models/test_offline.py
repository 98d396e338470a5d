"""The offline model: the same facts, the same answer; nothing invented, nothing done that was not asked for."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from agent.models.offline import Offline
from agent.models.port import Answer, Call, Facts, Message, Passage, Prompt, Request, Result, ToolOffer

TEXT = {"type": "string"}
REPLIES = {
    "unclear": "Pardon?", "greeting": "Hello!", "thanks": "You're welcome!", "ask": "Tell me this: {{ name }}?",
    "done": "Done: {{ action }}.", "failed": "That did not work: {{ action }}.",
    "refused": "I can't do that: {{ action }}.", "unknown": "I don't know whether it worked.",
}  # fmt: skip
ASK = {"parcel": "Which parcel?", "day": "Which day?"}


def tool(name: str, effect: Any = "read", required: tuple[str, ...] = ("parcel",), **properties: Any) -> ToolOffer:
    schema = {"type": "object", "required": list(required), "properties": properties or {"parcel": TEXT}}
    return ToolOffer(name, f"{name.replace('_', ' ').capitalize()}.", schema, effect)


FIND, FEE, HOLD = tool("find_parcel"), tool("find_fee"), tool("hold_parcel", "write")
PLANS = {"hold": ("hold_parcel", "find_parcel", "find_fee"), "where": ("find_parcel",), "rules": ()}


def request(text: str = "hold my parcel", intent: str = "hold", confidence: float = 0.95, **entities: Any) -> Request:
    return Request(text, intent, confidence, entities)


def prompt(
    *requests: Request, tools: tuple[ToolOffer, ...] = (HOLD, FIND, FEE), said: tuple[Message, ...] = (), **facts: Any
) -> Prompt:
    given: dict[str, Any] = {"plans": PLANS, "ask": ASK, "replies": REPLIES, "today": "2026-11-20"}
    last = Message("user", "\n".join(r.text for r in requests) or "hello")
    return Prompt("", (*said, last), tools, Facts("en", requests, **(given | facts)))


def ok(name: str, wording: str = "", result: Any = None, *, fresh: bool = True, **args: Any) -> Result:
    return Result(name, args, "ok", result if result is not None else {}, fresh, wording)


async def reply(given: Prompt) -> Answer:
    parts = [part async for part in Offline().reply(given)]
    answer = parts.pop()
    assert isinstance(answer, Answer)
    assert "".join(str(part) for part in parts) == answer.text
    return answer


async def calls(given: Prompt) -> list[tuple[str, dict[str, Any]]]:
    return [(call.tool, call.args) for call in (await reply(given)).calls]


async def test_reads_come_first_in_the_specs_order_then_writes() -> None:
    asked = request(parcel="P-1")
    assert await calls(prompt(asked)) == [("find_parcel", {"parcel": "P-1"}), ("find_fee", {"parcel": "P-1"})]
    first = ok("find_parcel", parcel="P-1")
    assert await calls(prompt(asked, results=(first,))) == [("find_fee", {"parcel": "P-1"})]
    both = (first, ok("find_fee", parcel="P-1"))
    assert await calls(prompt(asked, results=both)) == [("hold_parcel", {"parcel": "P-1"})]


async def test_call_ids_are_new_in_the_turn() -> None:
    said = (Message("assistant", "", (Call("call_1", "find_parcel", {}),)),)
    answer = await reply(prompt(request(parcel="P-1"), said=said))
    assert [call.id for call in answer.calls] == ["call_2", "call_3"]


async def test_an_earlier_turns_read_is_made_again_and_an_earlier_write_is_not() -> None:
    old = (ok("find_parcel", parcel="P-1", fresh=False), ok("hold_parcel", parcel="P-1", fresh=False))
    now = (ok("find_parcel", "It is held.", parcel="P-1"), ok("find_fee", parcel="P-1"))
    asked = request(parcel="P-1")
    assert ("find_parcel", {"parcel": "P-1"}) in await calls(prompt(asked, results=old))
    assert await calls(prompt(asked, results=old + now)) == []


@pytest.mark.parametrize("status", ["error", "refused", "unknown", "asked", "ok"])
async def test_a_write_is_proposed_once_a_turn(status: Any) -> None:
    done = (
        ok("find_parcel", parcel="P-1"),
        ok("find_fee", parcel="P-1"),
        Result("hold_parcel", {"parcel": "P-1"}, status, None, True),
    )
    assert await calls(prompt(request(parcel="P-1"), results=done)) == []


@pytest.mark.parametrize("status", ["error", "refused"])
async def test_no_write_after_a_read_about_it_that_failed(status: Any) -> None:
    found = (Result("find_parcel", {"parcel": "P-1"}, status, {"status": 404}, True), ok("find_fee", parcel="P-1"))
    answer = await reply(prompt(request(parcel="P-1"), results=found))
    assert answer.calls == ()
    assert answer.text


async def test_only_the_intents_own_plan_is_called() -> None:
    assert await calls(prompt(request("where is it", "where", parcel="P-1"))) == [("find_parcel", {"parcel": "P-1"})]
    found = (ok("find_parcel", "Here it is.", parcel="P-1"),)
    assert (await reply(prompt(request("where is it", "where", parcel="P-1"), results=found))).text == "Here it is."


async def test_an_intent_that_is_not_clear_starts_nothing() -> None:
    answer = await reply(prompt(request(confidence=0.5, parcel="P-1")))
    assert (answer.calls, answer.text) == ((), "Pardon?")
    assert answer.confidence is not None
    assert answer.confidence < 0.6


async def test_several_values_and_several_requests_are_served_together() -> None:
    both = prompt(
        request("where are they", "where", parcel=["P-1", "P-2"]), request("and hold this", "hold", parcel="P-3")
    )
    assert await calls(both) == [
        ("find_parcel", {"parcel": "P-1"}), ("find_parcel", {"parcel": "P-2"}), ("find_parcel", {"parcel": "P-3"}),
        ("find_fee", {"parcel": "P-3"}),
    ]  # fmt: skip
    told = (ok("find_parcel", "One.", parcel="P-1"), ok("find_parcel", "Two.", parcel="P-2"), ok("hold_parcel", "Held.", parcel="P-3"),
            ok("find_parcel", "Three.", parcel="P-3"), ok("find_fee", "Free.", parcel="P-3"))  # fmt: skip
    assert (
        await reply(msgspec.structs.replace(both, facts=msgspec.structs.replace(both.facts, results=told)))
    ).text == "One.\n\nTwo.\n\nHeld."


async def test_what_is_missing_is_asked_for_once() -> None:
    answer = await reply(prompt(request()))
    assert (answer.calls, answer.text) == ((), "Which parcel?")
    assert answer.confidence is not None
    assert answer.confidence >= 0.85
    unnamed = prompt(request(), tools=(tool("hold_parcel", "write", ("shelf",), shelf=TEXT),))
    assert (await reply(unnamed)).text == "Tell me this: shelf?"


async def test_a_known_value_of_the_episode_is_used_unless_another_one_is_meant() -> None:
    assert await calls(prompt(request("where is it", "where"), known={"parcel": "P-7"})) == [
        ("find_parcel", {"parcel": "P-7"})
    ]
    other = await reply(prompt(request("and the other one?", "where"), known={"parcel": "P-7"}))
    assert (other.calls, other.text) == ((), "Which parcel?")


def filled(schema: dict[str, Any], text: str, name: str = "x", **facts: Any) -> Prompt:
    return prompt(request(text, "hold"), tools=(tool("hold_parcel", "write", (name,), **{name: schema}),), **facts)


@pytest.mark.parametrize(
    ("name", "schema", "text", "expected"),
    [
        ("plan", {"enum": ["basic", "plus", "premium"]}, "put me on Premium please", "premium"),
        ("size", {"enum": ["small_box", "large_box"]}, "a large box, please", "large_box"),
        ("day", {"type": "string", "format": "date"}, "can you bring it on Monday?", "2026-11-23"),
        ("day", {"type": "string", "format": "date"}, "move it from 3 December to 5 December", "2026-12-05"),
        ("email", {"type": "string", "format": "email"}, "send it to ada@example.com now", "ada@example.com"),
        ("phone", TEXT, "call me at +34 600 123 456", "+34 600 123 456"),
        ("guests", {"type": "integer"}, "there will be three guests", 3),
        ("seats", {"type": "integer", "minimum": 1}, "add 5 more seats", 5),
        ("amount", {"type": "number"}, "top it up with 20,50 €", 20.5),
        ("reason", TEXT, "it arrived broken", "it arrived broken"),
        ("shelf", {"type": "string", "default": "front"}, "anywhere", "front"),
    ],
)
async def test_arguments_come_from_the_customers_words(
    name: str, schema: dict[str, Any], text: str, expected: Any
) -> None:
    assert await calls(filled(schema, text, name)) == [("hold_parcel", {name: expected})]


@pytest.mark.parametrize(
    ("name", "schema", "text"),
    [
        ("plan", {"enum": ["basic", "plus"]}, "basic or plus, which is better"),
        ("plan", {"enum": ["basic", "plus"]}, "put me on something else"),
        ("day", {"type": "string", "format": "date"}, "some day next week"),
        ("day", {"type": "string", "format": "date"}, "on 03/04"),
        ("seats", {"type": "integer", "maximum": 3}, "add 50 seats"),
        ("guests", {"type": "integer"}, "room 204 is dirty"),
        ("amount", {"type": "number"}, "give me 5 of the 20 €"),
        ("shelf", TEXT, "put it somewhere"),
        ("parcel", {"type": "string", "pattern": "^P-\\d$"}, "my parcel"),
    ],
)
async def test_what_was_not_said_is_not_invented(name: str, schema: dict[str, Any], text: str) -> None:
    answer = await reply(filled(schema, text, name))
    assert answer.calls == ()
    assert answer.text.endswith("?")


async def test_an_answer_to_our_question_is_the_value_and_what_was_said_before_still_counts() -> None:
    schema = {"plan": {"enum": ["basic", "premium"]}, "city": TEXT, "guests": {"type": "integer"}}
    hold = tool("hold_parcel", "write", ("plan", "city", "guests"), **schema)
    ask = ASK | {"city": "Which city?", "guests": "How many guests?"}
    said = (
        Message("user", "<customer>\npremium, please\n</customer>"), Message("assistant", "Which city?"),
        Message("user", "<customer>\nPorto\n</customer>"), Message("assistant", "How many guests?"),
    )  # fmt: skip
    given = prompt(request("three", "hold"), tools=(hold,), said=said, ask=ask)
    assert await calls(given) == [("hold_parcel", {"plan": "premium", "city": "Porto", "guests": 3})]


async def test_a_looked_up_field_fills_an_argument_of_its_name() -> None:
    owe, pay = tool("find_debt", required=()), tool("pay_debt", "write", ("debt_id",), debt_id=TEXT)
    plans = {"pay": ("find_debt", "pay_debt")}
    asked = request("pay what I owe", "pay")
    found = (ok("find_debt", result={"debt_id": "D-3", "sum": 7}),)
    assert await calls(prompt(asked, tools=(owe, pay), plans=plans, results=found)) == [
        ("pay_debt", {"debt_id": "D-3"})
    ]


async def test_a_write_makes_the_reads_about_it_old() -> None:
    results = (ok("find_parcel", "It is on its way.", parcel="P-1"), ok("hold_parcel", "It is held.", parcel="P-1"))
    assert (
        await reply(prompt(request(parcel="P-1"), results=(*results, ok("find_fee", parcel="P-1"))))
    ).text == "It is held."


async def test_a_question_that_waits_follows_what_was_found() -> None:
    asked = Result("hold_parcel", {"parcel": "P-1"}, "asked", None, True, because="Shall I hold it?")
    results = (ok("find_parcel", "It is on its way.", parcel="P-1"), ok("find_fee", parcel="P-1"), asked)
    assert (await reply(prompt(request(parcel="P-1"), results=results))).text == "It is on its way.\n\nShall I hold it?"


async def test_a_refusal_is_told_plainly() -> None:
    refused = Result("hold_parcel", {"parcel": "P-1"}, "refused", {}, True, because="find_parcel.state == 'here'")
    answer = await reply(
        prompt(request(parcel="P-1"), results=(ok("find_parcel", parcel="P-1"), ok("find_fee", parcel="P-1"), refused))
    )
    assert answer.text == "I can't do that: Hold parcel."
    explained = (ok("find_parcel", "It has left.", parcel="P-1"), ok("find_fee", parcel="P-1"), refused)
    assert (await reply(prompt(request("where is it", "hold", parcel="P-1"), results=explained))).text == "It has left."
    assert "can't" in (await reply(prompt(request(parcel="P-1"), results=explained))).text


async def test_a_number_that_leads_nowhere_is_asked_for_again() -> None:
    lost = Result("find_parcel", {"parcel": "P-9"}, "error", {"status": 404}, True)
    assert (
        await reply(prompt(request("where is it", "where", parcel="P-9"), results=(lost,)))
    ).text == "I can't find P-9. Which parcel?"
    broken = Result("find_parcel", {"parcel": "P-9"}, "error", {"status": 422}, True)
    assert (
        await reply(prompt(request("where is it", "where", parcel="P-9"), results=(broken,)))
    ).text == "That did not work: Find parcel."


async def test_a_result_without_wording_shows_its_plain_fields_and_no_inner_ones() -> None:
    result = {"state": "here", "weight_kg": 2, "internal_flags": ["x"], "customer_id": 7, "api_key": "k"}
    answer = await reply(
        prompt(request("where is it", "where", parcel="P-1"), results=(ok("find_parcel", result=result, parcel="P-1"),))
    )
    assert answer.text == "- state: here\n- weight kg: 2"
    done = await reply(
        prompt(request(parcel="P-1"), results=(ok("find_fee", parcel="P-1"), ok("hold_parcel", parcel="P-1")))
    )
    assert "Done: Hold parcel." in done.text or done.calls


RULES = Passage("rules.md", "Rules › Holding", "We hold parcels for ten days, free of charge.", 0.9)
PETS = Passage("pets.md", "Pets", "We carry no animals.", 0.2)


async def test_a_question_without_tools_is_answered_from_knowledge() -> None:
    answer = await reply(prompt(request("how long do you hold parcels?", "rules"), passages=(RULES, PETS)))
    assert answer.text == RULES.text
    assert answer.confidence is not None
    assert answer.confidence >= 0.85


async def test_nothing_found_is_no_answer() -> None:
    answer = await reply(prompt(request("do you carry pianos?", "rules"), passages=(PETS,)))
    assert answer.text == "Pardon?"
    assert answer.confidence is not None
    assert answer.confidence < 0.6


async def test_a_general_question_is_answered_and_starts_nothing() -> None:
    answer = await reply(prompt(request("how long do you hold parcels?", "hold"), passages=(RULES,)))
    assert (answer.calls, answer.text) == ((), RULES.text)
    mine = await reply(prompt(request("please hold my parcel", "hold"), passages=(RULES,)))
    assert mine.text == "Which parcel?"


async def test_two_questions_get_two_answers() -> None:
    asked = (request("how long do you hold parcels?", "rules"), request("do you carry animals?", "rules"))
    both = (RULES, msgspec.structs.replace(PETS, score=0.9))
    assert (await reply(prompt(*asked, passages=both))).text == f"{RULES.text}\n\n{PETS.text}"


async def test_of_a_long_passage_the_part_that_answers_is_said() -> None:
    long = (
        "Our house is old and has many stories. " * 12
        + "\n\nParcels are held for ten days.\n\n"
        + "The garden is green. " * 10
    )
    answer = await reply(
        prompt(request("how long are parcels held", "rules"), passages=(Passage("x.md", "X", long, 0.9),))
    )
    assert answer.text == "Parcels are held for ten days."


@pytest.mark.parametrize(
    ("text", "expected"),
    [("hello", "Hello!"), ("thanks a lot", "You're welcome!"), ("ok", "You're welcome!"), ("...", "Pardon?")],
)
async def test_small_talk(text: str, expected: str) -> None:
    given = msgspec.structs.replace(prompt(), messages=(Message("user", f"<customer>\n{text}\n</customer>"),))
    assert (await reply(given)).text == expected


async def test_a_call_that_was_agreed_upon_is_told_without_a_request() -> None:
    assert (await reply(prompt(results=(ok("hold_parcel", "It is held.", parcel="P-1"),)))).text == "It is held."


async def test_the_same_facts_give_the_same_answer() -> None:
    given = prompt(request(parcel="P-1"), request("how long?", "rules"), passages=(RULES,))
    assert await reply(given) == await reply(given)
