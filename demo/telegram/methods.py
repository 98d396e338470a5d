"""The Bot API's methods, as far as a support bot needs them: https://core.telegram.org/bots/api#available-methods"""

import asyncio
import json
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from demo.telegram.courier import Webhook
from demo.telegram.formatting import Refused, formatted, units
from demo.telegram.messenger import Chat, Message, Messenger

Json = dict[str, Any]
Args = dict[str, Any]
STRUCTURED = ("entities", "reply_markup", "link_preview_options", "allowed_updates", "commands", "reply_parameters")
ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker",
    "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
SECRET = re.compile(r"[A-Za-z0-9_-]{1,256}")
DELETABLE = 48 * 3600
LONGEST_POLL = 50
LARGEST, LONGEST_CAPTION = 50 * 1024 * 1024, 1024
UPLOADS = "\0uploads"  # no argument's name


@dataclass(frozen=True)
class Upload:
    """A file in a multipart form."""

    name: str
    content: bytes


async def get_me(messenger: Messenger, _: Args) -> Json:
    return messenger.bot.told() | {
        "username": messenger.username, "can_join_groups": True, "can_read_all_group_messages": False,
        "supports_inline_queries": False, "can_connect_to_business": False, "has_main_web_app": False,
    }  # fmt: skip


async def send_message(messenger: Messenger, args: Args) -> Json:
    chat = _writable(messenger, args)
    if messenger.refuse_next:
        raise messenger.refuse_next.pop(0)
    text, entities = _text(args)
    keyboard = _keyboard(args)
    messenger.check_pace(chat.id)
    thread = int(args.get("message_thread_id") or 0)
    if thread < 0:
        raise Refused("Bad Request: message thread not found")
    return messenger.add(chat, messenger.bot, text, entities, thread=thread, keyboard=keyboard).told()


async def send_document(messenger: Messenger, args: Args) -> Json:
    chat = _writable(messenger, args)
    upload = args.get(UPLOADS, {}).get(str(args.get("document", "")).removeprefix("attach://"))
    if upload is None or not upload.content:
        raise Refused("Bad Request: file must be non-empty")
    if len(upload.content) > LARGEST:
        raise Refused("Request Entity Too Large", 413)
    if units(str(args.get("caption", ""))) > LONGEST_CAPTION:
        raise Refused("Bad Request: message caption is too long")
    messenger.check_pace(chat.id)
    document = messenger.store(f"d{len(messenger.files) + 1}", upload.content) | {"file_name": upload.name}
    more = {"document": document} | ({"caption": args["caption"]} if args.get("caption") else {})
    return messenger.add(chat, messenger.bot, "", [], thread=int(args.get("message_thread_id") or 0), more=more).told()


async def edit_message_text(messenger: Messenger, args: Args) -> Json:
    message = _own(messenger, args, "edit")
    text, entities = _text(args)
    keyboard = _keyboard(args)
    if (text, entities, keyboard) == (message.text, message.entities, message.keyboard):
        raise Refused(
            "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"
        )
    message.text, message.entities, message.keyboard = text, entities, keyboard
    message.edited = messenger.clock() // 1000
    messenger.announce({"message": message})
    return message.told()


async def edit_message_reply_markup(messenger: Messenger, args: Args) -> Json:
    message = _own(messenger, args, "edit")
    keyboard = _keyboard(args)
    if keyboard == message.keyboard:
        raise Refused("Bad Request: message is not modified")
    message.keyboard = keyboard
    messenger.announce({"message": message})
    return message.told()


async def delete_message(messenger: Messenger, args: Args) -> bool:
    message = messenger.message(_chat(messenger, args).id, _number(args, "message_id"))
    if message is None:
        raise Refused("Bad Request: message to delete not found")
    if messenger.clock() // 1000 - message.date > DELETABLE:
        raise Refused("Bad Request: message can't be deleted for everyone")
    messenger.messages.remove(message)
    messenger.removed.append(message)
    messenger.announce({"removed": message})
    return True


