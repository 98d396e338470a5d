"""What a file is, by its bytes; what it may be called."""

from __future__ import annotations

import pytest

from channels.files.content import media_type, safe_name

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
DOCX = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@pytest.mark.parametrize(
    ("head", "declared", "found"),
    [
        (PNG, "text/html", "image/png"),
        (b"\xff\xd8\xff\xe0", "image/png", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "", "image/webp"),
        (b"%PDF-1.7\n", "", "application/pdf"),
        (b"OggS\0\x02", "audio/ogg", "audio/ogg"),
        (b"\0\0\0\x18ftypmp42", "", "video/mp4"),
        (b"PK\x03\x04....[Content_Types].xml", DOCX, DOCX),
        ("Grüße aus Köln\n".encode(), "text/html", "text/plain"),
        ("é".encode() * 3000, "", "text/plain"),
    ],
)
def test_its_bytes_say_what_it_is(head: bytes, declared: str, found: str) -> None:
    assert media_type(head[:4095], declared) == found


@pytest.mark.parametrize(
    ("head", "declared"),
    [
        (b"<!DOCTYPE html><p>hi", "image/png"),
        (b'<?xml version="1.0"?><svg onload="alert(1)"/>', "image/svg+xml"),
        (b"hello <script>alert(1)</script>", "text/plain"),
        (b"PK\x03\x04", "application/zip"),
        (b"PK\x03\x04 no office", DOCX),
        (b"MZ\x90\0", "image/png"),
        (b"\x7fELF", ""),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/msword"),
        (b"text with \0 in it", "text/plain"),
        (b"\xff\xfe\x00", "text/plain"),
    ],
)
def test_what_can_run_or_says_nothing_of_itself_is_not_taken(head: bytes, declared: str) -> None:
    assert media_type(head, declared) == ""


@pytest.mark.parametrize(
    ("name", "kind", "safe"),
    [
        ("label.pdf", "application/pdf", "label.pdf"),
        ("label.pdf.exe", "application/pdf", "label.pdf.pdf"),
        ("../../etc/passwd", "text/plain", "_.._etc_passwd"),
        ("a\r\nSet-Cookie: x", "image/png", "a_Set-Cookie_ x.png"),
        ("", "image/jpeg", "file.jpg"),
        ("notes.md", "text/plain", "notes.md"),
        ("notes", "text/plain", "notes.txt"),
        ("x" * 500 + ".PNG", "image/png", "x" * 120 + ".png"),
    ],
)
def test_a_name_that_nothing_misunderstands(name: str, kind: str, safe: str) -> None:
    assert safe_name(name, kind) == safe
