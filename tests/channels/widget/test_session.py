"""Who the visitor is: sessions that expire, people who log in and out, and what the page can command."""

import pytest
from playwright.async_api import FilePayload, expect

from tests.channels.widget.standin import StandIn, identity
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

ANNA, BELA = identity("anna"), identity("béla")
NOTE: FilePayload = {"name": "note.txt", "mimeType": "text/plain", "buffer": b"For Anna only"}
STORED = "Object.entries(localStorage).map(String).join()"


async def test_no_session_before_the_visitor_opens(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit()
    await visitor.launcher.hover()
    assert standin.opened == []
    assert await visitor.heard("ready") == [None]
    await visitor.open()
    assert len(standin.opened) == 1


async def test_commands_wait_for_the_script(visitor: Visitor, standin: StandIn) -> None:
    stub = "window.SupportChat = function () { (SupportChat.q = SupportChat.q || []).push(arguments); };"
    early = "SupportChat('on', 'open', () => (window.told = true)); SupportChat('open');"
    await visitor.page.add_init_script(stub + early)
    await visitor.visit()
    await expect(visitor.composer).to_be_focused()
    assert await visitor.page.evaluate("told") is True


async def test_an_array_is_a_queue_as_well(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.add_init_script(f"window.SupportChat = [['identify', '{ANNA}'], ['open']];")
    await visitor.visit()
    await standin.until(lambda: standin.opened)
    assert standin.opened == [{"identity": ANNA}]


async def test_a_page_can_open_close_and_listen(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit(launcher="none", body='<button id="help">Help</button>')
    await expect(visitor.launcher).to_be_hidden()
    await visitor.page.locator("#help").focus()
    await visitor.page.evaluate("SupportChat('open')")
    await expect(visitor.composer).to_be_focused()
    await visitor.page.evaluate("SupportChat('close')")
    await expect(visitor.dialog).to_be_hidden()
    await expect(visitor.page.locator("#help")).to_be_focused()
    assert (await visitor.heard("open"), await visitor.heard("close")) == ([None], [None])


async def test_a_page_can_send_for_its_visitor(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit()
    assert await visitor.page.evaluate("Boolean(SupportChat('send', 'Where is my order?'))") is True
    await expect(visitor.dialog).to_be_visible()
    await standin.until(lambda: standin.accepted)
    await expect(visitor.bubbles).to_have_text(["Where is my order?"])
    await visitor.page.evaluate("SupportChat('send', 'And the other one?')")
    await expect(visitor.bubbles).to_have_text(["Where is my order?", "And the other one?"])


async def test_the_token_never_stands_in_an_address(visitor: Visitor, standin: StandIn) -> None:
    asked: list[str] = []
    visitor.page.on("request", lambda request: asked.append(request.url))
    await visitor.chat(identity=ANNA)
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    secrets = [*standin.sessions, ANNA]
    assert asked
    assert not [url for url in asked if any(secret in url for secret in secrets)]


async def test_an_identity_is_shown_and_never_stored(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    assert standin.opened == [{"identity": ANNA}]
    assert list(standin.conversations) == ["person:anna"]
    assert ANNA not in await visitor.page.evaluate(STORED)


async def test_an_expired_session_begins_anew(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("Old words")
    await expect(visitor.text("Old words")).to_be_visible()
    standin.expire()
    await standin.until(lambda: standin.streams == 1 and len(standin.conversations) == 2)
    standin.say("New words")
    await expect(visitor.bubbles).to_have_text(["New words"])


async def test_words_typed_while_it_expired_reach_the_new_conversation(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.page.context.set_offline(True)
    await visitor.say("Still me")
    standin.expire()
    await visitor.page.context.set_offline(False)
    await standin.until(lambda: standin.accepted)
    await expect(visitor.bubbles).to_have_text(["Still me"])
    told = [[message["text"] for message in one.messages] for one in standin.conversations.values() if one.messages]
    assert told == [["Still me"]]
    assert standin.newest.messages


async def test_an_expired_session_of_a_known_person_comes_back(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    standin.say("Old words")
    await expect(visitor.text("Old words")).to_be_visible()
    standin.expire()
    await standin.until(lambda: len(standin.opened) == 2 and standin.streams == 1)
    standin.say("New words")
    await expect(visitor.bubbles).to_have_text(["Old words", "New words"])
    assert standin.opened[-1] == {"identity": ANNA}


async def test_logging_in_keeps_what_the_stranger_said(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await visitor.say("Who am I?")
    await standin.until(lambda: standin.accepted)
    await visitor.page.evaluate("(token) => SupportChat('identify', token)", ANNA)
    await standin.until(lambda: standin.opened[-1] == {"identity": ANNA} and standin.streams == 1)
    standin.say("Anna.")
    await expect(visitor.bubbles).to_have_text(["Who am I?", "Anna."])


async def test_logging_out_leaves_nothing(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    standin.say("For Anna only")
    await visitor.page.context.set_offline(True)
    await visitor.say("Half said")
    await visitor.page.evaluate("SupportChat('reset')")
    await expect(visitor.bubbles).to_have_count(0)
    assert "anna" not in await visitor.page.evaluate(STORED)
    assert "Half said" not in await visitor.page.evaluate(STORED)
    await visitor.page.context.set_offline(False)
    await standin.until(lambda: len(standin.conversations) == 2 and standin.streams == 1)
    standin.record(standin.conversations["person:anna"], {"from": "agent", "text": "More for Anna"})
    standin.say("For a stranger")
    await expect(visitor.bubbles).to_have_text(["For a stranger"])
    assert [message["text"] for message in standin.newest.messages] == ["For a stranger"]
    assert standin.opened[-1] == {}


async def test_another_person_sees_nothing_of_the_first(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    standin.say("For Anna only")
    await expect(visitor.text("For Anna only")).to_be_visible()
    await visitor.page.context.set_offline(True)
    await visitor.say("Half said by Anna")
    await visitor.page.evaluate("(token) => SupportChat('identify', token)", BELA)
    await expect(visitor.bubbles).to_have_count(0)  # at once, not when the server has answered
    await visitor.page.context.set_offline(False)
    await standin.until(lambda: "person:béla" in standin.conversations and standin.streams == 1)
    standin.say("For Béla")
    await expect(visitor.bubbles).to_have_text(["For Béla"])
    assert [message["text"] for message in standin.newest.messages] == ["For Béla"]


async def leave_something(visitor: Visitor, standin: StandIn) -> None:
    """A file that is there, one on its way, and words nobody has sent."""
    await visitor.page.locator("input[type=file]").set_input_files({**NOTE, "name": "there.txt"})
    await expect(visitor.page.locator(".tray progress")).to_have_count(0)
    standin.uploads_go_on.clear()
    await visitor.page.locator("input[type=file]").set_input_files({**NOTE, "name": "underway.txt"})
    await visitor.composer.fill("My secret is")
    await standin.until(lambda: len(standin.uploads) == 2)


@pytest.mark.parametrize("command", [f"SupportChat('identify', '{BELA}')", "SupportChat('reset')"])
async def test_nobody_finds_what_another_was_about_to_send(visitor: Visitor, standin: StandIn, command: str) -> None:
    await visitor.chat(identity=ANNA)
    await leave_something(visitor, standin)
    await visitor.page.evaluate(command)
    await expect(visitor.composer).to_have_value("")
    await expect(visitor.page.locator(".tray")).to_be_empty()
    await expect(visitor.page.get_by_role("button", name="Send", exact=True)).to_have_attribute("aria-disabled", "true")
    standin.uploads_go_on.set()
    await standin.until(lambda: len(standin.conversations) == 2 and standin.streams == 1)
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    assert [(body["text"], body.get("files")) for body in standin.posts] == [("Hello", None)]
    assert len(standin.uploads) == 2


async def test_logging_out_in_one_tab_empties_what_the_other_was_about_to_send(
    visitor: Visitor, standin: StandIn
) -> None:
    await visitor.chat(identity=ANNA)
    await leave_something(visitor, standin)
    second = Visitor(await visitor.page.context.new_page(), standin)
    await second.visit()
    await second.page.evaluate("SupportChat('reset')")
    await expect(visitor.composer).to_have_value("")
    await expect(visitor.page.locator(".tray")).to_be_empty()
    standin.uploads_go_on.set()


async def test_what_somebody_said_before_their_session_began_is_not_anothers(
    visitor: Visitor, standin: StandIn
) -> None:
    standin.sessions_go_on.clear()
    await visitor.visit(identity=ANNA)
    await visitor.launcher.click()
    await visitor.say("Said by Anna")
    await visitor.composer.fill("My secret is")
    await standin.until(lambda: standin.opened)
    await visitor.page.evaluate("(token) => SupportChat('identify', token)", BELA)
    await expect(visitor.composer).to_have_value("")
    await expect(visitor.bubbles).to_have_count(0)
    standin.sessions_go_on.set()
    await standin.until(lambda: standin.streams)
    await visitor.say("Said by Béla")
    await standin.until(lambda: standin.accepted)
    assert [body["text"] for body in standin.posts] == ["Said by Béla"]


async def test_a_message_that_was_under_way_takes_no_file_to_the_next_person(
    visitor: Visitor, standin: StandIn
) -> None:
    await visitor.chat(identity=ANNA)
    await visitor.page.locator("input[type=file]").set_input_files(NOTE)
    await expect(visitor.page.locator(".tray progress")).to_have_count(0)
    standin.messages_go_on.clear()
    standin.refusals = [404]
    await visitor.say("Said by Anna")
    await standin.until(lambda: standin.posts)
    await visitor.page.evaluate("(token) => SupportChat('identify', token)", BELA)
    await standin.until(lambda: len(standin.conversations) == 2 and standin.streams == 1)
    standin.messages_go_on.set()
    await visitor.say("Said by Béla")
    await standin.until(lambda: standin.accepted)
    assert [body["text"] for body in standin.accepted.values()] == ["Said by Béla"]
    assert len(standin.uploads) == 1


async def test_who_logs_in_goes_on_with_what_they_were_about_to_send(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await leave_something(visitor, standin)
    await visitor.page.evaluate("(token) => SupportChat('identify', token)", ANNA)
    await standin.until(lambda: standin.opened[-1] == {"identity": ANNA} and standin.streams == 1)
    standin.uploads_go_on.set()
    await expect(visitor.composer).to_have_value("My secret is")
    await visitor.composer.press("Enter")
    await standin.until(lambda: standin.accepted)
    assert [(body["text"], len(body["files"])) for body in standin.posts] == [("My secret is", 2)]


async def test_the_next_person_on_this_machine_sees_nothing_of_the_last(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    standin.say("For Anna only")
    await expect(visitor.text("For Anna only")).to_be_visible()
    await visitor.chat(identity=BELA)
    standin.record(standin.conversations["person:béla"], {"from": "agent", "text": "For Béla"})
    await expect(visitor.bubbles).to_have_text(["For Béla"])


async def test_a_refused_identity_is_told_and_remains_a_stranger(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity="stale")
    assert await visitor.heard("error") == [{"reason": "identity"}]
    assert [name.split(":")[0] for name in standin.conversations] == ["visitor"]


async def test_logging_out_in_one_tab_empties_the_other(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    standin.say("For Anna only")
    second = Visitor(await visitor.page.context.new_page(), standin)
    await second.chat()
    await expect(second.text("For Anna only")).to_be_visible()
    await second.page.evaluate("SupportChat('reset')")
    await expect(visitor.bubbles).to_have_count(0)


async def test_it_works_where_nothing_can_be_stored(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.add_init_script(
        "Object.defineProperty(window, 'localStorage', { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    await visitor.chat()
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    await expect(visitor.bubbles).to_have_text(["Hello"])


async def test_a_panel_that_did_not_load_is_tried_again(visitor: Visitor, standin: StandIn) -> None:
    await visitor.visit()
    await visitor.page.context.set_offline(True)
    await visitor.launcher.click()
    await expect(visitor.launcher).to_have_accessible_name("Open chat")
    await visitor.page.context.set_offline(False)
    await visitor.open()
    assert await visitor.heard("error") == [{"reason": "load"}]


async def test_it_survives_a_page_that_swaps_its_body(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    standin.say("Still here")
    await visitor.page.evaluate("document.body = document.createElement('body')")
    await expect(visitor.text("Still here")).to_be_visible()
    await visitor.page.evaluate("document.querySelector('support-chat').remove()")
    await expect(visitor.text("Still here")).to_be_visible()
