"""The knowledge base: folders of Markdown, searched by words. An edited file changes the next answer; nothing found stays nothing."""

from __future__ import annotations

import asyncio
import math
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

from agent import language as languages
from agent.chunks import BELOW, Chunk, chunks
from agent.models.port import Passage
from agent.support import OUTER, Asked, headed, likeness, parted, spoken, support
from agent.words.spelling import closest

CHECKED_EVERY = 1.0
"""Seconds between looks at the folders' files."""
CANDIDATES = 24
TYPO, MENDED = 0.6, 0.9
"""How much a word must look like one of the index to be taken for it."""
OWN_LANGUAGE = 0.1
"""How much better a passage in another language must be."""
LIKE_HEADING = 0.15
"""How much a heading that asks the same thing counts among passages that say as much."""
SUFFIXES = (".md", ".markdown", ".txt")
SHAPE = 2
"""Raised whenever words are indexed in another way."""
SCHEMA = f"""
CREATE TABLE IF NOT EXISTS files (path TEXT PRIMARY KEY, stamp TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS passages (id INTEGER PRIMARY KEY, path TEXT NOT NULL, source TEXT NOT NULL, heading TEXT NOT NULL,
    language TEXT NOT NULL, text TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS passages_by_path ON passages (path);
CREATE VIRTUAL TABLE IF NOT EXISTS words USING fts5 (heading, body, outside, tokenize = "unicode61 categories 'L* N* Co Pc Po Sm'");
CREATE VIRTUAL TABLE IF NOT EXISTS temp.heard USING fts5vocab (main, words, row);
PRAGMA user_version = {SHAPE};
"""


FOUND = """
SELECT p.source, p.heading, p.text, p.language, w.heading || ' ' || w.body, w.outside, bm25(words, 3.0, 1.0, 0.5)
FROM words AS w JOIN passages AS p ON p.id = w.rowid WHERE words MATCH ? ORDER BY bm25(words, 3.0, 1.0, 0.5) LIMIT ?
"""


class Stamp(NamedTuple):
    """A file as it was when it was read."""

    path: Path
    source: str
    mark: str


