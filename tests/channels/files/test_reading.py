"""A text and a PDF are read; whatever a PDF does, it does it to nobody but its own reader."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest

from channels.files import reading
from channels.files.reading import Reader
from tests.support.files import pdf

PDF = "application/pdf"


async def pieces(content: bytes) -> AsyncIterator[bytes]:
    for at in range(0, len(content), 1000):
        yield content[at : at + 1000]


async def test_the_words_of_a_pdf_are_read() -> None:
    assert "Invoice 4711 for order A-10001" in await Reader().text(PDF, pieces(pdf("Invoice 4711 for order A-10001")))


async def test_the_words_of_a_text_are_read_up_to_an_end() -> None:
    assert await Reader().text("text/plain", pieces("Grüße".encode())) == "Grüße"
    assert len(await Reader().text("text/plain", pieces(b"a" * 500_000))) == reading.READABLE


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"%PDF-1.7\n",
        b"%PDF-1.7\n" + b"\0" * 10_000,
        pdf("cut off")[:300],
        b"junk",
        pdf("x").replace(b"/Count 1", b"/Count 9"),
    ],
)
async def test_a_broken_pdf_has_no_words(content: bytes) -> None:
    assert (await Reader().text(PDF, pieces(content))).strip() in ("", "x")


async def test_nothing_is_read_of_what_holds_no_words() -> None:
    assert await Reader().text("image/png", pieces(b"\x89PNG")) == ""


async def test_a_reader_that_takes_too_long_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.02)  # no interpreter starts so quickly
    assert await Reader().text(PDF, pieces(pdf("x"))) == ""


async def test_who_finds_every_slot_taken_is_not_kept_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "PATIENCE", 0.05)
    reader, taken = Reader(), []

    async def watched() -> AsyncIterator[bytes]:
        taken.append(1)
        yield b"%PDF-1.7"

    for _ in range(reading.AT_ONCE):
        await reader._slots.acquire()
    assert await reader.text(PDF, watched()) == ""
    assert not taken
    reader._slots.release()
    await reader.text(PDF, watched())
    assert taken


async def test_notepads_texts_are_read_too() -> None:
    assert await Reader().text("text/plain", pieces("Grüße".encode("utf-16"))) == "Grüße"
