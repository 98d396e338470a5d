"""Block Kit JSON that Slack refuses is refused here, with Slack's words."""

from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.blocks import (
    ActionsBlock,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownBlock,
    MarkdownTextObject,
    PlainTextObject,
    RichTextBlock,
    RichTextElementParts,
    RichTextQuoteElement,
    SectionBlock,
)
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack import blocks
from demo.slack.people import DESK

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def section(text: str) -> Json:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def button(**fields: Any) -> Json:
    return {"type": "button", "action_id": "a", "text": plain("Go")} | fields


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def numbered(count: int) -> list[Json]:
    return [button(action_id=f"a{n}") for n in range(count)]


ALLOWED: dict[str, list[Json]] = {
    "a section at its limit": [section("x" * 3000)],
    "fifty blocks": [{"type": "divider"}] * 50,
    "a header at its limit": [{"type": "header", "text": plain("x" * 150)}],
    "twenty-five buttons": [actions(*numbered(25))],
    "ten fields": [{"type": "section", "fields": [plain("x" * 900)] * 10}],
    "a markdown block at its limit": [{"type": "markdown", "text": "x" * 12_000}],
    "an empty rich text section": [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": []}]}],
}

REFUSED: dict[str, tuple[list[Any], str]] = {
    "a long section": ([section("x" * 3001)], "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"),
    "an empty section": ([section("")], "must be more than 0 characters [json-pointer:/blocks/0/text/text]"),
    "a section without words": ([{"type": "section"}], "missing required field: text [json-pointer:/blocks/0]"),
    "fifty-one blocks": ([{"type": "divider"}] * 51, "no more than 50 items allowed [json-pointer:/blocks]"),
    "a long header": ([{"type": "header", "text": plain("x" * 151)}], "must be less than 151 characters"),
    "mrkdwn in a header": ([{"type": "header", "text": {"type": "mrkdwn", "text": "x"}}], "unsupported type: mrkdwn"),
    "an unknown block": ([{"type": "card"}], "unsupported type: card [json-pointer:/blocks/0]"),
    "an unknown key": ([{"type": "divider", "color": "red"}], "additional property not allowed: color"),
    "no block at all": (["x"], "unsupported type: None"),
    "too many buttons": ([actions(*numbered(26))], "must have 1 to 25 items [json-pointer:/blocks/0/elements]"),
    "no button": ([actions()], "must have 1 to 25 items"),
    "a long button": ([actions(button(text=plain("x" * 76)))], "must be less than 76 characters"),
    "a long value": ([actions(button(value="x" * 2001))], "must be less than 2001 characters"),
    "an odd style": ([actions(button(style="default"))], "must be one of primary, danger"),
    "two buttons alike": ([actions(button(), button())], "`action_id` a already exists"),
    "two blocks alike": ([{"type": "divider", "block_id": "b"}] * 2, "`block_id` b already exists"),
    "eleven fields": ([{"type": "section", "fields": [plain("x")] * 11}], "must have 1 to 10 items"),
    "a long field": ([{"type": "section", "fields": [plain("x" * 2001)]}], "must be less than 2001 characters"),
    "much markdown": ([{"type": "markdown", "text": "x" * 6001}] * 2, "markdown blocks have more than 12000 characters"),
    "a confirmation without a title": (
        [actions(button(confirm={"text": plain("?"), "confirm": plain("y"), "deny": plain("n")}))],
        "missing required field: title",
    ),
    "a confirmation that is text": ([actions(button(confirm="sure?"))], "should be an object"),
    "a style that is no flag": (
        [{"type": "rich_text", "elements": [{"type": "rich_text_section", "elements": [
            {"type": "text", "text": "x", "style": {"bold": "yes"}}]}]}], "should be a boolean"),
}  # fmt: skip


@pytest.mark.parametrize("name", ALLOWED)
def test_what_slack_takes(name: str) -> None:
    assert blocks.problems(ALLOWED[name]) == []


@pytest.mark.parametrize("name", REFUSED)
def test_what_slack_refuses(name: str) -> None:
    layout, words = REFUSED[name]
    assert words in "\n".join(blocks.problems(layout))


async def test_the_answer_names_the_place(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=DESK, text="x", blocks=[section("x" * 3001)])
    response: Any = caught.value.response
    message = "must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    assert (response["error"], response["errors"]) == ("invalid_blocks", [message])
    assert response["response_metadata"]["messages"] == [f"[ERROR] {message}"]


async def test_all_blocks_together_have_a_limit(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=DESK, text="x", blocks=[section("x" * 2700)] * 5)
    assert caught.value.response["error"] == "msg_blocks_too_long"


async def test_the_sdks_own_blocks_are_taken(client: AsyncWebClient) -> None:
    confirm = ConfirmObject(title="Sure?", text="It is final.", confirm="Yes", deny="No")
    quote = RichTextQuoteElement(elements=[RichTextElementParts.Text(text="hi", style={"bold": True})])
    layout = [
        HeaderBlock(text="Waiting"),
        SectionBlock(fields=[MarkdownTextObject(text="*Why*"), PlainTextObject(text="x")]),
        RichTextBlock(elements=[quote]),
        DividerBlock(),
        ActionsBlock(elements=[ButtonElement(text="Go", action_id="go", value="1", style="danger", confirm=confirm)]),
        ContextBlock(elements=[MarkdownTextObject(text="hint")]),
        MarkdownBlock(text="**bold**"),
    ]
    assert (await client.chat_postMessage(channel=DESK, text="card", blocks=layout))["ok"]
