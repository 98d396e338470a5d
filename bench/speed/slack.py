"""A lean Slack: takes posts, remembers where cases stand, and lets one member of the team answer in each."""

from __future__ import annotations

import asyncio
import itertools
import json
import re
import time
from collections.abc import Callable

from bench.speed.site import SECRET
from bench.speed.wire import Client, serve
from demo.slack.events import signature

MARK = re.compile(rb"q(\d+)q(\d+)q")
WHO = b'{"ok":true,"team_id":"T1","user_id":"UBOT","bot_id":"B1"}'
PERSON = b'{"ok":true,"user":{"id":"USARA","team_id":"T1","real_name":"Sara","profile":{"real_name":"Sara"}}}'


class Slack:
    """`heard` is told the mark (person, serial) of every post that carries one."""

    def __init__(self) -> None:
        self.url = ""
        self.roots: dict[str, str] = {}
        self.calls = 0
        self.heard: Callable[[int, int], None] = lambda _person, _serial: None
        self._stamps = itertools.count(1)
        self._server: asyncio.Server | None = None

    async def open(self) -> None:
        """Listen."""
        self._server, self.url = await serve(self._answer)

    def close(self) -> None:
        """Stop listening."""
        if self._server is not None:
            self._server.close()

    def _answer(self, head: bytes, body: bytes) -> bytes:
        self.calls += 1
        line = head[: head.find(b"\r\n")]
        if b"chat.postMessage" in line:
            return self._post(body)
        if b"auth.test" in line:
            return WHO
        return PERSON if b"users.info" in line else b'{"ok":true,"messages":[],"has_more":false}'

    def _post(self, body: bytes) -> bytes:
        stamp = f"1700000000.{next(self._stamps):06d}"
        mark = MARK.search(body)
        if mark is not None:
            self.heard(int(mark[1]), int(mark[2]))
        elif b"thread_ts" not in body:
            case = json.loads(body).get("metadata", {}).get("event_payload", {}).get("conversation")
            self.roots[str(case)] = stamp
        return b'{"ok":true,"ts":"%b","channel":"C0BENCH"}' % stamp.encode()

    async def quiet(self) -> None:
        """Wait until nothing was called for a while."""
        for _ in range(600):
            before = self.calls
            await asyncio.sleep(0.3)
            if self.calls == before:
                return
        raise TimeoutError("Slack is never left alone")

    async def answer_in(self, client: Client, conversation: str, stamp: str) -> None:
        """A member of the team writes in the thread of this conversation: theirs from now on."""
        event = {
            "type": "message", "channel": "C0BENCH", "user": "USARA", "text": "I am on it.", "ts": stamp,
            "thread_ts": self.roots[conversation],
        }  # fmt: skip
        body = json.dumps(
            {"type": "event_callback", "team_id": "T1", "event_id": f"Ev{stamp}", "event": event}
        ).encode()
        now = str(int(time.time()))
        signed = f"X-Slack-Request-Timestamp: {now}\r\nX-Slack-Signature: {signature(SECRET, now, body)}\r\n"
        answer = await client.post("/webhooks/slack/events", body, signed)
        assert answer.status == 200, answer
