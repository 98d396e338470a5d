"""The agent: the consumer that serves customers. It decides; the bus writes and sends."""

from __future__ import annotations

import msgspec

from agent import consent, identity, results
from agent.turn import answering, executing
from agent.turn.ending import Ending
from agent.turn.scene import Parts, Scene
from bus.action import Action
from bus.consumer import Journal
from bus.entries import ApprovalAsked, ConfirmationGiven, CustomerPressed, CustomerSaid, Recorded
from bus.message import Move, Received, Turn, Work

WINDOW = 200


class Agent:
    """One agent for all channels. Everything that differs is in the spec."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts

    async def take(self, work: Work, journal: Journal) -> Turn:
        """See bus.consumer.Consumer. Interrupted, Superseded, Stale and Diverged pass through to the bus."""
        scene = await self._scene(work, journal)
        first = work.rows[0].inbound
        if first.kind == "memo":
            return await executing.memo(scene, first.memo, first.data)
        if first.kind in ("edit", "delete"):
            return await _edited(scene, work.rows[0])
        return await _said(scene, work.rows)

    async def _scene(self, work: Work, journal: Journal) -> Scene:
        parts, conversation = self._parts, work.conversation
        spec, version = parts.specs.current()
        channel = conversation.address.channel
        lines = [line for line in await journal.window(WINDOW) if line.episode == conversation.episode]
        now = _now(work, journal, lines)
        who = identity.of(
            conversation,
            work.rows,
            now,
            unseal=parts.unseal,
            secrets=parts.secrets(),
            public=parts.limits_of(channel).pull,
        )
        return Scene(
            parts=parts, work=work, journal=journal, spec=spec, version=version, mode=parts.mode_of(channel), identity=who, lines=lines,
            open_actions=await journal.actions(), now=now, language=conversation.language or spec.language,
            results=results.recorded(line for line in lines if line.turn != work.turn),
        )  # fmt: skip


def build(parts: Parts) -> Agent:
    """The agent with what the roof lends it."""
    return Agent(parts)


def _now(work: Work, journal: Journal, lines: list[Recorded]) -> int:
    """The turn's clock: when its customer's line was recorded, so that a turn that runs again sees the same time."""
    seqs = {row.seq for row in work.rows if row.seq}
    recorded = [line.at for line in lines if line.seq in seqs]
    return max(recorded) if recorded else max(row.inbound.at for row in work.rows) or journal.now()


async def _said(scene: Scene, rows: tuple[Received, ...]) -> Turn:
    """The customer's words, or a press: a word to our question, or a message to serve."""
    ending = Ending(scene)
    ending.withdraw_replies()
    text = "\n".join(filter(None, (_text(scene, row) for row in rows)))
    question = scene.pending_question()
    if question is not None:
        word = _word(scene, rows, question, text)
        if word.word != "unclear":
            await answering.understand(scene, text, plainly=not word.rest)
            scene.language = scene.conversation.language or scene.language
            return await _answered(scene, ending, question, word)
    await answering.answer(scene, ending, text)
    return ending.turn()


def _word(scene: Scene, rows: tuple[Received, ...], question: Action, text: str) -> consent.Consent:
    pressed = next((row.inbound.button for row in rows if row.inbound.kind == "press"), "")
    if pressed in ("yes", "no"):
        return consent.Consent("yes" if pressed == "yes" else "no")
    return consent.read(text, scene.spec.replies, scene.language, scene.spec.language, question.args)


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
        ending.moves.append(Move(action.id, "pending", "pending", by="customer", changed=changed))
        ending.record(ApprovalAsked(action=action.id, tool=action.tool, args=action.args, digest=action.digest))
        ending.remind("approval", scene.journal.now(), {"action": action.id}, key=f"approval:{action.id}")
        return await executing.after_word(scene, ending, "approval_wait", word.rest)
    ending.moves.append(Move(action.id, "pending", "denied", by="customer"))
    return await executing.after_word(scene, ending, "declined", word.rest)


def _text(scene: Scene, row: Received) -> str:
    """What a row says; a press says its button's label and value."""
    inbound = row.inbound
    if inbound.kind != "press":
        return inbound.text or " ".join(f"[{item.name}]" for item in inbound.attachments)
    label = inbound.text or _label(scene, inbound.button)
    return label if inbound.button in label or inbound.button in ("yes", "no") else f"{label} {inbound.button}".strip()


def _label(scene: Scene, button: str) -> str:
    offered = [item for line in scene.lines for item in getattr(line.entry, "buttons", ())]
    return next((str(item["label"]) for item in reversed(offered) if item.get("id") == button), button)


async def _edited(scene: Scene, row: Received) -> Turn:
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
