"""Language models through litellm, against a real server that is as strict as OpenAI's."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from aiohttp.test_utils import TestServer

from agent.models.llm import UNREADABLE, Llm
from agent.models.port import Answer, Call, Facts, Message, ModelFailed, Prompt, Reading, ToolOffer
from tests.stand_ins.openai import OpenAI, Reply

pytestmark = pytest.mark.filterwarnings(r"ignore::DeprecationWarning:litellm\..*")  # litellm 1.106 on pydantic 2.13
ORDER = ToolOffer("get_order", "Look up one order.", {"type": "object", "properties": {"order_id": {"type": "string"}}})
READING = Reading(
    "Where is A-12345? Por favor",
    (Message("assistant", "Hello!"),),
    {"order_status": ("where is my order",)},
    {"order_id": "A-\\d{5}"},
    ("en", "es"),
)


def prompt(*messages: Message, tools: tuple[ToolOffer, ...] = (ORDER,)) -> Prompt:
    return Prompt("Be brief.", messages or (Message("user", "Where is A-12345?"),), tools, Facts("en", ()))


class Bench:
    """A server and models that talk to it."""

    def __init__(self) -> None:
        self.server = OpenAI()
        self.base = ""
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)

    def model(self, *fallbacks: str, timeout: float = 20.0, retries: int = 1) -> Llm:
        return Llm(
            "openai/main", api_base=self.base, fallbacks=fallbacks, timeout=timeout, retries=retries, sleep=self.sleep
        )

    def script(self, *replies: Reply) -> None:
        self.server.script = list(replies)

    @property
    def models(self) -> list[str]:
        return [request["model"] for request in self.server.requests]


@pytest.fixture
async def bench(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Bench]:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    bench = Bench()
    served = TestServer(bench.server.app())
    await served.start_server()
    bench.base = str(served.make_url("/v1"))
    yield bench
    await served.close()


async def heard(model: Llm, given: Prompt) -> tuple[list[str], Answer]:
    parts = [part async for part in model.reply(given)]
    answer = parts.pop()
    assert isinstance(answer, Answer)
    return [part for part in parts if isinstance(part, str)], answer


async def test_words_come_as_they_are_written(bench: Bench) -> None:
    bench.script(Reply("Your order is on its way.", usage=(120, 9)))
    words, answer = await heard(bench.model(), prompt())
    assert len(words) > 2
    assert "".join(words) == answer.text == "Your order is on its way."
    assert answer == Answer("Your order is on its way.", (), "openai/main", {"input": 120, "output": 9}, Decimal(0))
    assert bench.server.refused == []


async def test_calls_are_put_together_from_their_pieces(bench: Bench) -> None:
    bench.script(Reply("One moment.", [("get_order", {"order_id": "A-12345"}), ("get_order", {"order_id": "A-99999"})]))
    _, answer = await heard(bench.model(), prompt())
    assert answer.calls == (
        Call("call_1", "get_order", {"order_id": "A-12345"}),
        Call("call_2", "get_order", {"order_id": "A-99999"}),
    )
    assert answer.text == "One moment."


@pytest.mark.parametrize("raw", ['{"order_id": "A-1', "[1]", "no json"])
async def test_arguments_that_are_no_object_are_marked_for_the_schema_to_refuse(bench: Bench, raw: str) -> None:
    bench.script(Reply(calls=[("get_order", raw)]))
    _, answer = await heard(bench.model(), prompt())
    assert answer.calls[0].args == {UNREADABLE: raw}


async def test_a_call_and_its_answer_go_back_in_the_providers_shape(bench: Bench) -> None:
    call = Call("call_1", "get_order", {"order_id": "A-12345"})
    told = prompt(
        Message("user", "Where is it?"), Message("assistant", "", (call,)), Message("tool", "shipped", call_id="call_1")
    )
    await heard(bench.model(), told)
    assert bench.server.refused == []
    assert [message["role"] for message in bench.server.requests[0]["messages"]] == [
        "system",
        "user",
        "assistant",
        "tool",
    ]


async def test_without_tools_none_are_named(bench: Bench) -> None:
    await heard(bench.model(), prompt(tools=()))
    assert "tools" not in bench.server.requests[0]


async def test_what_may_pass_is_tried_again_after_the_wait_the_server_asks_for(bench: Bench) -> None:
    bench.script(Reply(status=429, headers={"Retry-After": "2"}), Reply("Here."))
    _, answer = await heard(bench.model(), prompt())
    assert (answer.text, bench.models) == ("Here.", ["main", "main"])
    assert bench.slept == [2.0]


async def test_a_server_that_asks_for_patience_is_left_for_the_next_model(bench: Bench) -> None:
    bench.script(Reply(status=429, headers={"Retry-After": "60"}), Reply("From the second."))
    _, answer = await heard(bench.model("openai/spare"), prompt())
    assert (answer.model, bench.slept) == ("openai/spare", [])


async def test_what_fails_twice_goes_to_the_next_model(bench: Bench) -> None:
    bench.script(Reply(status=503), Reply(status=503), Reply("From the second."))
    _, answer = await heard(bench.model("openai/spare"), prompt())
    assert (answer.text, answer.model) == ("From the second.", "openai/spare")
    assert bench.models == ["main", "main", "spare"]


async def test_a_refusal_is_not_repeated(bench: Bench) -> None:
    bench.script(Reply(status=401), Reply("From the second."))
    _, answer = await heard(bench.model("openai/spare"), prompt())
    assert (answer.model, bench.slept) == ("openai/spare", [])


async def test_no_model_left_is_a_failure_without_anybodys_words(bench: Bench) -> None:
    bench.script(*[Reply(status=500) for _ in range(4)])
    with pytest.raises(ModelFailed) as failed:
        await heard(bench.model("openai/spare"), prompt())
    assert "A-12345" not in str(failed.value)
    assert len(bench.models) == 4


@pytest.mark.parametrize("reply", [Reply(""), Reply("Hm", finish="content_filter")])
async def test_an_empty_or_withheld_answer_is_a_failure(bench: Bench, reply: Reply) -> None:
    bench.script(reply)
    with pytest.raises(ModelFailed):
        await heard(bench.model(retries=0), prompt())


async def test_a_connection_lost_after_the_first_words_is_a_failure_and_no_second_answer(bench: Bench) -> None:
    bench.script(Reply("A long answer that will never be finished, alas.", cut=3), Reply("Another one."))
    answer = bench.model("openai/spare").reply(prompt())
    assert await anext(answer)
    with pytest.raises(ModelFailed):
        [part async for part in answer]
    assert bench.models == ["main"]


async def test_nobody_waits_longer_than_told(bench: Bench) -> None:
    bench.script(Reply("Too late.", held=(never := asyncio.Event())))
    with pytest.raises(ModelFailed):
        await heard(bench.model(timeout=0.2), prompt())
    never.set()


async def test_a_reader_who_goes_away_ends_the_answer(bench: Bench) -> None:
    bench.script(Reply("Word " * 200))
    stream: Any = bench.model().reply(prompt())
    assert await anext(stream)
    await stream.aclose()
    _, answer = await heard(bench.model(), prompt())
    assert answer.text == "Hello."


async def test_the_key_of_ones_own_server_is_sent_where_there_is_one(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    await heard(bench.model(), prompt())
    monkeypatch.setenv("OPENAI_API_KEY", "sk-made-up")
    await heard(bench.model(), prompt())
    assert bench.server.keys == ["none", "sk-made-up"]


async def test_a_message_is_understood_by_one_forced_call(bench: Bench) -> None:
    request = {
        "text": "Where is A-12345?",
        "intent": "order_status",
        "confidence": 0.9,
        "entities": {"order_id": ["A-12345"]},
    }
    bench.script(
        Reply(calls=[("understand", {"requests": [request], "sentiment": -0.1, "language": "en", "urgency": "normal"})])
    )
    read = await bench.model().understand(READING)
    assert read is not None
    assert [(r.intent, r.confidence, r.entities) for r in read.requests] == [
        ("order_status", 0.9, {"order_id": ["A-12345"]})
    ]
    assert (read.language, read.urgency, read.model, read.usage) == (
        "en",
        "normal",
        "openai/main",
        {"input": 11, "output": 7},
    )
    asked = bench.server.requests[0]
    assert asked["tool_choice"]["function"]["name"] == "understand"
    assert "stream_options" not in asked
    assert bench.server.refused == []


@pytest.mark.parametrize(
    "reply",
    [
        Reply("I would rather chat."),
        Reply(calls=[("understand", "{")]),
        Reply(calls=[("understand", {"requests": "none"})]),
        Reply(calls=[("understand", {"requests": [], "sentiment": "bad"})]),
        Reply(calls=[("understand", {"requests": [], "urgency": "tomorrow"})]),
        Reply(status=400),
    ],
)
async def test_an_unusable_reading_is_none(bench: Bench, reply: Reply) -> None:
    bench.script(reply)
    assert await bench.model(retries=0).understand(READING) is None


async def test_a_price_is_known_for_the_models_that_have_one() -> None:
    from agent.models.llm import _cost

    assert _cost("openai/gpt-4o-mini", {"input": 1_000_000, "output": 0}) == Decimal("0.15")
    assert _cost("openai/never-heard-of", {"input": 1_000_000, "output": 0}) == 0


def test_litellm_is_not_imported_until_a_model_is_used() -> None:
    program = "import sys; from agent.models.llm import Llm; Llm('openai/x'); sys.exit('litellm' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], check=False, timeout=30).returncode == 0
