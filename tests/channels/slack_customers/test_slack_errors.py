"""What Slack answers, and what becomes of the words: against a server that answers just that."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from bus.channel import Sending
from bus.errors import GatewayError, Permanent, Retryable, Uncertain
from bus.message import Address, Button, Mark, Outbound, Words
from bus.seal import Seal
from bus.wake import Hub
from channels.port import Lent
from channels.slack.app import App
from channels.slack.customers import Settings, build
from channels.slack.customers.channel import Customers
from channels.slack.settings import SlackSettings
from tests.support.businesses import serving
from tests.support.files import courier

TO = Address("default", "slack", "T0DESK0001", "D0PRIYA001")
Answer = tuple[int, dict[str, Any], dict[str, str]]


class Slack:
    """Gives the next answers in turn, then `ok`; keeps what it was asked."""

    def __init__(self) -> None:
        self.answers: list[Answer] = []
        self.asked: list[tuple[str, dict[str, Any]]] = []

    async def serve(self, request: web.Request) -> web.Response:
        body = await request.json() if request.content_type == "application/json" else dict(await request.post())
        self.asked.append((request.match_info["method"], {**request.query, **body}))
        status, answer, headers = self.answers.pop(0) if self.answers else (200, {"ok": True, "ts": "1.000001"}, {})
        return web.json_response(answer, status=status, headers=headers)

    def refuse(self, error: str, status: int = 200, **headers: str) -> None:
        self.answers.append(
            (status, {"ok": False, "error": error}, {k.replace("_", "-"): v for k, v in headers.items()})
        )


@pytest.fixture
def slack() -> Slack:
    return Slack()


def nobody() -> Any:
    raise AssertionError("nothing comes in here")


@pytest.fixture
async def customers(slack: Slack, tmp_path: Path) -> AsyncIterator[Customers]:
    served = web.Application()
    served.router.add_route("*", "/api/{method}", slack.serve)
    async with serving(served) as url:
        settings = SlackSettings.model_validate(
            {"bot_token": "xoxb-1", "signing_secret": "s", "api_base": f"{url}/api/", "timeout": 2}
        )
        app = App(settings, intake=nobody, clock=lambda: 0)  # type: ignore[arg-type]
        lent = Lent(
            tenant=None, intake=nobody, hub=Hub(), clock=lambda: 0, new_id=str, seal=Seal(["k" * 32]),  # type: ignore[arg-type]
            public_url=str, files=courier(tmp_path), slack=app,
        )  # fmt: skip
        made = build("slack", Settings(), lent)
        yield made
        await made.close()
        await app.close()


def say(text: str = "Hello", **changes: Any) -> Sending:
    words = Words(text, changes.pop("speaker", "agent"), changes.pop("name", ""), changes.pop("buttons", ()))
    target = changes.pop("target", "")
    return Sending(Outbound("said:1", changes.pop("act", "say"), TO, words, **changes), "att_1", target=target)


async def outcome(customers: Customers, sending: Sending) -> GatewayError:
    with pytest.raises(GatewayError) as found:
        await customers.send(sending)
    return found.value


@pytest.mark.parametrize(("code", "status"), [("fatal_error", 200), ("internal_error", 200), ("", 500), ("", 502)])
async def test_who_knows_is_looked_up_first(customers: Customers, slack: Slack, code: str, status: int) -> None:
    slack.refuse(code, status)
    assert isinstance(await outcome(customers, say()), Uncertain)


@pytest.mark.parametrize("code", ["invalid_blocks", "invalid_blocks_format", "msg_blocks_too_long", "msg_too_long"])
async def test_what_is_malformed_is_sent_once_more_as_mere_text(customers: Customers, slack: Slack, code: str) -> None:
    slack.refuse(code)
    sending = say("**Hello** <!channel>", buttons=(Button("yes", "Yes"),))
    assert await customers.send(sending) == "1.000001"
    (_, first), (_, second) = slack.asked
    assert [block["type"] for block in first["blocks"]] == ["markdown", "actions"]
    assert "blocks" not in second
    assert second["text"] == "**Hello** &lt;!channel&gt;\n• Yes"
    slack.answers.clear()
    slack.refuse(code)
    slack.refuse(code)
    assert isinstance(await outcome(customers, sending), Permanent)


async def test_nothing_is_guessed_for_slack_to_expand(customers: Customers, slack: Slack) -> None:
    await customers.send(say())
    (_, body) = slack.asked[0]
    assert {name: body[name] for name in ("channel", "unfurl_links", "unfurl_media", "link_names", "metadata")} == {
        "channel": TO.peer, "unfurl_links": False, "unfurl_media": False, "link_names": False,
        "metadata": {"event_type": "reply", "event_payload": {"key": "said:1", "attempt": "att_1"}},
    }  # fmt: skip


async def test_a_message_that_is_gone_is_left_in_peace(customers: Customers, slack: Slack) -> None:
    for act in ("replace", "remove"):
        slack.refuse("message_not_found")
        assert await customers.send(say(act=act, target="1.000009")) == "1.000009"
    error = await outcome(customers, say(act="replace"))
    assert isinstance(error, Permanent)
    assert error.reason == "nothing_to_change"


async def test_a_mark_is_no_message(customers: Customers) -> None:
    marked = Sending(Outbound("m", "mark", TO, Mark("seen")), "att_1", target="1.0")
    assert isinstance(await outcome(customers, marked), Permanent)


async def test_of_several_messages_what_is_there_is_not_sent_again(customers: Customers, slack: Slack) -> None:
    there = {"ts": "1.5", "metadata": {"event_type": "reply", "event_payload": {"key": "said:1"}}}
    foreign = {"ts": "1.4", "metadata": {"event_type": "case", "event_payload": {"key": "said:1#1"}}}
    history = {"ok": True, "messages": [there, foreign], "response_metadata": {"next_cursor": ""}}
    long = say("word " * 6_000, speaker="staff")
    slack.answers.append((200, history, {}))
    assert await customers.send(long) == "1.5,1.000001,1.000001"
    assert [method for method, _ in slack.asked] == ["conversations.history", "chat.postMessage", "chat.postMessage"]
    slack.answers.append((200, history, {}))
    assert await customers.find(long) == ""
    slack.answers.append((200, history, {}))
    assert await customers.find(say()) == "1.5"


async def test_nobody_is_found_where_slack_cannot_be_read(customers: Customers, slack: Slack) -> None:
    slack.refuse("internal_error")
    with pytest.raises(Retryable):
        await customers.find(say())


async def test_without_the_scope_for_faces_words_begin_with_the_name(customers: Customers, slack: Slack) -> None:
    slack.refuse("missing_scope")
    for _ in range(2):
        await customers.send(say("hi", speaker="staff", name="Sara"))
    assert [(body.get("username"), body["text"]) for _, body in slack.asked] == [
        ("Sara", "hi"), (None, "Sara: hi"), (None, "Sara: hi"),
    ]  # fmt: skip


async def test_its_secrets_are_in_no_repr(customers: Customers) -> None:
    assert "xoxb" not in f"{customers.settings!r}{customers.status()!r}"


async def test_a_file_is_taken_back_by_its_own_name(customers: Customers, slack: Slack) -> None:
    assert await customers.send(say(act="remove", target="F0LABEL001")) == "F0LABEL001"
    assert slack.asked == [("files.delete", {"file": "F0LABEL001"})]
    slack.refuse("file_deleted")
    assert await customers.send(say(act="remove", target="F0LABEL001")) == "F0LABEL001"


@pytest.mark.parametrize(("target", "code"), [("F0LABEL001", "cant_delete_file"), ("1.000009", "cant_delete_message")])
async def test_what_slack_does_not_let_us_take_back_is_no_success(
    customers: Customers, slack: Slack, target: str, code: str
) -> None:
    slack.refuse(code)
    error = await outcome(customers, say(act="remove", target=target))
    assert isinstance(error, Permanent)
    assert error.reason == "not_ours_to_delete"
