"""A program: a PDF comes in, its words go out. `python -m channels.files.pdf < label.pdf`"""

from __future__ import annotations

import io
import os
import sys

MEMORY = 1 << 30
SECONDS = 5
ENOUGH = 200_000
"""Bytes of text after which no further page is read."""


def main() -> int:
    """0, also where there are no words; a broken PDF ends it with an error, which nobody is shown."""
    _confine()
    from pypdf import PdfReader

    written = 0
    for page in PdfReader(io.BytesIO(sys.stdin.buffer.read())).pages:
        said = page.extract_text().strip().encode("utf-8", "ignore")
        if said:
            written += sys.stdout.buffer.write(said + b"\n\n")
        if written >= ENOUGH:
            break
    return 0


def _confine() -> None:
    """So much memory and so much time, where the system can be told."""
    try:
        import resource
    except ImportError:  # no POSIX: the parent's patience is the bound
        return
    os.nice(10)  # customers' messages go first
    for limit, most in ((resource.RLIMIT_AS, MEMORY), (resource.RLIMIT_CPU, SECONDS)):
        resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    sys.exit(main())