async def answer_callback_query(messenger: Messenger, args: Args) -> bool:
    query, text = str(args.get("callback_query_id", "")), str(args.get("text", ""))
    if query not in messenger.answered:
        raise Refused("Bad Request: query is too old and response timeout expired or query ID is invalid")
    if units(text) > 200:
        raise Refused("Bad Request: MESSAGE_TOO_LONG")
    messenger.answered[query] = text or "answered"
    return True


async def send_chat_action(messenger: Messenger, args: Args) -> bool:
    chat = _writable(messenger, args)
    if args.get("action") not in ACTIONS:
        raise Refused("Bad Request: wrong parameter action in request")
    messenger.actions.append((chat.id, str(args["action"])))
    messenger.announce({"typing": chat})
    return True


async def send_message_draft(messenger: Messenger, args: Args) -> bool:
    chat = _writable(messenger, args)
    if chat.type != "private":
        raise Refused("Bad Request: message drafts can be sent only to private chats")
    if not _number(args, "draft_id"):
        raise Refused("Bad Request: DRAFT_ID_INVALID")
    text, entities = _text(args) if args.get("text") else ("", [])
    messenger.drafts.append((chat.id, text))
    messenger.announce({"draft": chat, "text": text, "entities": entities})
    return True


async def get_file(messenger: Messenger, args: Args) -> Json:
    file_id = str(args.get("file_id", ""))
    content = messenger.files.get(file_id)
    if content is None:
        raise Refused("Bad Request: wrong file_id or the file is temporarily unavailable")
    if len(content) > 20 * 1024 * 1024:
        raise Refused("Bad Request: file is too big")
    return {
        "file_id": file_id, "file_unique_id": f"u{file_id}", "file_size": len(content), "file_path": f"documents/{file_id}",
    }  # fmt: skip


async def set_my_commands(messenger: Messenger, args: Args) -> bool:
    commands = args.get("commands")
    if not isinstance(commands, list) or len(commands) > 100:
        raise Refused("Bad Request: parameter commands is required")
    for one in commands:
        if not re.fullmatch(r"[a-z0-9_]{1,32}", str(one.get("command"))):
            raise Refused("Bad Request: BOT_COMMAND_INVALID")
        if not 1 <= len(str(one.get("description", ""))) <= 256:
            raise Refused("Bad Request: BOT_COMMAND_DESCRIPTION_INVALID")
    messenger.commands = commands
    return True


async def delete_my_commands(messenger: Messenger, _: Args) -> bool:
    messenger.commands = []
    return True


async def set_webhook(messenger: Messenger, args: Args) -> bool:
    url, secret = str(args.get("url", "")), str(args.get("secret_token", ""))
    if not re.match(r"https?://", url) or (url.startswith("http://") and not url.startswith("http://127.0.0.1")):
        raise Refused("Bad Request: bad webhook: An HTTPS URL must be provided for webhook")
    if secret and not SECRET.fullmatch(secret):
        raise Refused("Bad Request: secret token contains unallowed characters")
    messenger.courier.webhook = Webhook(url, secret, list(args.get("allowed_updates") or ()))
    if messenger.polling is not None:
        messenger.polling.set()
    messenger.courier.run()
    return True


async def delete_webhook(messenger: Messenger, args: Args) -> bool:
    allowed = messenger.courier.webhook.allowed
    messenger.courier.webhook = Webhook(allowed=allowed)
    if str(args.get("drop_pending_updates", "")).lower() == "true":
        messenger.courier.waiting.clear()
    return True


async def get_webhook_info(messenger: Messenger, _: Args) -> Json:
    webhook = messenger.courier.webhook
    found: Json = {
        "url": webhook.url, "has_custom_certificate": False, "pending_update_count": len(messenger.courier.waiting),
        "max_connections": 40,
    }  # fmt: skip
    if webhook.last_error:
        found |= {"last_error_date": webhook.last_error_at, "last_error_message": webhook.last_error}
    return found | ({"allowed_updates": webhook.allowed} if webhook.allowed else {})


