"""What is said, changed and taken back in a chat: parts in order, and none of them twice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from bus.channel import Sending
from bus.errors import Permanent, Retryable, Unavailable
from bus.message import Address, Outbound, Words
from bus.store import Tenant, notes
from channels.telegram import buttons
from channels.telegram.client import Client, Moved
from channels.telegram.incoming import messages_of, platform_id
from channels.telegram.rendering import Part, plainly, rendered

GONE = frozenset({"message_gone", "unchanged"})
UPLOADS = 120.0  # seconds: of 20 MB, over a line that takes them slowly
NO_PREVIEW = {"is_disabled": True}  # a link that the agent wrote is fetched by nobody until somebody follows it
MOVED_FOR = 10 * 365 * 86_400_000  # ms; a group moves once and for good
Json = dict[str, Any]


class Post:
    """Sends to Telegram what the outbox gives it. Telegram cannot be asked what it has: a lost answer stays lost."""

    def __init__(self, client: Client, tenant: Tenant, clock: Callable[[], int]) -> None:
        self._client = client
        self._tenant = tenant
        self._clock = clock
        self._moved: dict[int, int] = {}

    async def send(self, sending: Sending) -> str:
        """See Channel. What Telegram refuses as malformed is sent once more as mere text."""
        outbound = sending.outbound
        if outbound.act == "mark":
            return sending.target
        if outbound.act == "remove":
            return await self._remove(sending.target)
        parts = rendered(outbound.content) if isinstance(outbound.content, Words) else []
        if not parts:
            raise Permanent("nothing_to_say")
        if outbound.act == "replace":
            return await self._replace(sending, parts)
        return await self._say(outbound, parts)

    async def share(self, to: Address, file: Path, caption: str) -> str:
        """A file as a document, with whose it is. https://core.telegram.org/bots/api#senddocument"""
        from aiogram.types import FSInputFile

        chat = _chat(to)
        told = await self._call(
            "sendDocument",
            chat,
            patience=UPLOADS,
            document=FSInputFile(file),
            caption=caption or None,
            message_thread_id=int(to.thread) if to.thread else None,
        )
        return platform_id(await self._where(chat), int(told.get("message_id", 0)) if isinstance(told, dict) else 0)

    # --- new words

    async def _say(self, outbound: Outbound, parts: Sequence[Part]) -> str:
        """Each part once: what is sent of a long message is on the disk before the next part goes, whatever happens then."""
        name = f"parts:{outbound.key}"
        known = await self._noted(name) if len(parts) > 1 else ""
        sent: list[int] = msgspec.json.decode(known) if known else []
        for part in parts[len(sent) :]:
            last = len(sent) == len(parts) - 1
            sent.append(await self._put(outbound.to, part, self._keyboard(outbound) if last else None))
            if not last:
                value, until = msgspec.json.encode(sent).decode(), self._clock() + outbound.max_age
                await self._tenant.write(notes.put, name, value, until, self._clock())
        if len(parts) > 1:
            self._tenant.queue(notes.drop, name)
        return platform_id(await self._where(_chat(outbound.to)), *sent)

    async def _put(self, to: Address, part: Part, keyboard: Json | None) -> int:
        try:
            return await self._message(to, part, keyboard)
        except Permanent as error:
            if error.reason == "thread_not_found" and to.thread:
                return await self._message(msgspec.structs.replace(to, thread=""), part, keyboard)
            if error.reason != "malformed":
                raise
            (plain,) = plainly([part])
            return await self._message(to, plain, None)

    async def _message(self, to: Address, part: Part, keyboard: Json | None) -> int:
        told = await self._call(
            "sendMessage",
            _chat(to),
            text=part.text,
            entities=list(part.entities) or None,
            message_thread_id=int(to.thread) if to.thread else None,
            link_preview_options=NO_PREVIEW,
            reply_markup=keyboard,
        )
        return int(told.get("message_id", 0)) if isinstance(told, dict) else 0

    def _keyboard(self, outbound: Outbound) -> Json | None:
        """One button in a row. They stand for what a line of the log offers, so words without a line have none."""
        words = outbound.content
        if not isinstance(words, Words) or not words.buttons or outbound.cause <= 0:
            return None
        secret = self._client.settings.token.get_secret_value()
        return {
            "inline_keyboard": [
                [
                    {
                        "text": button.label or button.id,
                        "callback_data": buttons.data(secret, outbound.to, outbound.cause, place),
                    }
                ]
                for place, button in enumerate(words.buttons)
            ]
        }

    # --- words that were sent

    async def _replace(self, sending: Sending, parts: Sequence[Part]) -> str:
        """Part for part; what there is more of now is said anew, what there is less of goes."""
        chat, old = messages_of(sending.target)
        if not old:
            raise Permanent("nothing_to_change")
        for message, part in zip(old, parts, strict=False):
            await self._edit(chat, message, part)
        for message in old[len(parts) :]:
            await self._delete(chat, message)
        more = [await self._put(sending.outbound.to, part, None) for part in parts[len(old) :]]
        return platform_id(chat, *old[: len(parts)], *more)

    async def _edit(self, chat: int, message: int, part: Part) -> None:
        try:
            await self._change(chat, message, part)
        except Permanent as error:
            if error.reason == "malformed":
                await self._change(chat, message, plainly([part])[0])
            elif error.reason not in GONE:
                raise

    async def _change(self, chat: int, message: int, part: Part) -> None:
        await self._call(
            "editMessageText",
            chat,
            message_id=message,
            text=part.text,
            entities=list(part.entities) or None,
            link_preview_options=NO_PREVIEW,
        )

    async def _remove(self, target: str) -> str:
        chat, old = messages_of(target)
        if not old:
            raise Permanent("nothing_to_change")
        for message in old:
            await self._delete(chat, message)
        return target

    async def _delete(self, chat: int, message: int) -> None:
        """Bots may delete their words for 48 hours: https://core.telegram.org/bots/api#deletemessage"""
        try:
            await self._call("deleteMessage", chat, message_id=message)
        except Permanent as error:
            if error.reason not in GONE:
                raise

    # --- calls

    async def _where(self, chat: int) -> int:
        """Where a chat is now: a group that became a supergroup has another id, and what was said in it still names the old one."""
        if chat < 0 and chat not in self._moved:
            known = await self._noted(_note(chat))
            self._moved[chat] = int(known) if known else chat
        return self._moved.get(chat, chat)

    async def _noted(self, name: str) -> str:
        """What was written down before the first call. Raises Retryable: Telegram has heard nothing yet."""
        try:
            return await self._tenant.read(notes.get, name, self._clock())
        except Unavailable as error:
            raise Retryable(str(error)) from error

    async def _call(self, method: str, chat: int, **arguments: Any) -> Any:
        """One call; a group that has become a supergroup is found where it is now."""
        try:
            return await self._client.call(method, chat_id=await self._where(chat), **arguments)
        except Moved as moved:
            now, self._moved[chat] = self._clock(), moved.chat
            self._tenant.queue(notes.put, _note(chat), str(moved.chat), now + MOVED_FOR, now)
            return await self._client.call(method, chat_id=moved.chat, **arguments)


def _chat(to: Address) -> int:
    return int(to.peer.partition(":")[0])


def _note(chat: int) -> str:
    """The note of where a group is now."""
    return f"moved:{chat}"
