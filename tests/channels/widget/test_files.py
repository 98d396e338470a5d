"""Files go up before the words that share them; link cards and lists are drawn as such."""

import re

import pytest
from playwright.async_api import FilePayload, Locator, expect

from tests.channels.widget.standin import StandIn
from tests.channels.widget.visitor import Visitor

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]
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
    (body,), (number,) = standin.accepted.values(), standin.files
    assert (body["text"], body["files"]) == ("It arrived broken", [number])
    assert standin.files[number] == {"name": "the box.png", "media_type": "image/png", "size": 20_004}
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
    assert (body["text"], body["files"]) == ("Here it is", list(standin.files))


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
    await visitor.say("Hello")
    await standin.until(lambda: standin.accepted)
    assert not standin.files
    await expect(waiting(visitor)).to_have_count(1)


@pytest.mark.parametrize(
    ("status", "said"), [(415, "This kind of file cannot be sent"), (413, "Larger than 20 MB"), (503, "Not sent")]
)
async def test_a_refused_file_says_why(visitor: Visitor, standin: StandIn, status: int, said: str) -> None:
    standin.uploads_refused = status
    await visitor.chat()
    await attach(visitor, PHOTO)
    await expect(waiting(visitor)).to_have_text(re.compile(said))


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


async def test_more_than_five_files_at_once_are_too_many(visitor: Visitor, standin: StandIn) -> None:
    await visitor.chat()
    await attach(visitor, *({**PHOTO, "name": f"{number}.png"} for number in range(7)))  # type: ignore[arg-type]
    await standin.until(lambda: len(standin.files) == 5)
    await expect(waiting(visitor)).to_have_count(5)
