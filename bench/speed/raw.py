"""What everything is compared with: the least that aiohttp can do, and nothing of it on a disk.

`python -m bench.speed.raw PORT SLACK [TOOL]`: POST /web/messages is answered 202 at once. With an open stream of that bearer the text
comes back on it, after one call of the tool where there is one; without a stream it is posted to Slack.
"""

from __future__ import annotations

import asyncio
import json
import sys

import aiohttp
import uvloop
from aiohttp import web


class Raw:
    """One handler, one client session, no memory."""

    def __init__(self, slack: str, tool: str) -> None:
        self._slack = slack
        self._tool = tool
        self._streams: dict[str, web.StreamResponse] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._seq = 0
        self._session: aiohttp.ClientSession | None = None

    @property
    def _http(self) -> aiohttp.ClientSession:
        self._session = self._session or aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=0))
        return self._session

    def app(self) -> web.Application:
        """The two routes, under the names that the gateway gives them."""
        app = web.Application()
        app.add_routes([web.post("/web/messages", self._message), web.get("/web/events", self._events)])
        return app

    async def _message(self, request: web.Request) -> web.Response:
        said = await request.json()
        task = asyncio.create_task(self._answer(request.headers["Authorization"], said["text"]))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return web.json_response({"id": said["id"]}, status=202)

    async def _answer(self, bearer: str, text: str) -> None:
        stream = self._streams.get(bearer)
        if stream is None:
            async with self._http.post(
                f"{self._slack}/api/chat.postMessage", json={"channel": "C", "text": text}
            ) as answer:
                await answer.read()
            return
        if self._tool:
            async with self._http.get(f"{self._tool}/orders/X-1") as answer:
                text = (await answer.json())["status"]
        self._seq += 1
        data = json.dumps({"seq": self._seq, "from": "agent", "text": text}, separators=(",", ":"))
        await stream.write(f"id: {self._seq}\nevent: message\ndata: {data}\n\n".encode())

    async def _events(self, request: web.Request) -> web.StreamResponse:
        stream = web.StreamResponse(headers={"Content-Type": "text/event-stream"})
        await stream.prepare(request)
        await stream.write(b":\n\n")
        self._streams[request.headers["Authorization"]] = stream
        await asyncio.Event().wait()
        return stream


async def main(port: int, slack: str, tool: str) -> None:
    """Serve until killed."""
    runner = web.AppRunner(Raw(slack, tool).app(), access_log=None)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", port, backlog=1024).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as loop:
        loop.run(main(int(sys.argv[1]), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else ""))
