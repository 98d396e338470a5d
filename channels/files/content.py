"""What a file really is, by its first bytes: names and declared types come from strangers.

Only kinds that people send each other in support are taken; what a browser could run (HTML, SVG, scripts) is none of them.
Signatures: https://en.wikipedia.org/wiki/List_of_file_signatures
"""

from __future__ import annotations

import re
import unicodedata

HEAD = 4096
TEXT = "text/plain"
SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\xff\xd8\xff", "image/jpeg"),
    (0, b"\x89PNG\r\n\x1a\n", "image/png"),
    (0, b"GIF87a", "image/gif"),
    (0, b"GIF89a", "image/gif"),
    (8, b"WEBP", "image/webp"),
    (4, b"ftypheic", "image/heic"),
    (4, b"ftypmif1", "image/heic"),
    (4, b"ftypM4A", "audio/mp4"),
    (4, b"ftypqt", "video/quicktime"),
    (4, b"ftyp", "video/mp4"),
    (0, b"OggS", "audio/ogg"),
    (0, b"ID3", "audio/mpeg"),
    (0, b"\xff\xfb", "audio/mpeg"),
    (0, b"#!AMR", "audio/amr"),
    (8, b"WAVE", "audio/wav"),
    (0, b"%PDF-", "application/pdf"),
    (0, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "application/x-ole-storage"),
    (0, b"PK\x03\x04", "application/zip"),
)
OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
SUFFIXES = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic", "audio/mp4": ".m4a",
    "video/quicktime": ".mov", "video/mp4": ".mp4", "audio/ogg": ".ogg", "audio/mpeg": ".mp3", "audio/amr": ".amr", "audio/wav": ".wav",
    "application/pdf": ".pdf", TEXT: ".txt", **OFFICE,
}  # fmt: skip
RUNS = re.compile(rb"<\s*(?:!doctype|html|head|body|script|svg|iframe|\?xml|math|object|embed)\b", re.IGNORECASE)
BAD_IN_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
LONGEST_NAME = 120


def media_type(head: bytes, declared: str) -> str:
    """The type of content that begins so, "" for what is not taken. `declared` only chooses between kinds of one container."""
    for offset, signature, found in SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return _in_container(found, declared, head)
    return TEXT if _is_text(head) and not RUNS.search(head) else ""


def _in_container(found: str, declared: str, head: bytes) -> str:
    if found == "application/zip":
        return declared if declared in OFFICE and (b"[Content_Types].xml" in head or b"mimetype" in head) else ""
    if found == "application/x-ole-storage":
        return ""  # may hold macros, and says nothing of what it is
    return found


def _is_text(head: bytes) -> bool:
    try:
        text = head.decode("utf-8")
    except UnicodeDecodeError as error:
        if error.reason != "unexpected end of data":  # then the head ends within a character
            return False
        text = head[: error.start].decode("utf-8")
    return all(sign in "\t\n\r\f" or unicodedata.category(sign) != "Cc" for sign in text)


def safe_name(name: str, media_type: str) -> str:
    """A name for people, that no file system and no header misunderstands, with the suffix of what the file is."""
    stem, suffix = unicodedata.normalize("NFC", BAD_IN_NAME.sub("_", name)).strip(" ."), SUFFIXES.get(media_type, "")
    if suffix and stem.lower().endswith(suffix):
        stem = stem[: -len(suffix)]
    elif "." in stem and media_type != TEXT:
        stem = stem.rpartition(".")[0]
    kept = suffix if not (media_type == TEXT and "." in stem) else ""
    return f"{stem[:LONGEST_NAME] or 'file'}{kept}"
