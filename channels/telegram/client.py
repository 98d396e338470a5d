"""The one door to Telegram's Bot API: aiogram calls, and what became of it is said in our own errors. It retries nothing.

| Telegram says | it is |
| --- | --- |
| 429 Too Many Requests, `retry_after` | Retryable after so many seconds |
| 400 … upgraded to a supergroup chat, `migrate_to_chat_id` | Moved, sent to the new chat at once |
| 400 can't parse entities / ENTITY_… / unsupported … / BUTTON_… / reply markup | Permanent `malformed`, once more as mere text |
| 400 message is too long | Permanent `too_long` |
| 400 message text is empty | Permanent `nothing_to_say` |
| 400 chat not found | Permanent `chat_not_found` |
| 400 message thread not found / TOPIC_CLOSED / TOPIC_DELETED | Permanent `thread_not_found` |
| 400 not enough rights / have no rights / CHAT_WRITE_FORBIDDEN / CHAT_RESTRICTED | Permanent `no_rights` |
| 400 message is not modified | Permanent `unchanged`, which is success |
| 400 message to edit (delete) not found / MESSAGE_ID_INVALID | Permanent `message_gone` |
| 400 message can't be edited / deleted | Permanent `too_late_to_change` |
| 400 query is too old | Permanent `query_too_old` |
| 400 anything else | Permanent `refused` |
| 401 Unauthorized; 404 Not Found | Permanent `unauthorized`: the token is wrong |
| 403 bot was blocked by the user / user is deactivated / kicked / can't initiate conversation / bots | Permanent, each by name |
| 409 Conflict | Retryable: somebody else asks for updates, or a webhook is set |
| 413 Request Entity Too Large | Permanent `too_large` |
| 5xx, an answer that is none, a connection that broke | Uncertain: it may have been sent |
| no connection | Retryable |

https://core.telegram.org/bots/api#making-requests, https://core.telegram.org/bots/api#responseparameters; the texts stand in
https://github.com/tdlib/telegram-bot-api and https://core.telegram.org/method/messages.sendMessage#possible-errors
"""

from __future__ import annotations

import asyncio
import re
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies

import aiohttp

from bus.errors import GatewayError, Permanent, Retryable, Uncertain
from bus.failpoint import failpoint
from channels.telegram.settings import Settings

if TYPE_CHECKING:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.methods import TelegramMethod

Json = dict[str, Any]
REASONS = (
    (r"can't parse|entit|unsupported|button_|reply markup|inline keyboard|can't find end", "malformed"),
    (r"message is too long|text is too long|media_caption_too_long", "too_long"),
    (r"text is empty|text must be non-empty|message_empty", "nothing_to_say"),
    (r"chat not found|peer_id_invalid|user not found", "chat_not_found"),
    (r"thread not found|topic_closed|topic_deleted|topic_id_invalid", "thread_not_found"),
    (r"not enough rights|have no rights|write_forbidden|chat_restricted|need administrator rights", "no_rights"),
    (r"is not modified", "unchanged"),
    (r"message to (edit|delete|be replied|react) not found|message_id_invalid", "message_gone"),
    (r"can't be (edited|deleted)", "too_late_to_change"),
    (r"query is too old|query id is invalid", "query_too_old"),
    (r"blocked by the user", "blocked"),
    (r"user is deactivated", "deactivated"),
    (r"was kicked|not a member", "kicked"),
    (r"can't initiate conversation", "not_started"),
    (r"can't send messages to (the )?bots?", "is_a_bot"),
)


class Moved(GatewayError):
    """The group has become a supergroup, with an id of its own: nothing was sent."""

    def __init__(self, chat: int) -> None:
        super().__init__()
        self.chat = chat


