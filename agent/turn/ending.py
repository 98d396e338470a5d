"""How a turn ends: what is said, what waits, what is recorded, as one Turn."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from agent.turn import asking
from agent.turn.scene import Scene, Stop
from agent.wording import literal
from bus.action import Action
from bus.entries import (
    AgentSaid,
    ApprovalAsked,
    ApprovalDecided,
    ConfirmationAsked,
    Decided,
    Drafted,
    Entry,
    HandedOver,
    SystemSaid,
)
from bus.message import Button, Card, Memo, Move, Outbound, Turn, Words

AGENT_WORDS_LAST = 15 * 60_000
Band = Literal["send", "flag", "hold"]
Decision = Literal["send", "flag", "ask", "confirm", "approve", "draft", "hand_over"]


@dataclass
class Ending:
    """What a turn will commit, collected in order."""

    scene: Scene
    entries: list[Entry] = field(default_factory=list)
    memos: list[Memo] = field(default_factory=list)
    moves: list[Move] = field(default_factory=list)
    cancel: list[str] = field(default_factory=list)
    changes: dict[str, Any] = field(default_factory=dict)
    _said: list[tuple[int, Outbound]] = field(default_factory=list)

    def record(self, *entries: Entry) -> None:
        """Append lines."""
        self.entries += entries

    def say(
        self,
        text: str,
        buttons: tuple[Button, ...] = (),
        sources: tuple[str, ...] = (),
        cards: tuple[Card, ...] = (),
    ) -> None:
        """Words of the agent to the customer; in draft mode a draft for a person."""
        if not text.strip():
            return
        if self.scene.draft:
            self.draft(text, "draft", cards)
            return
        shown = {"buttons": msgspec.to_builtins(buttons), "cards": msgspec.to_builtins(cards)}
        self.record(AgentSaid(text=text, sources=sources, by="agent", **shown))
        self._send(Words(text, "agent", buttons=buttons, cards=cards), epoch=self.scene.conversation.epoch)

    def goes_out(self, band: Band) -> None:
        """A reply goes out. A flagged one is told to the desk where the conversation has a thread; it opens none."""
        scene = self.scene
        scene.parts.count(band)
        if band == "flag" and scene.conversation.desk is not None:
            turn = scene.work.turn
            self.remind("flagged", scene.journal.now(), {"turn": turn}, key=f"flagged:{turn}")

    def say_for_staff(self, text: str) -> None:
        """The gateway's words while a person has the conversation: not the agent's, so takeover does not silence them."""
        if text.strip():
            self.record(SystemSaid(text=text, by="gateway"))
            self._send(Words(text, "system"), epoch=None)

    def _send(self, words: Words, epoch: int | None) -> None:
        key = f"said:{self.scene.conversation.id}:{self.scene.work.turn}:{len(self._said)}"
        to = self.scene.conversation.address
        outbound = Outbound(key, "say", to, words, epoch=epoch, max_age=AGENT_WORDS_LAST)
        self._said.append((len(self.entries) - 1, outbound))

    def draft(self, text: str, reason: str, cards: tuple[Card, ...] = ()) -> None:
        """Words that wait for a person. Who may change every word sees link cards as links."""
        text = "\n\n".join([text, *(f"[{literal(card.title)}](<{card.url}>)" for card in cards)])
        action = asking.reply_action(self.scene, text, reason)
        self.scene.actions.append(action)
        self.record(Drafted(text=text, action=action.id, by="agent"))
        self.ask_for(action)

    def ask_for(self, action: Action) -> None:
        """Record that somebody was asked, and see to it that they hear of it and that it ends."""
        asked: dict[str, Any] = {"action": action.id, "tool": action.tool, "args": action.args, "digest": action.digest}
        if action.asks == "customer":
            self.record(ConfirmationAsked(**asked))
            self.remind("confirm_expired", action.expires_at, {"action": action.id}, key=f"confirm_expired:{action.id}")
            return
        self.record(ApprovalAsked(**asked))
        self.remind("approval", self.scene.journal.now(), {"action": action.id}, key=f"approval:{action.id}")

    def remind(self, name: str, due_at: int, data: dict[str, Any] | None = None, key: str = "") -> None:
        """Leave a memo."""
        self.memos.append(Memo(key or name, name, due_at, data or {}))

    def withdraw_replies(self) -> None:
        """A newer message came: drafts that answer the older one are withdrawn."""
        for action in self.scene.open_actions:
            if action.what == "reply" and action.state == "pending":
                self.moves.append(Move(action.id, "pending", "withdrawn"))
                decided = ApprovalDecided(
                    action=action.id, verdict="withdrawn", by="customer", digest=action.digest, spec=action.spec
                )
                self.record(decided)
                self.cancel.append(f"expire:{action.id}")
                self.remind(
                    "case_changed", self.scene.journal.now(), {"action": action.id}, key=f"case_changed:{action.id}"
                )

    def decided(
        self, decision: Decision, reason: str, confidence: float, band: Band, parts: dict[str, Any] | None = None
    ) -> None:
        """How the turn ended, and why."""
        scene = self.scene
        self.record(
            Decided(
                decision=decision,
                reason=reason,
                confidence=confidence,
                band=band,
                cost=scene.cost,
                spec=scene.version,
                usage=dict(scene.usage),
                parts=parts or {},
            )
        )

    def hand_over(self, stop: Stop, told: str = "") -> None:
        """A person takes over: the customer hears what is already done and that somebody is coming."""
        scene = self.scene
        notice = asking.reply(scene, stop.notice, action=_action(scene, stop.detail)) if stop.notice else ""
        self.decided("hand_over", stop.reason, 0.0, "hold", {"tool": stop.detail} if stop.detail else None)
        parts = [scene.preface, told, notice]
        if scene.conversation.owner == "staff":
            self._tell_staff(parts)
            return
        if not scene.draft:
            self.say("\n\n".join(part for part in (*parts, asking.reply(scene, "handover")) if part))
        self.record(HandedOver(reason=stop.reason, by="agent"))
        self.cancel.append("quiet")
        self.remind("handover", scene.journal.now(), {"reason": stop.reason})
        self.changes |= {"owner": "staff", "owner_name": "", "status": "waiting_staff"}

    def _tell_staff(self, parts: list[str]) -> None:
        """A person has the conversation already: they see what happened, and the customer what was done."""
        if not self.scene.draft:
            self.say_for_staff("\n\n".join(part for part in parts if part))
        self.remind("case_changed", self.scene.journal.now())

    def turn(self) -> Turn:
        """The whole of it."""
        if self.changes.get("status") == "waiting_customer":
            self.remind("quiet", self.scene.journal.now() + self.scene.spec.quiet)
        count = len(self.entries)
        outbounds = tuple(msgspec.structs.replace(outbound, cause=index - count) for index, outbound in self._said)
        scene = self.scene
        language = scene.language if scene.language != scene.conversation.language else None
        return Turn(
            entries=tuple(self.entries), outbounds=outbounds, actions=tuple(scene.actions), moves=tuple(self.moves),
            memos=tuple(self.memos), cancel=tuple(self.cancel), language=language, **self.changes,
        )  # fmt: skip


def _action(scene: Scene, name: str) -> str:
    return asking.action_name(scene.spec.tools.get(name), name)
