"""Files go up before the words that share them; link cards and lists are drawn as such."""

import re
import time

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.channels.widget.standin import StandIn, identity
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
ANNA = identity("anna")
PHOTO: FilePayload = {"name": "the box.png", "mimeType": "image/png", "buffer": b"\x89PNG" + b"\1" * 20_000}
DROP = """
    ([name, size]) => {
      const data = new DataTransfer();
      data.items.add(new File([new Uint8Array(size)], 'note.txt', { type: 'text/plain' }));
      const panel = document.querySelector('support-chat').shadowRoot.querySelector('.panel');
      panel.dispatchEvent(name === 'paste'
        ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
        : new DragEvent(name, { dataTransfer: data, bubbles: true, cancelable: true }));
    }
"""


async def attach(visitor: Visitor, *files: FilePayload) -> None:
    """Choose files with the button."""
    async with visitor.page.expect_file_chooser() as chooser:
        await visitor.page.get_by_role("button", name="Attach a file").click()
    await (await chooser.value).set_files(list(files))


def again(visitor: Visitor) -> Locator:
    """What tries an upload once more."""
    return visitor.page.locator(".tray").get_by_role("button", name="Try again: the box.png")


def waiting(visitor: Visitor) -> Locator:
    """The files that go along with the next message."""
    return visitor.page.locator(".tray .file")


async def test_a_file_goes_along_with_the_next_words(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor)).to_have_text(re.compile("the box.png.*20 kB"))
    await standin.until(lambda: standin.files)
    await visitor.say("It arrived broken")
    await standin.until(lambda: standin.accepted)
    (body,), ((_, number),) = standin.accepted.values(), standin.files
    assert (body["text"], body["files"]) == ("It arrived broken", [number])
    assert list(standin.files.values()) == [{"name": "the box.png", "media_type": "image/png", "size": 20_004}]
    await expect(waiting(visitor)).to_have_count(0)
    shown = visitor.log.get_by_role("link", name="the box.png")
    await expect(shown).to_have_attribute("href", f"{standin.origin}/files/{number}")


async def test_a_file_needs_no_words(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    send = visitor.page.get_by_role("button", name="Send", exact=True)
    await expect(send).to_have_attribute("aria-disabled", "true")
    await attach(visitor, PHOTO)
    await expect(send).to_have_attribute("aria-disabled", "false")
    await send.click()
    await standin.until(lambda: standin.accepted)
    await expect(visitor.log.get_by_role("link", name="the box.png")).to_be_visible()
    await expect(visitor.bubbles).to_be_hidden()


async def test_a_message_waits_for_its_file(visitor: Visitor, standin: StandIn) -> None:
    standin.uploads_go_on.clear()
    await visitor.chat()
    await attach(visitor, PHOTO)
    await visitor.say("Here it is")
    await expect(visitor.composer).to_have_value("Here it is")
    assert not standin.posts
    standin.uploads_go_on.set()
    await standin.until(lambda: standin.accepted)
    (body,) = standin.accepted.values()
    assert (body["text"], body["files"]) == ("Here it is", [number for _, number in standin.files])


async def test_an_upload_can_be_taken_back(visitor: Visitor, standin: StandIn) -> None:
    standin.uploads_go_on.clear()
    await visitor.chat()
    await attach(visitor, PHOTO)
    await visitor.page.get_by_role("button", name="Remove the box.png").click()
    await expect(waiting(visitor)).to_have_count(0)
    await expect(visitor.composer).to_be_focused()
    await visitor.say("Never mind")
    await standin.until(lambda: standin.accepted)
    assert "files" not in next(iter(standin.accepted.values()))
    standin.uploads_go_on.set()


async def test_what_is_too_large_is_said_before_it_is_sent(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await expect(visitor.page.get_by_role("button", name="Attach a file")).to_be_visible()
    await visitor.page.evaluate(DROP, ["drop", 20_000_001])
    await expect(waiting(visitor)).to_have_text(re.compile("Larger than 20 MB"))
    assert not standin.uploads


@pytest.mark.parametrize(("status", "said"), [(415, "This kind of file cannot be sent"), (413, "Larger than 20 MB")])
async def test_a_refused_file_says_why(visitor: Visitor, standin: StandIn, status: int, said: str) -> None:
    standin.uploads_refused = status
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor)).to_have_text(re.compile(said))
    await expect(again(visitor)).to_have_count(0)
    assert len(standin.uploads) == 1


@pytest.mark.parametrize("status", [408, 425, 429, 500, 503, 0])
async def test_an_upload_that_did_not_arrive_is_tried_again(visitor: Visitor, standin: StandIn, status: int) -> None:
    standin.upload_refusals = [status]
    await visitor.chat()
    await attach(visitor, PHOTO)
    await visitor.say("Here it is")
    await standin.until(lambda: standin.accepted)
    assert [len(body["files"]) for body in standin.accepted.values()] == [1]


