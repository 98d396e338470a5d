"""Tool calls under policy: nothing is called that the spec does not allow, and everything is recorded first."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec

from agent import arguments, policy
from agent.arguments import plain, recordable
from agent.policy import Verdict
from agent.results import Known, agree, newest
from agent.spec import Bearer, Tool
from agent.tools.http import Reply
from agent.turn import asking
from agent.turn.scene import Scene, Stop
from bus.canonical import digest
from bus.effect import Claim, Reservation
from bus.entries import ToolAnswered, ToolAsked
from bus.message import Move

DEEPEST = 3
BUSY = "it is being done right now"
LIMIT = "limit:"


class Refused(Exception):
    """Policy, schema or the list of tools says no; the text says why."""


class Calls:
    """The calls of one turn. The same call twice gives the first answer again."""

    def __init__(self, scene: Scene) -> None:
        self._scene = scene
        self._seen: dict[str, Known] = {}

    async def run(self, name: str, args: Mapping[str, Any], *, by_gateway: bool = False, depth: int = 0) -> Known:
        """Guard a call and make it, or ask for it. `by_gateway`: needed by policy or look-up, whatever the profile.

        Raises Stop when a person must take over.
        """
        scene, given = self._scene, recordable(dict(args))
        key = digest([name, given])
        if key not in self._seen:
            scene.calls += 1
            scene.check_budget()
            self._seen[key] = await self._guarded(name, given, by_gateway, depth)
        if not by_gateway and not self._seen[key].by_model:
            told = msgspec.structs.replace(self._seen[key], by_model=True)
            scene.results = [told if known is self._seen[key] else known for known in scene.results]
            self._seen[key] = told
        return self._seen[key]

    async def _guarded(self, name: str, given: dict[str, Any], by_gateway: bool, depth: int) -> Known:
        scene = self._scene
        try:
            tool = self._declared(name, by_gateway)
            args = await self._completed(tool, given, depth)
        except Refused as refusal:
            return await self.refuse(name, given, str(refusal))
        verdict = policy.decide(tool, scene.variables(args), draft=scene.draft or scene.waits_for_person)
        if verdict.verdict == "refuse":
            return await self.refuse(name, args, verdict.because)
        if verdict.verdict != "allow":
            return self._keep(asking.ask(scene, name, tool, args, verdict))
        known = await (self._write(name, tool, args) if tool.writes else self._read(name, tool, args))
        return self.judge(tool, self._keep(msgspec.structs.replace(known, by_model=not by_gateway)))

    def _declared(self, name: str, by_gateway: bool) -> Tool:
        scene = self._scene
        if name not in scene.spec.tools:
            raise Refused("no such tool")
        if not by_gateway and not scene.has(name):
            raise Refused("not a tool of this profile")
        if not scene.usable(scene.spec.tools[name]):
            raise Stop("identity_required", "identity_required")
        return scene.spec.tools[name]

    async def _completed(self, tool: Tool, given: dict[str, Any], depth: int) -> dict[str, Any]:
        """The whole arguments: what was given, checked, and what is bound to recorded results. Raises Refused."""
        args = {key: value for key, value in given.items() if key not in tool.bind}
        if wrong := arguments.problem(arguments.offered(tool), args):
            raise Refused(wrong)
        for needed in policy.needs(self._scene.spec, tool):
            await self._have(needed, args, tool, depth)
            args |= self._bound(needed, tool, args)
        if wrong := arguments.problem(arguments.complete(tool), args):
            raise Refused(wrong)
        return args

    async def renew(self, tool: Tool, needed: Sequence[str], args: dict[str, Any]) -> None:
        """Look up anew what a recorded call stands on. Raises Refused when it is gone, or when a bound value has changed."""
        for name in needed:
            await self._have(name, args, tool, 0, renew=True)
            if not agree(self._bound(name, tool, args), args):
                raise Refused(f"{name} says something else by now")

    async def _have(self, needed: str, args: dict[str, Any], tool: Tool, depth: int, *, renew: bool = False) -> None:
        """See to it that a result of `needed` is there; the gateway calls a read with known arguments itself."""
        scene = self._scene
        if not renew and newest(scene.results, scene.spec, needed, args, scene.now, tool.max_age):
            return
        source = scene.spec.tools.get(needed)
        if source is None or source.writes or depth >= DEEPEST:
            raise Refused(f"there is no recorded result of {needed}")
        known = {key: args[key] for key in source.arguments if key in args and key not in source.bind}
        if missing := [key for key in source.required if key not in known and key not in source.bind]:
            raise Refused(f"{needed} needs {', '.join(missing)}")
        answer = await self.run(needed, known, by_gateway=True, depth=depth + 1)
        if answer.status != "ok":
            raise Refused(f"{needed}: {answer.status}")

    def _bound(self, needed: str, tool: Tool, args: dict[str, Any]) -> dict[str, Any]:
        paths = {key: path.partition(".")[2] for key, path in tool.bind.items() if path.split(".")[0] == needed}
        if not paths:
            return {}
        found = newest(self._scene.results, self._scene.spec, needed, args, self._scene.now, tool.max_age)
        try:
            return {key: arguments.value_at(found.result if found else None, path) for key, path in paths.items()}
        except KeyError as missing:
            raise Refused(f"{needed} has no {missing.args[0]}") from None

    async def refuse(self, name: str, args: dict[str, Any], because: str) -> Known:
        """Record a call that was not made."""
        effect = _effect(self._scene.spec.tools.get(name))
        asked = ToolAsked(tool=name, args=args, policy={"verdict": "refuse", "because": because}, effect=effect)
        answer = ToolAnswered(tool=name, status="refused", result={"because": because}, args=args, effect=effect)
        await self._record("asked", asked)
        return self._keep(_known(await self._record("answered", answer), self._scene.now, because))

    async def _record(self, what: str, entry: ToolAsked | ToolAnswered) -> Any:
        async def produce() -> ToolAsked | ToolAnswered:
            return entry

        verdict = entry.policy["verdict"] if isinstance(entry, ToolAsked) else entry.status
        return await self._scene.step({what: entry.tool, "args": entry.args, "verdict": verdict}, produce)

    async def _read(self, name: str, tool: Tool, args: dict[str, Any]) -> Known:
        await self._record("asked", ToolAsked(tool=name, args=args, policy={"verdict": "allow", "because": ""}))

        async def produce() -> ToolAnswered:
            return await self._called(name, tool, args, write=False)

        answer = await self._scene.step({"answered": name, "args": args}, produce)
        return _known(answer, self._scene.now)

    async def _write(self, name: str, tool: Tool, args: dict[str, Any]) -> Known:
        scene = self._scene
        claim = policy.claim(name, tool, args, scene.scope, f"{scene.conversation.id}:{scene.work.turn}:{scene.calls}")
        return await self.write(name, tool, args, claim, Verdict("allow"))

    async def repeat(
        self, name: str, tool: Tool, args: dict[str, Any], claim: Claim, action: str, move: Move | None
    ) -> Known:
        """Make a call that was agreed upon, as recorded."""
        return self._keep(await self.write(name, tool, args, claim, Verdict("allow", "agreed"), action, move))

    async def write(
        self,
        name: str,
        tool: Tool,
        args: dict[str, Any],
        claim: Claim,
        verdict: Verdict,
        action: str = "",
        move: Move | None = None,
    ) -> Known:
        """Record the intent, wait for it, make the call, record the answer. An intent found without an answer is not repeated blindly."""
        scene, new = self._scene, False
        because = {"verdict": verdict.verdict, "because": verdict.because}

        def record(place: Reservation) -> ToolAsked:
            nonlocal new
            new = True
            told = because if place.verdict in ("go", "done") else {"verdict": "refuse", "because": _why(place)}
            return ToolAsked(
                tool=name, args=args, policy=told, effect="write", idempotency_key=claim.idempotency_key, action=action
            )

        asked, place = await scene.journal.intend({"asked": name, "args": args}, claim, record, move)
        request = {"answered": name, "args": args}

        async def produce() -> ToolAnswered:
            again = not new and not (tool.http and tool.http.idempotent)
            if place.verdict != "go" or asked.policy["verdict"] == "refuse" or again:
                return _settled(name, args, place, action, lost=again)
            return await self._called(name, tool, args, write=True, key=claim.idempotency_key, action=action)

        if place.verdict in ("go", "limit"):
            answer: Any = await scene.journal.outcome(request, produce, claim)
        else:
            answer = await scene.step(request, produce)
        return msgspec.structs.replace(_known(answer, scene.now, _why(place)), made=place.verdict == "go")

    async def _called(
        self, name: str, tool: Tool, args: dict[str, Any], *, write: bool, key: str = "", action: str = ""
    ) -> ToolAnswered:
        scene = self._scene
        began = scene.journal.now()
        reply = await self._reply(tool, args, write=write, key=key)
        return ToolAnswered(
            tool=name, status=reply.status, result=_told(reply), args=args, effect=_effect(tool),
            milliseconds=max(0, scene.journal.now() - began), action=action,
        )  # fmt: skip

    async def _reply(self, tool: Tool, args: dict[str, Any], *, write: bool, key: str) -> Reply:
        parts = self._scene.parts
        if tool.http is not None:
            return await parts.tools.call(tool.http, args, self._scene.identity, write=write, key=key)
        if tool.mcp is not None and parts.servers is not None:
            return await parts.servers.call(tool.mcp, args, write=write)
        return Reply("error", {"error": "the tool has no far end"})

    def _keep(self, known: Known) -> Known:
        """Add to the episode's results."""
        self._scene.results.append(known)
        return known

    def judge(self, tool: Tool, known: Known) -> Known:
        """Raises Stop when the answer is a person's business."""
        scene = self._scene
        if known.status == "unknown":
            raise Stop("outcome_unknown", "unknown", known.tool)
        if known.status == "refused" and known.because.startswith(LIMIT):
            raise Stop("human_only", "refused", known.tool)
        if known.status == "error":
            self._judge_error(tool, known)
        if known.status == "ok":
            variables = scene.variables(known.args, known.result)
            absent = scene.absent(variables)
            reason = policy.escalation(tool.escalate, variables, absent & {"customer"})
            if reason := reason or policy.escalation(scene.spec.escalate.rules, variables, absent):
                raise Stop(reason, detail=known.tool)
        return known

    def _judge_error(self, tool: Tool, known: Known) -> None:
        code = known.result.get("status", 0) if isinstance(known.result, dict) else 0
        if known.tool in self._scene.spec.context:
            return
        if tool.http and tool.http.auth == "customer":
            unproved = self._scene.identity.verified != "site"
            if code == 401 or (code == 403 and unproved):
                raise Stop("identity_required", "identity_required", known.tool)
        if not 400 <= code < 500 or code in (401, 408, 429):
            raise Stop("tool_failed", "error", known.tool)