class Knowledge:
    """An index of Markdown folders in a sidecar SQLite file, or in memory."""

    def __init__(
        self,
        folders: Iterable[str | Path],
        languages: Iterable[str] = ("en",),
        *,
        file: str | Path | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.folders = tuple(Path(folder) for folder in folders)
        self.languages = tuple(languages)
        self._clock = clock
        self._checked = -math.inf
        self._lock = threading.Lock()
        self._heard: frozenset[str] | None = None
        self._database = _opened(Path(file) if file else None)

    async def search(self, query: str, language: str, limit: int = 4) -> list[Passage]:
        """The passages that answer best, the customer's language first among equals. Off the loop: reading files may take a while."""
        if not self.folders:
            return []
        return await asyncio.to_thread(self.search_now, query, language, limit)

    def search_now(self, query: str, language: str, limit: int = 4) -> list[Passage]:
        """The same, on the calling thread."""
        with self._lock:
            if self._clock() - self._checked >= CHECKED_EVERY:
                self._refresh()
            return self._search(query, language, limit)

    def refresh(self) -> int:
        """Reads what was added or changed and forgets what was deleted. Returns how many files that were."""
        with self._lock:
            return self._refresh()

    def close(self) -> None:
        """Closes the index."""
        self._database.close()

    def _refresh(self) -> int:
        self._checked = self._clock()
        found = {str(stamp.path): stamp for stamp in self._files()}
        known: dict[str, str] = dict(self._database.execute("SELECT path, stamp FROM files"))
        changed = [stamp for path, stamp in found.items() if known.get(path) != stamp.mark]
        gone = [path for path in known if path not in found]
        if changed or gone:
            self._database.execute("BEGIN")
            for path in [*gone, *(str(stamp.path) for stamp in changed)]:
                self._forget(path)
            for stamp in changed:
                self._learn(stamp)
            self._database.execute("COMMIT")
            self._heard = None
        return len(changed) + len(gone)

    def _files(self) -> list[Stamp]:
        stamps = []
        for folder in self.folders:
            paths = (
                [folder]
                if folder.is_file()
                else sorted(path for path in folder.rglob("*") if path.suffix.lower() in SUFFIXES)
            )
            for path in paths:
                try:
                    stat = path.stat()
                except OSError:
                    continue
                source = path.name if path == folder else path.relative_to(folder).as_posix()
                stamps.append(Stamp(path, source, f"{stat.st_mtime_ns}:{stat.st_size}:{','.join(self.languages)}"))
        return stamps

    def _forget(self, path: str) -> None:
        self._database.execute("DELETE FROM words WHERE rowid IN (SELECT id FROM passages WHERE path = ?)", (path,))
        self._database.execute("DELETE FROM passages WHERE path = ?", (path,))
        self._database.execute("DELETE FROM files WHERE path = ?", (path,))

    def _learn(self, stamp: Stamp) -> None:
        try:
            text = stamp.path.read_text(encoding="utf-8", errors="replace")
        except OSError:
            return
        language = languages.detect(text, self.languages)
        for chunk in chunks(text):
            self._add(stamp, chunk, language)
        self._database.execute("INSERT INTO files VALUES (?, ?)", (str(stamp.path), stamp.mark))

    def _add(self, stamp: Stamp, chunk: Chunk, language: str) -> None:
        row = self._database.execute(
            "INSERT INTO passages (path, source, heading, language, text) VALUES (?, ?, ?, ?, ?)",
            (str(stamp.path), stamp.source, chunk.heading, language, chunk.text),
        )
        outer, _, own = chunk.heading.rpartition(BELOW)
        columns = (headed(own, language), spoken(chunk.text, language), spoken(outer, language))
        indexed = (row.lastrowid, *(" ".join(map(_token, column)) for column in columns))
        self._database.execute("INSERT INTO words (rowid, heading, body, outside) VALUES (?, ?, ?, ?)", indexed)

    def _search(self, query: str, language: str, limit: int) -> list[Passage]:
        questions = [[self._mended(question) for question in part] for part in parted(query, language)]
        keys = list(dict.fromkeys(key for question in questions[0] for key in question.keys))
        if not keys:
            return []
        match = " OR ".join(f'"{_token(key)}"' for key in keys)
        rows = self._database.execute(FOUND, (match, CANDIDATES)).fetchall()
        rarity = {key: self._rarity(key) for key in keys}
        scored = []
        for source, heading, text, spoken_in, inside, outside, rank in rows:
            held = dict.fromkeys(outside.split(), OUTER) | dict.fromkeys(inside.split(), 1.0)
            score = max(support(part, held, text, rarity.__getitem__) for part in questions)
            order = score + LIKE_HEADING * likeness(query, heading.rpartition(BELOW)[2], language)
            order += OWN_LANGUAGE if spoken_in == language else 0.0
            scored.append((order, -rank, Passage(source, heading, text, round(score, 3))))
        scored.sort(key=lambda item: item[:2], reverse=True)
        return [passage for _, _, passage in scored[:limit]]

    def _mended(self, question: Asked) -> Asked:
        """A word that no passage has may be a misspelt one that some have."""
        heard = self._vocabulary()
        if question.answer or any(_token(key) in heard for key in question.keys):
            return question
        alike, key = max((closest(key, heard) for key in question.keys), default=(0.0, ""))
        return question._replace(keys={**question.keys, key: MENDED}) if alike >= TYPO else question

    def _vocabulary(self) -> frozenset[str]:
        """Every word of the index."""
        if self._heard is None:
            self._heard = frozenset(row[0] for row in self._database.execute("SELECT term FROM temp.heard"))
        return self._heard

    def _rarity(self, key: str) -> float:
        total = self._database.execute("SELECT count(*) FROM passages").fetchone()[0]
        holding = self._database.execute(
            "SELECT count(*) FROM words WHERE words MATCH ?", (f'"{_token(key)}"',)
        ).fetchone()[0]
        return math.log(1 + (total + 1) / (holding + 0.5))


def _opened(file: Path | None) -> sqlite3.Connection:
    """The index; a file that is none, or of an older shape, is made anew: everything in it can be read again."""
    try:
        return _connected(file)
    except sqlite3.DatabaseError:
        if file is None:
            raise
        file.unlink(missing_ok=True)
        return _connected(file)


def _connected(file: Path | None) -> sqlite3.Connection:
    database = sqlite3.connect(file or ":memory:", check_same_thread=False, isolation_level=None)
    try:
        if database.execute("PRAGMA user_version").fetchone()[0] not in (0, SHAPE):
            raise sqlite3.DatabaseError("an index of another shape")
        database.executescript(SCHEMA)
    except sqlite3.DatabaseError:
        database.close()
        raise
    return database


def _token(key: str) -> str:
    """A key as one word of the index."""
    return key.replace('"', "")