async def test_an_upload_comes_back_when_the_server_says(visitor: Visitor, standin: StandIn) -> None:
    standin.upload_refusals, standin.retry_after = [429], "1"
    await visitor.chat()
    await attach(visitor, PHOTO)
    await standin.until(lambda: standin.uploads)
    first = time.monotonic()
    await standin.until(lambda: standin.files)
    assert time.monotonic() - first > 0.9


async def test_an_upload_waits_for_the_session(visitor: Visitor, standin: StandIn) -> None:
    standin.sessions_go_on.clear()
    await visitor.visit()
    await visitor.launcher.click()
    await attach(visitor, PHOTO)
    await standin.until(lambda: standin.opened)
    await expect(waiting(visitor)).to_have_count(1)
    standin.sessions_go_on.set()
    await standin.until(lambda: standin.files)
    assert standin.uploads == list(standin.sessions)


async def test_an_upload_outlives_the_session(visitor: Visitor, standin: StandIn) -> None:
    standin.uploads_go_on.clear()
    await visitor.chat(identity=ANNA)
    await attach(visitor, PHOTO)
    await standin.until(lambda: standin.uploads)
    standin.sessions.clear()
    standin.uploads_go_on.set()
    await visitor.say("Here it is")
    await standin.until(lambda: standin.accepted)
    assert len(standin.opened) == len(standin.uploads) == 2


async def test_an_upload_that_failed_too_often_is_tried_again_by_hand(visitor: Visitor, standin: StandIn) -> None:
    await visitor.page.clock.install()
    standin.uploads_refused = 503
    await visitor.chat()
    await attach(visitor, PHOTO)
    for tries in range(1, 8):
        await standin.until(lambda: len(standin.uploads) == tries)  # noqa: B023 - awaited at once
        await visitor.page.wait_for_timeout(50)
        await visitor.page.clock.fast_forward(31_000)
    await expect(waiting(visitor)).to_have_text(re.compile("Not sent.*Try again"))
    assert len(standin.uploads) == 7
    standin.uploads_refused = 0
    await again(visitor).click()
    await expect(visitor.composer).to_be_focused()
    await visitor.say("Here it is")
    await standin.until(lambda: standin.accepted)
    assert [len(body["files"]) for body in standin.accepted.values()] == [1]


@pytest.mark.parametrize("answers", [[415, 200], [200, 415]])
async def test_a_message_does_not_go_without_the_file_that_failed(
    visitor: Visitor, standin: StandIn, answers: list[int]
) -> None:
    standin.uploads_go_on.clear()
    standin.upload_refusals = list(answers)
    await visitor.chat()
    await attach(visitor, PHOTO, {**PHOTO, "name": "label.png"})
    await visitor.say("Both")
    standin.uploads_go_on.set()
    await expect(visitor.page.get_by_text("then your message is sent")).to_be_visible()
    await standin.until(lambda: standin.files)
    await expect(waiting(visitor).locator("progress")).to_have_count(0)
    await expect(visitor.composer).to_have_value("Both")
    assert not standin.posts
    await visitor.page.locator(".tray .wrong").get_by_role("button", name="Remove").click()
    await standin.until(lambda: standin.accepted)
    assert [(body["text"], len(body["files"])) for body in standin.accepted.values()] == [("Both", 1)]
    await expect(visitor.page.locator(".tray")).to_be_empty()


async def test_a_message_does_not_go_without_the_file_that_had_failed_before(
    visitor: Visitor, standin: StandIn
) -> None:
    standin.uploads_refused = 415
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor)).to_have_text(re.compile("This kind of file cannot be sent"))
    await visitor.say("Hello")
    await expect(visitor.page.get_by_role("button", name="Remove the box.png")).to_be_focused()
    await expect(visitor.page.get_by_text("then your message is sent")).to_be_visible()
    assert not standin.posts
    await visitor.page.keyboard.press("Enter")
    await standin.until(lambda: standin.accepted)
    assert "files" not in next(iter(standin.accepted.values()))


async def test_words_that_change_are_not_sent_by_themselves(visitor: Visitor, standin: StandIn) -> None:
    standin.uploads_go_on.clear()
    await visitor.chat()
    await attach(visitor, PHOTO)
    await visitor.say("Here it is")
    await visitor.composer.press_sequentially(" – no, wa")
    standin.uploads_go_on.set()
    await expect(waiting(visitor).locator("progress")).to_have_count(0)
    assert not standin.posts
    await visitor.composer.press("Enter")
    await standin.until(lambda: standin.accepted)
    assert next(iter(standin.accepted.values()))["text"] == "Here it is – no, wa"


