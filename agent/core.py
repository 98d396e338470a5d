"""The agent: the consumer that serves customers. It decides; the bus writes and sends."""

from __future__ import annotations

from agent import identity, results
from agent.turn import executing, hearing
from agent.turn.scene import Parts, Scene
from bus.consumer import Journal
from bus.entries import Recorded
from bus.message import Turn, Work

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
            return await hearing.edited(scene, work.rows[0])
        return await hearing.said(scene, work.rows)

    async def _scene(self, work: Work, journal: Journal) -> Scene:
        parts, conversation = self._parts, work.conversation
        spec, version = parts.specs.current()
        spec = await parts.servers.resolve(spec) if parts.servers else spec
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