async def get_updates(messenger: Messenger, args: Args) -> list[Json]:
    """Long polling: a second call ends the first."""
    courier = messenger.courier
    if courier.webhook.url:
        raise Refused(
            "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first",
            409,
        )
    if "allowed_updates" in args:
        courier.webhook.allowed = list(args["allowed_updates"])
    if args.get("offset"):
        courier.confirm(_number(args, "offset"))
    ended = asyncio.Event()
    if messenger.polling is not None:
        messenger.polling.set()
    messenger.polling = ended
    try:
        await _something(messenger, min(_number(args, "timeout"), LONGEST_POLL), ended)
    finally:
        if messenger.polling is ended:
            messenger.polling = None
    if ended.is_set():
        raise Refused(
            "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running", 409
        )
    limit = _number(args, "limit") or 100
    return [update.payload for update in list(courier.waiting)[:limit]]


async def _something(messenger: Messenger, seconds: int, ended: asyncio.Event) -> None:
    courier = messenger.courier
    courier.expire()
    courier.news.clear()
    if courier.waiting or not seconds:
        return
    waits = [asyncio.ensure_future(courier.news.wait()), asyncio.ensure_future(ended.wait())]
    try:
        await asyncio.wait(waits, timeout=seconds, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for one in waits:
            one.cancel()


# --- arguments


def structured(args: Args) -> Args:
    """Nested arguments are JSON inside a string. Raises Refused."""
    found = dict(args)
    for name in STRUCTURED:
        if isinstance(found.get(name), str):
            try:
                found[name] = json.loads(found[name])
            except ValueError:
                raise Refused(f"Bad Request: can't parse {name} JSON object") from None
    return found


def _number(args: Args, name: str) -> int:
    try:
        return int(args.get(name) or 0)
    except (TypeError, ValueError):
        raise Refused(f"Bad Request: invalid {name} specified") from None


def _chat(messenger: Messenger, args: Args) -> Chat:
    chat = _number(args, "chat_id")
    if chat not in messenger.chats:
        raise Refused("Bad Request: chat not found")
    return messenger.chats[chat]


def _writable(messenger: Messenger, args: Args) -> Chat:
    chat = _chat(messenger, args)
    if chat.moved_to:
        raise Refused("Bad Request: group chat was upgraded to a supergroup chat", migrate_to_chat_id=chat.moved_to)
    if chat.closed:
        raise Refused(chat.closed, 403 if chat.closed.startswith("Forbidden") else 400)
    return chat


def _own(messenger: Messenger, args: Args, what: str) -> Message:
    message = messenger.message(_chat(messenger, args).id, _number(args, "message_id"))
    if message is None:
        raise Refused(f"Bad Request: message to {what} not found")
    if not message.by.is_bot:
        raise Refused("Bad Request: message can't be edited")
    return message


def _text(args: Args) -> tuple[str, list[Json]]:
    if not str(args.get("text", "")).strip():
        raise Refused("Bad Request: message text is empty")
    entities = args.get("entities")
    if entities is not None and not isinstance(entities, list):
        raise Refused("Bad Request: can't parse entities: expected an array")
    return formatted(str(args["text"]), entities, str(args.get("parse_mode", "")))


def _keyboard(args: Args) -> list[list[Json]]:
    markup = args.get("reply_markup") or {}
    rows = markup.get("inline_keyboard", []) if isinstance(markup, dict) else None
    if not isinstance(rows, list) or not all(isinstance(row, list) for row in rows):
        raise Refused("Bad Request: can't parse reply keyboard markup JSON object")
    for key in (key for row in rows for key in row):
        if not str(key.get("text", "")).strip():
            raise Refused(
                "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard"
            )
        if not 1 <= len(str(key.get("callback_data", "")).encode()) <= 64:
            raise Refused("Bad Request: BUTTON_DATA_INVALID")
    return rows


METHODS: dict[str, Callable[[Messenger, Args], Awaitable[Any]]] = {
    method.__name__.replace("_", ""): method
    for method in (
        get_me, send_message, edit_message_text, edit_message_reply_markup, delete_message, answer_callback_query, send_chat_action,
        send_document, send_message_draft, get_file, set_my_commands, delete_my_commands, set_webhook, delete_webhook, get_webhook_info,
        get_updates,
    )
}  # fmt: skip
