"""What the customer did: said something, agreed, pressed a button, changed a message."""

from __future__ import annotations

from typing import Literal

import msgspec
import structlog

from agent import consent
from agent.turn import answering, executing
from agent.turn.ending import Ending
from agent.turn.scene import Scene
from bus.action import Action
from bus.entries import ApprovalAsked, ConfirmationGiven, CustomerPressed, CustomerSaid, Retrieved
from bus.errors import GatewayError
from bus.message import Attachment, Move, Received, Turn

logger = structlog.get_logger(__name__)
LONGEST = 8_000


async def said(scene: Scene, rows: tuple[Received, ...]) -> Turn:
    """The customer's words, or a press: a word to our question, or a message to serve."""
    ending = Ending(scene)
    ending.withdraw_replies()
    text = "\n".join(filter(None, (_text(scene, row) for row in rows)))
    question, pressed = scene.pending_question(), _pressed(rows)
    if pressed and (question is None or not scene.is_about(question, _line_of(rows[0]))):
        return _too_late(scene, ending)
    if question is not None:
        word = consent.Consent(pressed) if pressed else _word(scene, question, text)
        if word.word != "unclear":
            await answering.understand(scene, text, plainly=not word.rest)
            scene.language = scene.conversation.language or scene.language
            return await _answered(scene, ending, question, word)
    names = "" if text else " ".join(f"[{file.name}]" for row in rows for file in row.inbound.attachments)
    await answering.answer(scene, ending, text + names + await _files(scene, rows))  # a file's name agrees to nothing
    return ending.turn()


async def _files(scene: Scene, rows: tuple[Received, ...]) -> str:
    """What the customer's files say, as more of their own words: it decides nothing and backs nothing that we say."""
    files = [file for row in rows for file in row.inbound.attachments]
    if not files:
        return ""

    async def produce() -> Retrieved:
        passages = [
            {"source": file.name, "heading": "", "score": 0, "text": await _read(scene, file)} for file in files
        ]
        return Retrieved(query="files", passages=tuple(passage for passage in passages if passage["text"]))

    found: Retrieved = await scene.step({"files": [file.source for file in files]}, produce)
    return "".join(f"\n[{passage['source']}]\n{passage['text']}" for passage in found.passages)


async def _read(scene: Scene, file: Attachment) -> str:
    try:
        text = await scene.parts.read_file(msgspec.structs.replace(file, channel=scene.channel))
    except GatewayError as error:
        logger.info("file.not_read", conversation=scene.conversation.id, error=str(error))
        return ""
    return text[:LONGEST]


def _pressed(rows: tuple[Received, ...]) -> Literal["yes", "no"] | None:
    """The button of a confirmation, if that is what was pressed."""
    button = rows[0].inbound.button if rows[0].inbound.kind == "press" else ""
    return "yes" if button == "yes" else "no" if button == "no" else None


def _line_of(row: Received) -> int:
    """The log's line that was pressed, 0 where the channel cannot tell: `data.of`, or our own id of a message (m and its seq)."""
    of = row.inbound.data.get("of", 0)
    target = row.inbound.target
    return int(target[1:]) if target[:1] == "m" and target[1:].isdecimal() else int(of)


def _too_late(scene: Scene, ending: Ending) -> Turn:
    """A button of a question that is not the open one decides nothing; the open one is asked again."""
    words, buttons = answering.with_open_question(scene, ending, "")
    if words:
        ending.decided("ask", "open_question", 1.0, "send")
        ending.say(words, buttons)
        ending.changes["status"] = "waiting_customer"
    return ending.turn()


def _word(scene: Scene, question: Action, text: str) -> consent.Consent:
    language = scene.conversation.language or scene.spec.language
    return consent.read(text, scene.spec.replies, language, scene.spec.language, question.args)


async def _answered(scene: Scene, ending: Ending, action: Action, word: consent.Consent) -> Turn:
    """The customer decided: record it; a yes runs the call in a turn of its own, and the rest of the message is served there."""
    verdict = "approved" if word.word == "yes" else "denied"
    ending.record(
        ConfirmationGiven(
            action=action.id, verdict=verdict, by="customer", tool=action.tool, args=action.args, digest=action.digest
        )
    )
    ending.cancel.append(f"confirm_expired:{action.id}")
    if word.word == "yes" and not action.then_staff:
        ending.moves.append(Move(action.id, "pending", "approved", by="customer"))
        ending.decided("send", "consent", 1.0, "send")
        ending.remind(
            "execute", scene.journal.now(), {"action": action.id, "rest": word.rest}, key=f"execute:{action.id}"
        )
        return ending.turn()
    if word.word == "yes":
        changed = msgspec.structs.replace(action, asks="staff")
        ending.moves.append(Move(action.id, "pending", "pending", changed=changed))
        ending.record(ApprovalAsked(action=action.id, tool=action.tool, args=action.args, digest=action.digest))
        ending.remind("approval", scene.journal.now(), {"action": action.id}, key=f"approval:{action.id}")
        return await executing.after_word(scene, ending, "approval_wait", word.rest)
    ending.moves.append(Move(action.id, "pending", "denied", by="customer"))
    return await executing.after_word(scene, ending, "declined", word.rest)


def _text(scene: Scene, row: Received) -> str:
    """What a row says; a press says its button's label and value."""
    inbound = row.inbound
    if inbound.kind != "press":
        return inbound.text[:LONGEST]
    label = inbound.text or _label(scene, inbound.button)
    return label if inbound.button in label or inbound.button in ("yes", "no") else f"{label} {inbound.button}".strip()


def _label(scene: Scene, button: str) -> str:
    offered = [item for line in scene.lines for item in getattr(line.entry, "buttons", ())]
    return next((str(item["label"]) for item in reversed(offered) if item.get("id") == button), button)


async def edited(scene: Scene, row: Received) -> Turn:
    """A changed message is served again only if it was the customer's last one; a deleted one is not."""
    said = [line.entry.id for line in scene.lines if isinstance(line.entry, CustomerSaid | CustomerPressed)]
    newest = said[-1] if said else ""
    ending = Ending(scene)
    if (
        row.inbound.kind == "edit"
        and row.inbound.text
        and (newest == row.inbound.target or newest.endswith(f":{row.inbound.target}"))
    ):
        ending.withdraw_replies()
        await answering.answer(scene, ending, row.inbound.text)
    return ending.turn()
