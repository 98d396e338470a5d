"""What a file is, by its bytes; what it may be called."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import pytest

from channels.files.content import media_type, safe_name

PNG = b"\x89PNG\r\n\x1a\n" + b"\0" * 20
WORD = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
SHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
OPEN_TEXT = "application/vnd.oasis.opendocument.text"
COMMENT = b"<!--" + b" " * 5_000 + b"-->"


def packed(**members: str) -> bytes:
    """A zip of these, in this order; `_` stands for a slash."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w") as archive:
        for name, text in members.items():
            archive.writestr(name.replace("__", "/").replace("CT", "[Content_Types].xml"), text)
    return whole.getvalue()


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (PNG, "image/png"),
        (b"\xff\xd8\xff\xe0", "image/jpeg"),
        (b"RIFF\x00\x00\x00\x00WEBPVP8 ", "image/webp"),
        (b"RIFF\x00\x00\x00\x00WAVEfmt ", "audio/wav"),
        (b"%PDF-1.7\n", "application/pdf"),
        (b"OggS\0\x02", "audio/ogg"),
        (b"\xff\xf3\x40\xc4", "audio/mpeg"),
        (b"\0\0\0\x18ftypmp42", "video/mp4"),
        (b"\0\0\0\x1cftypavif\0\0\0\0", "image/avif"),
        (b"\0\0\0\x1cftypheix\0\0\0\0", "image/heic"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm", "video/webm"),
        (packed(CT="", word__document="x" * 9_000), WORD),
        (packed(xl__workbook="x" * 9_000, CT=""), SHEET),
        (packed(mimetype=OPEN_TEXT, content="x"), OPEN_TEXT),
        ("Grüße aus Köln\n".encode(), "text/plain"),
        ("Grüße".encode("utf-16"), "text/plain"),
        ("é".encode() * 3000, "text/plain"),
    ],
)
def test_its_bytes_say_what_it_is(tmp_path: Path, content: bytes, found: str) -> None:
    (tmp_path / "file").write_bytes(content)
    assert media_type(tmp_path / "file") == found


@pytest.mark.parametrize(
    "content",
    [
        b"<!DOCTYPE html><p>hi",
        b'<?xml version="1.0"?><svg onload="alert(1)"/>',
        b"hello <script>alert(1)</script>",
        b"<!--ftyp--><html><script>alert(1)</script>",
        b"<script>WEBP=1</script>",
        b"\0\0\0\x18ftypnone",
        b"PK\x03\x04",
        packed(CT="", readme="x"),
        packed(CT="", word__document="x", word__vbaProject="x").replace(b"vbaProject", b"vbaProject"),
        packed(mimetype="text/html", content="x"),
        b"MZ\x90\0",
        b"\x7fELF",
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1",
        b"text with \0 in it",
        b"\xff\xfe\x00\xd8\x00\xd8",
        b"\x1a\x45\xdf\xa3matroska",
    ],
)
def test_what_can_run_or_says_nothing_of_itself_is_not_taken(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    if b"vbaProject" in content:
        with zipfile.ZipFile(tmp_path / "file", "a") as archive:
            archive.writestr("word/vbaProject.bin", "x")
    assert media_type(tmp_path / "file") == ""


@pytest.mark.parametrize(
    ("name", "kind", "safe"),
    [
        ("label.pdf", "application/pdf", "label.pdf"),
        ("label.pdf.exe", "application/pdf", "label.pdf.exe.pdf"),
        ("Report v1.2", "application/pdf", "Report v1.2.pdf"),
        ("photo.JPEG", "image/jpeg", "photo.jpeg"),
        ("../../etc/passwd", "text/plain", "_.._etc_passwd.txt"),
        ("a\r\nSet-Cookie: x", "image/png", "a_Set-Cookie_ x.png"),
        ("", "image/jpeg", "file.jpg"),
        ("notes.md", "text/plain", "notes.md"),
        ("notes", "text/plain", "notes.txt"),
        ("evil.html", "text/plain", "evil.html.txt"),
        ("setup.bat.txt", "text/plain", "setup.bat.txt"),
        ("x.svg", "text/plain", "x.svg.txt"),
        ("a\u202egpj.txt", "text/plain", "agpj.txt"),
        ("x" * 500 + ".PNG", "image/png", "x" * 180 + ".png"),
        ("写" * 120 + ".txt", "text/plain", "写" * 60 + ".txt"),
    ],
)
def test_a_name_that_nothing_misunderstands(name: str, kind: str, safe: str) -> None:
    assert safe_name(name, kind) == safe