class Client:
    """Calls Telegram by its methods' own names. The SDK is loaded beside everything else, at the first call."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self._bot: Bot | None = None
        self._retired: list[Bot] = []
        self._opening = asyncio.Lock()
        self._closed = False

    def reconfigure(self, settings: Settings) -> bool:
        """From now on, these settings. True for another bot or place: what is under way ends on the connection it began on."""
        before, self.settings = self.settings, settings
        if (before.token, before.api_base) == (settings.token, settings.api_base):
            return False
        if self._bot is not None:
            self._retired.append(self._bot)
            self._bot = None
        return True

    async def close(self) -> None:
        """End the sessions; what is called after this is Retryable."""
        self._closed = True
        bots = [*self._retired, *([self._bot] if self._bot else [])]
        self._retired, self._bot = [], None
        for bot in bots:
            await bot.session.close()

    async def call(self, method: str, *, patience: float | None = None, **arguments: Any) -> Any:
        """What Telegram answers within `patience` seconds. Raises Retryable, Permanent, Uncertain or Moved."""
        bot = await self._open()
        asked = _method(method)(**{name: value for name, value in arguments.items() if value is not None})
        return await _answer(bot, asked, patience or self.settings.timeout)

    async def read(self, method: str, *, patience: float | None = None, **arguments: Any) -> Any:
        """Likewise, of a method that changes nothing, or may be called again: a lost answer is Retryable."""
        try:
            return await self.call(method, patience=patience, **arguments)
        except Uncertain as error:
            raise Retryable(str(error)) from error

    async def _open(self) -> Bot:
        async with self._opening:
            if self._closed:
                raise Retryable("the connection to Telegram is closed")
            if self._bot is None:
                await asyncio.to_thread(import_module, "aiogram")
                self._bot = _bot(self.settings)
            return self._bot


def _bot(settings: Settings) -> Bot:
    from aiogram import Bot
    from aiogram.client.session.aiohttp import AiohttpSession
    from aiogram.client.telegram import TelegramAPIServer

    class Session(AiohttpSession):
        """The environment's proxies, and an end without a quarter of a second's sleep."""

        async def create_session(self) -> aiohttp.ClientSession:
            if self._session is None or self._session.closed:
                proxied = not getproxies().keys().isdisjoint({"http", "https"})  # else aiohttp looks at each call
                self._session = aiohttp.ClientSession(cookie_jar=aiohttp.DummyCookieJar(), trust_env=proxied)
            return self._session

        async def close(self) -> None:
            if self._session is not None:
                await self._session.close()

    session: AiohttpSession = Session(api=TelegramAPIServer.from_base(settings.api_base))
    return Bot(settings.token.get_secret_value(), session=session)


@cache
def _method(name: str) -> type[TelegramMethod[Any]]:
    """A method whose answer is taken as it comes: a field that Telegram adds tomorrow must not hide what was sent today."""
    from aiogram import methods

    known: type[TelegramMethod[Any]] = getattr(methods, name[0].upper() + name[1:])
    return type(known.__name__, (known,), {"__returning__": Any, "__module__": __name__})


async def _answer(bot: Bot, asked: TelegramMethod[Any], patience: float) -> Any:
    from aiogram.exceptions import AiogramError

    try:
        answer = await bot(asked, request_timeout=max(int(patience), 1))
    except AiogramError as error:
        raise translated(error) from error
    except OSError as error:
        raise Uncertain(f"Telegram's answer was lost: {type(error).__name__}") from error
    failpoint("K19")
    return answer


def translated(error: Exception) -> GatewayError:
    """Telegram's refusal in our own words. None of them holds the address of the call, which has the token in it."""
    from aiogram import exceptions as they

    match error:
        case they.TelegramRetryAfter():
            return Retryable("Telegram: too many requests", after=float(error.retry_after))
        case they.TelegramMigrateToChat():
            return Moved(error.migrate_to_chat_id)
        case they.TelegramConflictError():
            return Retryable(f"Telegram: {error.message}")
        case they.TelegramEntityTooLarge():
            return Permanent("too_large")
        case they.TelegramUnauthorizedError() | they.TelegramNotFound():
            return Permanent("unauthorized", f"Telegram: {error.message}")
        case they.TelegramNetworkError():
            return _unheard(error.__cause__)
        case they.TelegramBadRequest() | they.TelegramForbiddenError():
            return Permanent(reason(error.message), f"Telegram: {error.message}")
    return Uncertain(f"Telegram: {type(error).__name__}")


def reason(told: str) -> str:
    """The short name of a refusal."""
    said = told.lower()
    return next((name for pattern, name in REASONS if re.search(pattern, said)), "refused")


def _unheard(cause: BaseException | None) -> GatewayError:
    if isinstance(cause, aiohttp.ClientConnectorError | aiohttp.ConnectionTimeoutError):
        return Retryable("Telegram cannot be reached")
    return Uncertain(f"Telegram's answer was lost: {type(cause).__name__}")
