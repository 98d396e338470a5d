"""Files for tests that are not about files."""

from __future__ import annotations

from pathlib import Path

from channels.files.courier import Courier
from channels.files.shelf import Shelf
from channels.files.storage import Folder


def courier(folder: Path) -> Courier:
    """Brings nobody's files."""
    return Courier(Shelf(Folder(folder / "files"), ["a key"], "https://support.example.com"), {})


def pdf(words: str) -> bytes:
    """A PDF of one page that says this."""
    drawn = f"BT /F1 24 Tf 72 700 Td ({words}) Tj ET".encode()
    objects = [
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 4 0 R /Resources << /Font << /F1 5 0 R >> >> >>",
        b"<< /Length %d >>\nstream\n%b\nendstream" % (len(drawn), drawn),
        b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica >>",
    ]
    whole, places = bytearray(b"%PDF-1.4\n"), []
    for number, content in enumerate(objects, 1):
        places.append(len(whole))
        whole += b"%d 0 obj\n%b\nendobj\n" % (number, content)
    table = b"".join(b"%010d 00000 n \n" % place for place in places)
    end = b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, len(whole))
    return bytes(whole) + b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1) + table + end