async def test_files_of_an_earlier_session_go_up_again(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat(identity=ANNA)
    await attach(visitor, PHOTO)
    await expect(waiting(visitor).locator("progress")).to_have_count(0)
    standin.expire()
    await standin.until(lambda: len(standin.opened) == 2 and standin.streams)
    await visitor.say("Here it is")
    await standin.until(lambda: standin.accepted)
    assert len(standin.posts) == len(standin.uploads) == 2
    await expect(visitor.log.get_by_role("link", name="the box.png")).to_be_visible()


async def test_a_message_whose_file_is_unknown_again_and_again_is_not_tried_for_ever(
    visitor: Visitor, standin: StandIn
) -> None:
    standin.refusals = [404, 404]
    await visitor.chat()
    await attach(visitor, PHOTO)
    await visitor.say("Here it is")
    await expect(visitor.log.get_by_text("The file is no longer there")).to_be_visible()
    assert len(standin.posts) == 2
    await visitor.log.get_by_role("button", name="Try again").click()
    await standin.until(lambda: standin.accepted)
    assert "files" not in next(iter(standin.accepted.values()))


@pytest.mark.parametrize("text", ["Here it is", ""])
async def test_a_message_whose_file_is_gone_says_so(visitor: Visitor, standin: StandIn, text: str) -> None:
    standin.refusals = [503] * 99
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor).locator("progress")).to_have_count(0)
    await visitor.say(text)
    await standin.until(lambda: standin.posts)
    standin.files.clear()
    standin.refusals = []
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.log.get_by_text("The file is no longer there")).to_be_visible()
    await expect(visitor.log.get_by_role("button", name="Try again")).to_have_count(1 if text else 0)
    kept = await visitor.page.evaluate("Object.keys(localStorage).filter((name) => name.includes('#out:')).length")
    assert kept == (1 if text else 0)


@pytest.mark.parametrize("gesture", ["drop", "paste"])
async def test_a_file_is_dropped_or_pasted(visitor: Visitor, standin: StandIn, gesture: str) -> None:
    await visitor.chat()
    await expect(visitor.page.get_by_role("button", name="Attach a file")).to_be_visible()
    await visitor.page.evaluate(DROP, [gesture, 100])
    await standin.until(lambda: standin.files)
    assert [file["name"] for file in standin.files.values()] == ["note.txt"]


async def test_files_are_there_after_a_reload(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await attach(visitor, PHOTO, {**PHOTO, "name": "label.png"})
    await visitor.say("Two")
    await standin.until(lambda: standin.accepted)
    await visitor.page.reload()
    await visitor.open()
    await expect(visitor.log.get_by_role("link", name="the box.png")).to_be_visible()
    await expect(visitor.log.get_by_role("link", name="label.png")).to_be_visible()


async def test_a_link_card_leads_where_it_says(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    card = {"url": "https://parcels.example/track/1", "title": "Track your parcel <b>", "text": "With DHL"}
    evil = {"url": "javascript:alert(1)", "title": "Free money"}
    standin.say("It is on its way", cards=[card, evil])
    link = visitor.log.get_by_role("link")
    await expect(link).to_have_count(1)
    await expect(link).to_have_attribute("href", card["url"])
    await expect(link).to_have_attribute("rel", "noopener nofollow ugc")
    await expect(link).to_have_text("Track your parcel <b>With DHLparcels.example")


async def test_a_list_says_what_each_choice_is(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    question = standin.say(
        "Which one?",
        buttons=[{"id": "A-1", "label": "A-1 · Shoes", "detail": "3 May"}, {"id": "A-2", "label": "A-2 · Hat"}],
    )
    choice = visitor.page.get_by_role("button", name="A-1 · Shoes 3 May")
    await expect(choice.locator("small")).to_have_text("3 May")
    await choice.click()
    await standin.until(lambda: standin.accepted)
    (body,) = standin.accepted.values()
    assert body["press"] == {"message": question["id"], "button": "A-1"}


async def test_more_than_five_files_are_too_many_and_it_is_said(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await attach(visitor, *({**PHOTO, "name": f"{number}.png"} for number in range(7)))  # type: ignore[arg-type]
    await expect(visitor.page.get_by_role("status").get_by_text("No more than 5 files with a message")).to_be_visible()
    await standin.until(lambda: len(standin.files) == 5)
    await expect(waiting(visitor)).to_have_count(5)
    await visitor.page.get_by_role("button", name="Remove 0.png").click()
    await expect(visitor.page.get_by_text("No more than 5 files")).to_have_count(0)


async def test_a_file_that_failed_is_none_of_the_five(visitor: Visitor, standin: StandIn) -> None:
    standin.upload_refusals = [415]
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor)).to_have_text(re.compile("This kind of file cannot be sent"))
    await attach(visitor, *({**PHOTO, "name": f"{number}.png"} for number in range(5)))  # type: ignore[arg-type]
    await standin.until(lambda: len(standin.files) == 5)
    await expect(visitor.page.get_by_text("No more than 5 files")).to_have_count(0)
