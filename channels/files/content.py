"""What a file really is, by its bytes: names and declared types come from strangers.

Only kinds that people send each other in support are taken; what a browser could run (HTML, SVG, scripts) is none of them.
Signatures: https://en.wikipedia.org/wiki/List_of_file_signatures, brands of ISO media: https://mp4ra.org/registered-types/brands
"""

from __future__ import annotations

import codecs
import re
import unicodedata
import zipfile
from pathlib import Path

from channels.cleaning import cleaned

HEAD = 4096
TEXT = "text/plain"
SIGNATURES: tuple[tuple[bytes, str], ...] = (
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"OggS", "audio/ogg"),
    (b"ID3", "audio/mpeg"),
    (b"\xff\xfb", "audio/mpeg"),
    (b"\xff\xf3", "audio/mpeg"),
    (b"\xff\xf2", "audio/mpeg"),
    (b"#!AMR", "audio/amr"),
    (b"%PDF-", "application/pdf"),
)
RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}
BRANDS = {
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "image/heic"),
    **dict.fromkeys((b"avif", b"avis"), "image/avif"),
    **dict.fromkeys((b"M4A ", b"M4B "), "audio/mp4"),
    b"qt  ": "video/quicktime",
    **dict.fromkeys(
        (
            b"isom",
            b"iso2",
            b"iso4",
            b"iso5",
            b"iso6",
            b"mp41",
            b"mp42",
            b"avc1",
            b"M4V ",
            b"MSNV",
            b"dash",
            b"3gp4",
            b"3gp5",
            b"3gp6",
        ),
        "video/mp4",
    ),
}
MATROSKA = b"\x1a\x45\xdf\xa3"
ZIP = b"PK\x03\x04"
OFFICE = {
    "application/vnd.openxmlformats-officedocument.wordprocessingml.document": ".docx",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": ".xlsx",
    "application/vnd.openxmlformats-officedocument.presentationml.presentation": ".pptx",
    "application/vnd.oasis.opendocument.text": ".odt",
    "application/vnd.oasis.opendocument.spreadsheet": ".ods",
}
FOLDERS = dict(zip(("word/", "xl/", "ppt/"), OFFICE, strict=False))
MOST_MEMBERS = 10_000
MACROS = re.compile(r"vbaproject\.bin$|^basic/|^scripts/", re.IGNORECASE)
SUFFIXES = {
    "image/jpeg": ".jpg", "image/png": ".png", "image/gif": ".gif", "image/webp": ".webp", "image/heic": ".heic", "image/avif": ".avif",
    "audio/mp4": ".m4a", "video/quicktime": ".mov", "video/mp4": ".mp4", "video/webm": ".webm", "audio/ogg": ".ogg", "audio/mpeg": ".mp3",
    "audio/amr": ".amr", "audio/wav": ".wav", "application/pdf": ".pdf", TEXT: ".txt", **OFFICE,
}  # fmt: skip
ALSO = {
    "image/jpeg": (".jpeg",), "image/heic": (".heif",), "audio/ogg": (".oga", ".opus"), "video/mp4": (".m4v", ".3gp"),
    TEXT: (".csv", ".tsv", ".md", ".log", ".json", ".yaml", ".yml", ".ini", ".ics", ".vcf"),
}  # fmt: skip
"""Other suffixes that a name may keep. Of texts, only those that no program runs."""
RUNS = re.compile(r"<\s*(?:!doctype|html|head|body|script|svg|iframe|\?xml|math|object|embed)\b", re.IGNORECASE)
BAD_IN_NAME = re.compile(r"[\x00-\x1f\x7f/\\:*?\"<>|]+")
LONGEST_NAME = 180  # bytes of UTF-8: file systems end at 255, and a suffix and a word of ours must fit as well


def media_type(file: Path) -> str:
    """The type of this file's content, "" for what is not taken."""
    with file.open("rb") as opened:
        head = opened.read(HEAD)
    if head.startswith(ZIP):
        return _of_zip(file)
    return _by_signature(head) or (TEXT if _is_harmless_text(head) else "")


def _by_signature(head: bytes) -> str:
    for signature, found in SIGNATURES:
        if head.startswith(signature):
            return found
    if head.startswith(b"RIFF"):
        return RIFF.get(head[8:12], "")
    if head[4:8] == b"ftyp" and 8 <= int.from_bytes(head[:4], "big") <= HEAD:
        return BRANDS.get(head[8:12], "")
    return "video/webm" if head.startswith(MATROSKA) and b"webm" in head[:64] else ""


def _of_zip(file: Path) -> str:
    """An office document by what it holds; one with macros is none."""
    try:
        with zipfile.ZipFile(file) as archive:
            names = archive.namelist()
            if len(names) > MOST_MEMBERS or any(MACROS.search(name) for name in names):
                return ""
            if "mimetype" in names:
                with archive.open("mimetype") as member:
                    said = member.read(100).decode("ascii", "replace").strip()
                return said if said in OFFICE else ""
    except (zipfile.BadZipFile, OSError, RuntimeError, NotImplementedError, ValueError):
        return ""
    if "[Content_Types].xml" not in names:
        return ""
    return next((found for folder, found in FOLDERS.items() if any(name.startswith(folder) for name in names)), "")


def text_of(head: bytes) -> str | None:
    """The beginning of a text, UTF-8 or marked UTF-16; None for what is no text."""
    encoding = "utf-16" if head.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) else "utf-8"
    try:
        return codecs.getincrementaldecoder(encoding)().decode(
            head
        )  # which waits where the head ends within a character
    except UnicodeDecodeError:
        return None


def _is_harmless_text(head: bytes) -> bool:
    text = text_of(head)
    if text is None or RUNS.search(text):
        return False
    return all(sign in "\t\n\r\f" or unicodedata.category(sign) != "Cc" for sign in text)


def safe_name(name: str, media_type: str) -> str:
    """A name for people, that no file system and no header misunderstands, ending in the suffix of what the file is.

    Nothing is taken away at its end, so that `setup.bat.txt` never becomes `setup.bat`.
    """
    stem, suffix = (
        BAD_IN_NAME.sub("_", unicodedata.normalize("NFC", cleaned(name))).strip(" ."),
        SUFFIXES.get(media_type, ""),
    )
    for known in (suffix, *ALSO.get(media_type, ())):
        if known and stem.lower().endswith(known):
            stem, suffix = stem[: -len(known)], known
            break
    return f"{_short(stem) or 'file'}{suffix}"


def _short(stem: str) -> str:
    return stem.encode()[:LONGEST_NAME].decode("utf-8", "ignore")
