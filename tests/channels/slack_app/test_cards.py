"""Cards keep Slack's limits whatever is put into them, show recorded fields, and parse nobody's words."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from bus.capsule import Line, Source, ToolRun, Who
from bus.message import ApprovalCard, Attachment, CaseCard, CaseDetails, Content, Mark, Words
from channels.slack.cards import Post, plainly, render
from demo.slack import blocks
from tests.channels.slack_app.samples import NOW, action, capsule

EVIL = "<!channel> <!here> <@U1> <#C1> <!subteam^S1> <https://evil|https://bank.example> *b* _i_ `c` :lock: &amp; @here"
LONG = "длинный текст 👩‍🚀 <&> " * 1_000


def filled(words: str) -> list[Content]:
    """Every kind of message with these words wherever words can stand."""
    lines = tuple(Line("customer", words, words, NOW + n) for n in range(60))
    runs = tuple(ToolRun(words, {words: words}, "ok", {words: words}, NOW, words) for _ in range(30))
    case = capsule(
        customer=Who(words, words, words), channel=words[:20], reason=words, reason_text=words, summary=words, proposal=words,
        last_message=words, owner_name=words, intent=words, category=words, sentiment=words, urgency=words, language=words,
        entities={words: words}, transcript=lines, tools=runs, sources=(Source(words, words, 0.5),) * 5, executed=(words,) * 30,
    )  # fmt: skip
    tool = action(tool=words, args={words + str(n): words for n in range(12)}, reason=words, spec=words)
    return [
        *(CaseCard(msg(case, state=state)) for state in ("agent", "waiting", "claimed", "resolved")),
        CaseDetails(case),
        ApprovalCard(tool, words),
        ApprovalCard(tool, words, words),
        ApprovalCard(action(what="reply", text=words), words),
        *(Words(words, speaker, words, attachments=(Attachment(words, words),)) for speaker in ("customer", "staff", "agent", "system")),
    ]  # fmt: skip


def msg(case: Any, **changes: Any) -> Any:
    import msgspec

    return msgspec.structs.replace(case, **changes)


def parsed(value: Any) -> Iterator[str]:
    """Every string that Slack reads as markup."""
    if isinstance(value, list):
        for item in value:
            yield from parsed(item)
    elif isinstance(value, dict):
        if value.get("type") in ("mrkdwn", "markdown"):
            yield value["text"]
        else:
            yield from parsed(list(value.values()))


@pytest.mark.parametrize("words", ["", "x", EVIL, LONG, "&" * 20_000, "\u202e\u200b", "\n" * 50])
def test_slack_takes_every_card(words: str) -> None:
    for content in filled(words):
        post = render(content)
        layout = json.loads(json.dumps(post.blocks))
        assert blocks.problems(layout) == []
        assert blocks.characters(layout) <= 12_800
        assert 0 < len(post.text) <= 3_000


@pytest.mark.parametrize("words", [EVIL])
def test_nothing_that_somebody_wrote_is_parsed(words: str) -> None:
    for content in filled(words):
        post = render(content)
        for markup in (post.text, *parsed(list(post.blocks))):
            ours = markup.replace("<https://support.example/console/c1|Everything in the log>", "")
            assert "<" not in ours


def texts(post: Post) -> str:
    return json.dumps(post.blocks, ensure_ascii=False)


def test_a_card_tells_who_why_and_what() -> None:
    shown = texts(render(CaseCard(capsule())))
    for fact in (
        "🟠 Waiting · Ana Ruiz · web", "warehouse_flag – Rule “warehouse flag” applies.", "ana@x.example", "signed in on the site",
        "refund_status / billing", "negative (-0.40)", "order_id A-48519", "It hasn't shipped.", "Look into get_order", "note:",
        "https://support.example/console/c1",
    ):  # fmt: skip
        assert fact in shown


@pytest.mark.parametrize(
    ("state", "buttons"),
    [
        ("waiting", ["claim", "resolve", "return"]),
        ("claimed", ["claim", "resolve", "return"]),
        ("agent", ["claim", "resolve"]),
        ("resolved", []),
    ],
)
def test_a_cards_buttons_follow_its_state(state: str, buttons: list[str]) -> None:
    post = render(CaseCard(capsule(state=state)))
    elements = [element for block in post.blocks if block["type"] == "actions" for element in block["elements"]]
    assert [(one["action_id"], one["value"]) for one in elements] == [(name, "c1") for name in buttons]


def test_details_hold_transcript_tools_sources_reason_and_proposal() -> None:
    shown = texts(render(CaseDetails(capsule())))
    for fact in (
        "20 May 10:00 UTC Ana Ruiz: ", "It hasn't shipped.", "Agent: ", "get_order", "policy allow", "warehouse",
        "refunds.md – When (0.81)", "create_refund → R-7711", "Rule “warehouse flag” applies.",
    ):  # fmt: skip
        assert fact in shown


def test_details_mark_what_the_agent_was_not_sure_of() -> None:
    lines = (Line("agent", "", "It is blue.", NOW, flagged=True), Line("agent", "", "It is new.", NOW))
    shown = texts(render(CaseDetails(capsule(transcript=lines))))
    assert "20 May 10:00 UTC Agent 🟡 not quite sure: " in shown
    assert "20 May 10:00 UTC Agent: " in shown


def test_a_long_story_loses_its_middle_and_says_so() -> None:
    lines = tuple(Line("customer", "Ana", f"line {n} " + "x" * 400, NOW) for n in range(100))
    shown = texts(render(CaseDetails(capsule(transcript=lines))))
    assert "line 0 " in shown
    assert "line 99 " in shown
    assert "lines left out" in shown
    assert "line 50 " not in shown


def test_an_approval_shows_the_recorded_amount_whatever_the_model_says() -> None:
    post = render(ApprovalCard(action(question="amount: $1", text="amount: $1"), "Ana Ruiz"))
    shown = texts(post)
    assert "189.40" in shown
    assert "$1" not in shown
    elements = [element for block in post.blocks if block["type"] == "actions" for element in block["elements"]]
    assert [(one["action_id"], one["value"]) for one in elements] == [("approve", "act_1"), ("reject", "act_1")]


def test_a_decided_approval_has_an_outcome_and_no_buttons() -> None:
    post = render(ApprovalCard(action(state="approved"), "Ana Ruiz", "Approved by Sara 14:03 UTC"))
    assert "Approved by Sara 14:03 UTC" in texts(post)
    assert not [block for block in post.blocks if block["type"] == "actions"]
    assert post.text == "Approval: create_refund – Approved by Sara 14:03 UTC"


def test_a_draft_is_shown_letter_by_letter() -> None:
    draft = "See [our bank](https://evil.example) **now**"
    assert draft in texts(render(ApprovalCard(action(what="reply", text=draft), "Ana")))


def test_the_customers_words_are_literal_and_the_agents_are_markdown() -> None:
    customer, agent = render(Words("*hi*", "customer", "Ana")), render(Words("*hi*", "agent"))
    assert [block["type"] for block in (*customer.blocks, *agent.blocks)] == ["rich_text", "markdown"]


def test_words_that_are_too_long_are_cut_visibly() -> None:
    assert "the whole text is in the log" in texts(render(Words("x" * 20_000, "customer", "Ana")))


def test_refused_blocks_can_be_said_plainly() -> None:
    post = render(Words("hi", "customer", "Ana"))
    assert plainly(post) == Post("Ana: hi")


def test_a_mark_is_no_message() -> None:
    with pytest.raises(ValueError, match="mark"):
        render(Mark("seen"))
