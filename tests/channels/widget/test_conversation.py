"""What is said, once and in order: sending, streaming, reconnecting, choosing, and who is talking."""

import re
import time

import pytest
from playwright.async_api import expect

from tests.channels.widget.standin import StandIn
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

CHOICE = [{"id": "yes", "label": "Yes, refund it"}, {"id": "no", "label": "No, thanks"}]
HIDE = """(value) => {
    Object.defineProperty(document, 'hidden', { value, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}"""


async def test_words_go_out_and_answers_come_in(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("Where is my order?")
    await standin.until(lambda: standin.accepted)
    standin.say("On its way.")
    await expect(visitor.bubbles).to_have_text(["Where is my order?", "On its way."])
    [message] = standin.accepted.values()
    assert message == {"id": message["id"], "text": "Where is my order?"}


async def test_a_lost_answer_is_asked_for_again_and_the_message_counts_once(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.answers_lost, standin.echoes = 1, False
    await visitor.say("Only once")
    await standin.until(lambda: len(standin.posts) == 2)
    assert standin.posts[0] == standin.posts[1]
    assert len(standin.accepted) == 1
    await expect(visitor.bubbles).to_have_text(["Only once"])
    await expect(visitor.log.get_by_text("Sending…")).to_have_count(0)


async def test_own_words_come_back_without_doubling(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("One")
    await visitor.say("Two")
    await standin.until(lambda: len(standin.accepted) == 2)
    standin.say("Three")
    await expect(visitor.bubbles).to_have_text(["One", "Two", "Three"])


async def test_a_refused_message_says_so_and_can_be_sent_again(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.refusals = [413]
    await visitor.say("Too much")
    await expect(visitor.log.get_by_text("Not sent")).to_be_visible()
    await visitor.say("Short")  # does not wait behind it
    await standin.until(lambda: len(standin.accepted) == 1)
    await visitor.page.get_by_role("button", name="Try again").click()
    await standin.until(lambda: len(standin.accepted) == 2)
    await expect(visitor.log.get_by_text("Not sent")).to_have_count(0)


async def test_a_cut_stream_goes_on_after_the_last_message_seen(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    last = standin.say("Before")["seq"]
    await expect(visitor.text("Before")).to_be_visible()
    standin.cut()
    standin.say("Meanwhile")
    await standin.until(lambda: len(standin.resumed) == 2)
    standin.say("After")
    await expect(visitor.bubbles).to_have_text(["Before", "Meanwhile", "After"])
    assert standin.resumed == [None, str(last)]


async def test_a_repeated_number_is_dropped(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    said = standin.say("Once")
    standin.push("message", **said)
    standin.say("End")
    await expect(visitor.bubbles).to_have_text(["Once", "End"])


async def test_silence_without_heartbeat_reconnects(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.clock.install()
    await visitor.chat()
    await visitor.page.clock.fast_forward(46_000)
    await standin.until(lambda: len(standin.resumed) == 2)


async def test_a_hidden_tab_gives_its_connection_back_and_catches_up(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.clock.install()
    await visitor.chat()
    await visitor.page.evaluate(HIDE, True)
    await visitor.page.clock.fast_forward(31_000)
    await standin.until(lambda: standin.streams == 0)
    standin.say("While you were away")
    await visitor.page.evaluate(HIDE, False)
    await expect(visitor.text("While you were away")).to_be_visible()


async def test_deltas_grow_a_preview_that_the_message_replaces(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.push("typing")
    await expect(visitor.page.get_by_role("status").get_by_text("The assistant is typing…")).to_be_attached()
    standin.push("delta", turn="t9", offset=0, text="Hi 🙂 ")
    standin.push("delta", turn="t9", offset=99, text="after a hole")
    standin.push("delta", turn="t9", offset=5, text="you")
    standin.push("delta", turn="t9", offset=0, text="Hi 🙂 ")  # again
    await expect(visitor.preview).to_have_text("Hi 🙂 you")
    assert await visitor.log.get_by_text("Hi").count() == 0  # a screen reader hears it once, when it is done
    standin.say("Hi 🙂 you there", turn="t9")
    standin.push("delta", turn="t9", offset=0, text="late")
    await expect(visitor.bubbles).to_have_text(["Hi 🙂 you there"])
    await expect(visitor.preview).to_have_count(0)


async def test_a_discarded_preview_disappears(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.push("delta", turn="t9", offset=0, text="I have refunded you")
    await expect(visitor.preview).to_have_text("I have refunded you")
    standin.push("discard", turn="t9")
    await expect(visitor.preview).to_have_count(0)
    await expect(visitor.bubbles).to_have_count(0)


async def test_a_later_message_can_replace_an_earlier_one(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    first = standin.say("Frist", buttons=CHOICE)
    standin.say("Second")
    await expect(visitor.bubbles).to_have_count(2)
    standin.say("First", replaces=first["seq"])
    await expect(visitor.bubbles).to_have_text(["First", "Second"])
    await expect(visitor.page.get_by_role("button", name="Yes, refund it")).to_have_count(0)


async def test_pressing_a_button_answers_once(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    question = standin.say("Refund €59.00?", buttons=CHOICE)
    yes, no = (visitor.page.get_by_role("button", name=button["label"]) for button in CHOICE)
    await yes.click()
    await standin.until(lambda: standin.accepted)
    [message] = standin.accepted.values()
    assert message == {"id": message["id"], "press": {"message": question["id"], "button": "yes"}}
    await expect(visitor.bubbles).to_have_text(["Refund €59.00?", "Yes, refund it"])
    await expect(yes).to_be_disabled()
    await expect(no).to_be_disabled()
    await expect(visitor.composer).to_be_focused()
    await visitor.page.reload()
    await visitor.open()
    await expect(yes).to_be_disabled()
    await expect(yes).to_have_class("picked")


async def test_typed_words_close_a_question_and_words_that_did_not_go_out_do_not(
    visitor: Visitor, standin: StandIn
) -> None:
    await visitor.chat()
    standin.say("Refund €59.00?", buttons=CHOICE)
    yes = visitor.page.get_by_role("button", name=CHOICE[0]["label"]).first
    standin.refusals = [413]
    await visitor.say("Too much")
    await expect(visitor.log.get_by_text("Not sent")).to_be_visible()
    await expect(yes).to_be_enabled()
    await visitor.say("Yes please, and my other order?")
    await expect(yes).to_be_disabled()
    await expect(yes).not_to_have_class("picked")
    await standin.until(lambda: standin.accepted)
    await visitor.page.reload()
    await visitor.open()
    await expect(yes).to_be_disabled()
    standin.say("And my question is still open: refund?", buttons=CHOICE)
    await expect(visitor.page.get_by_role("button", name=CHOICE[0]["label"]).last).to_be_enabled()
    await expect(yes).to_be_disabled()


async def test_only_the_newest_question_is_open(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("First?", buttons=[{"id": "a", "label": "A"}])
    standin.say("Second?", buttons=[{"id": "b", "label": "B"}])
    await expect(visitor.page.get_by_role("button", name="B", exact=True)).to_be_enabled()
    await expect(visitor.page.get_by_role("button", name="A", exact=True)).to_be_disabled()


async def test_it_says_who_is_talking(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.push("state", owner="agent", name=None)
    standin.say("I am a machine.")
    await expect(visitor.log.locator(".agent")).to_contain_text("NovaAI assistantI am a machine.")
    standin.push("state", owner="staff", name="")
    await expect(visitor.dialog).to_have_accessible_name("Support")
    standin.push("state", owner="staff", name="Sara Lindqvist")
    standin.say("You are now talking with Sara Lindqvist.", **{"from": "system"})
    standin.say("I am not.", **{"from": "staff", "name": "Sara Lindqvist"})
    told = ["A person from the team will answer here", "You are now talking with Sara Lindqvist."]  # each once
    await expect(visitor.bubbles).to_have_text(["I am a machine.", *told, "I am not."])
    await expect(visitor.dialog).to_have_accessible_name("Sara Lindqvist")
    await expect(visitor.log.locator(".staff")).to_contain_text("SLSara LindqvistI am not.")
    await expect(visitor.log.locator(".staff")).not_to_contain_text("AI assistant")
    standin.push("state", owner="agent", name=None)
    await expect(visitor.dialog).to_have_accessible_name("Support")
    await expect(visitor.bubbles).to_have_count(4)
    assert [state["owner"] for state in await visitor.heard("state")] == ["agent", "staff", "staff", "agent"]


async def test_a_person_is_always_one_press_away(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(lang="de")
    await visitor.page.get_by_role("button", name="Mit einem Menschen sprechen").click()
    await standin.until(lambda: standin.accepted)
    [message] = standin.accepted.values()
    assert message["text"] == "Ich möchte mit einem Menschen sprechen."


async def test_history_comes_back_after_a_reload(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    standin.say("Hi!")
    await expect(visitor.bubbles).to_have_count(2)
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.bubbles).to_have_text(["Hello", "Hi!"])
    assert len(standin.opened) == 1  # the session was kept


async def test_a_long_history_can_be_asked_for(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    for n in range(60):
        standin.say(f"number {n}")
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.bubbles).to_have_count(50)
    await visitor.page.get_by_role("button", name="Show earlier messages").click()
    await expect(visitor.bubbles).to_have_text([f"number {n}" for n in range(60)])


async def test_days_and_times_are_told(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    now = int(time.time() * 1000)
    standin.say("Long ago", at=1_000_000_000_000)
    standin.say("Yesterday", at=now - 86_400_000)
    standin.say("Now", at=now)
    standin.say("Now too", at=now)
    await expect(visitor.log.locator(".day:visible")).to_have_text([re.compile("9 September"), "Yesterday", "Today"])


async def test_new_messages_do_not_pull_a_reader_down(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    for n in range(30):
        standin.say(f"number {n}")
    await expect(visitor.text("number 29")).to_be_in_viewport()
    await expect(visitor.log).to_have_attribute("aria-busy", "false")
    await visitor.text("number 2").scroll_into_view_if_needed()
    await expect(visitor.text("number 29")).not_to_be_in_viewport()
    more = visitor.page.get_by_role("button", name="New messages")
    standin.push("delta", turn="x", offset=0, text="More")
    await expect(more).to_be_visible()
    await more.click()
    await expect(visitor.preview).to_be_in_viewport()
    await expect(more).to_be_hidden()


async def test_a_growing_draft_does_not_cover_the_last_message(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    for n in range(30):
        standin.say(f"number {n}")
    await expect(visitor.text("number 29")).to_be_in_viewport(ratio=1)
    await visitor.composer.fill("one\ntwo\nthree\nfour\nfive")
    await expect(visitor.text("number 29")).to_be_in_viewport(ratio=1)


async def test_unread_messages_are_counted_and_named(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("Seen")
    await expect(visitor.text("Seen")).to_be_visible()
    await visitor.page.keyboard.press("Escape")
    await expect(visitor.dialog).to_be_hidden()
    standin.say("One")
    standin.say("Two", **{"from": "staff", "name": "Sara"})
    await expect(visitor.page.locator(".badge")).to_have_text("2")
    await expect(visitor.launcher).to_have_accessible_name("Open chat, 2 unread")
    await visitor.page.reload()  # the count outlives the page, and comes without opening
    await expect(visitor.launcher).to_have_accessible_name("Open chat, 2 unread")
    assert {"count": 2} in await visitor.heard("unread")
    await visitor.open()
    await expect(visitor.launcher).to_have_accessible_name("Close chat")


async def test_offline_it_says_so_and_sends_later(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.page.context.set_offline(True)
    banner = visitor.page.get_by_role("status").get_by_text("You are offline. Messages are sent once you are back.")
    await expect(banner).to_be_visible()
    await visitor.say("From the tunnel")
    await expect(visitor.log.get_by_text("Sending…")).to_be_visible()
    await visitor.page.context.set_offline(False)
    await standin.until(lambda: standin.accepted)
    await expect(banner).to_have_count(0)
    await expect(visitor.bubbles).to_have_text(["From the tunnel"])
    assert len(standin.accepted) == 1


async def test_what_was_not_accepted_survives_a_reload(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.refusals = [503] * 50
    await visitor.say("Do not lose me")
    await standin.until(lambda: standin.posts)
    await visitor.page.reload()
    await visitor.launcher.click()
    await expect(visitor.bubbles).to_have_text(["Do not lose me"])
    standin.refusals = []
    await standin.until(lambda: standin.accepted)
    assert {post["id"] for post in standin.posts} == set(standin.accepted)
    await expect(visitor.log.get_by_text("Sending…")).to_have_count(0)


async def test_two_tabs_show_the_same(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("Here")
    await standin.until(lambda: standin.accepted)
    second = Visitor(await visitor.page.context.new_page(), standin)
    await second.visit()
    await second.open()
    await second.say("There")
    await expect(visitor.bubbles).to_have_text(["Here", "There"])
    await second.page.keyboard.press("Escape")
    await second.page.evaluate("Object.defineProperty(document, 'hidden', {value: false})")
    standin.say("Seen in the first tab")
    await expect(visitor.text("Seen in the first tab")).to_be_visible()
    await expect(second.launcher).to_have_accessible_name("Open chat")