def _known(answer: ToolAnswered, now: int, because: str = "") -> Known:
    return Known(answer.tool, answer.args, answer.status, answer.result, now, fresh=True, because=because)


def _settled(name: str, args: dict[str, Any], place: Reservation, action: str, *, lost: bool) -> ToolAnswered:
    """The answer to a call that was not made now: made before, not allowed, or nobody knows."""
    if place.verdict == "done":
        return ToolAnswered(tool=name, status="ok", result=place.result, args=args, effect="write", action=action)
    status: Literal["unknown", "refused"] = "unknown" if lost or place.verdict == "unknown" else "refused"
    return ToolAnswered(
        tool=name, status=status, result={"because": _why(place)}, args=args, effect="write", action=action
    )  # fmt: skip


def _why(place: Reservation) -> str:
    told = {
        "limit": f"limit: {place.because}",
        "busy": BUSY,
        "unknown": "an earlier call has no known outcome",
    }
    return told.get(place.verdict, "")


def _told(reply: Reply) -> Any:
    return plain(reply.result)


def _effect(tool: Tool | None) -> Any:
    return "write" if tool is not None and tool.writes else "read"


def needs_identity(tool: Tool) -> bool:
    """True for a tool that speaks for the customer."""
    return tool.http is not None and not isinstance(tool.http.auth, Bearer) and tool.http.auth == "customer"
