"""What people of the team do in the thread: they answer, note, command and press."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from bus.channel import Person
from bus.entries import StaffNoted, StaffSaid
from bus.errors import GatewayError
from bus.message import Attachment, Inbound, Mark, Received, Words
from handoff import commands
from handoff.commands import Command, Note, Reply
from handoff.open_turn import MEMBER, OpenTurn
from handoff.ownership import give_back, introduce, resolve, take

NOT_A_MEMBER = "Kept inside: only members of the support team can answer the customer."
A_MENTION = "Kept inside: the line starts with a mention. Write it without one to answer the customer."
NO_FILES = "The customer's channel takes no files. Only words were sent."
NO_FILE = "{name} was not sent: {why}."
UNCHANGED = "The customer has seen the original; a change of it is not sent. Reply again to correct it."
CHANGED = "Changed for the customer as well."
STAYS = "The customer keeps what you deleted: their channel cannot take back what was sent."
MAY_BE_READ = "{name} may still be read by whoever has its address: {why}."
STILL_OPEN = "The customer can still be written to: just answer in the thread."
NOT_THIS_CASE = "That button belongs to another conversation."


async def message(turn: OpenTurn, row: Received) -> None:
    """A line in the thread: a reply goes to the customer, everything else stays inside."""
    inbound, person = row.inbound, await turn.person(row.inbound)
    text = await _with_names(turn, inbound)
    gesture = commands.read(text)
    if MEMBER not in person.roles:
        if text.strip() or inbound.attachments:
            _keep(turn, inbound, person, text, NOT_A_MEMBER)
    elif isinstance(gesture, Note):
        _keep(turn, inbound, person, gesture.text)
    elif inbound.data.get("aside"):
        _keep(turn, inbound, person, text, A_MENTION)
    elif isinstance(gesture, Command):
        _obey(turn, inbound, person, gesture)
    elif isinstance(gesture, Reply):
        await _answer(turn, inbound, person, gesture.text)
    elif inbound.attachments:
        await _answer(turn, inbound, person, "")


async def edited(turn: OpenTurn, row: Received) -> None:
    """A sent reply was changed at the desk: never sent again; where the customer's channel can, the words are replaced."""
    inbound, person = row.inbound, await turn.person(row.inbound)
    text = await _with_names(turn, inbound)
    said = _sent(turn, inbound)
    if said is None or MEMBER not in person.roles:
        return
    gesture = commands.read(text)
    if _can_change(turn) and isinstance(gesture, Reply) and not inbound.data.get("aside"):
        _change(turn, inbound, person, gesture.text, said)
        turn.mark(Mark("seen", person.id, CHANGED), inbound.target, inbound.address)
    else:
        _keep(turn, inbound, person, f"(changed a reply, not sent) {text}", UNCHANGED)


async def deleted(turn: OpenTurn, row: Received) -> None:
    """A sent reply was deleted at the desk: removed with its files where the customer's channel can, else its author is told."""
    inbound, person = row.inbound, await turn.person(row.inbound)
    said = _sent(turn, inbound)
    if said is None or MEMBER not in person.roles:
        return
    if _can_change(turn):
        await _take_back(turn, inbound, person, said)
    else:
        turn.record(StaffNoted(text="(deleted a reply)", id=inbound.target, by=person.id, name=person.name))
        turn.mark(Mark("refused", person.id, STAYS), inbound.target, inbound.address)


async def claim(turn: OpenTurn, row: Received) -> None:
    """Press `claim`."""
    await _press(turn, row, _claim)


async def resolved(turn: OpenTurn, row: Received) -> None:
    """Press `resolve`."""
    await _press(turn, row, resolve)


async def returned(turn: OpenTurn, row: Received) -> None:
    """Press `return`."""
    await _press(turn, row, give_back)


async def reopen(turn: OpenTurn, row: Received) -> None:
    """Press `reopen`: the customer's platform does not let us write any more, but it lets an approved template through."""
    await _press(turn, row, _reopen)


def _reopen(turn: OpenTurn, person: Person) -> str:
    until = turn.reply_until()
    if not until or until > turn.now:
        return STILL_OPEN
    turn.send_template("reopen")
    turn.record(StaffNoted(text="(sent the template that reopens the conversation)", by=person.id, name=person.name))
    return ""


def _claim(turn: OpenTurn, person: Person) -> str:
    return "" if take(turn, person) else "You have this case already."


ORDERS: dict[str, Callable[[OpenTurn, Person], str]] = {"claim": _claim, "resolve": resolve, "ai": give_back}


async def _press(turn: OpenTurn, row: Received, act: Callable[[OpenTurn, Person], str]) -> None:
    inbound, person = row.inbound, await turn.person(row.inbound)
    if inbound.text != turn.conversation.id:
        refusal = NOT_THIS_CASE
    elif MEMBER not in person.roles:
        turn.record(StaffNoted(text=f"(pressed {inbound.button}, refused)", by=person.id, name=person.name))
        refusal = NOT_A_MEMBER
    else:
        refusal = act(turn, person)
    if refusal:
        turn.mark(Mark("refused", person.id, refusal), inbound.target, inbound.address)


def _obey(turn: OpenTurn, inbound: Inbound, person: Person, command: Command) -> None:
    if not command.name:
        hint = f"!{command.word} is no command, and nothing was sent. Did you mean !{command.nearest}?"
        _keep(turn, inbound, person, inbound.text, hint)
    elif command.name == "help":
        turn.mark(Mark("seen", person.id, commands.HELP), inbound.target, inbound.address)
    else:
        if command.rest:
            turn.record(StaffNoted(text=command.rest, id=inbound.target, by=person.id, name=person.name))
        refusal = ORDERS[command.name](turn, person)
        sign = Mark("refused" if refusal else "seen", person.id, refusal)
        turn.mark(sign, inbound.target, inbound.address)


def _keep(turn: OpenTurn, inbound: Inbound, person: Person, text: str, why: str = "") -> None:
    """It stays inside, and its author sees that it does."""
    turn.record(StaffNoted(text=text, id=inbound.target, by=person.id, name=person.name))
    turn.mark(Mark("private", person.id, why), inbound.target, inbound.address)


async def _answer(turn: OpenTurn, inbound: Inbound, person: Person, text: str) -> None:
    """The person's words and files go to the customer, as one line of the log; whoever answers has the case."""
    take(turn, person)
    introduce(turn, person)
    files = await _passed_on(turn, inbound, person)
    if text or files:
        said = StaffSaid(text=text, id=inbound.target, by=person.id, name=person.name, attachments=files)
        place = turn.record(said)
        if text:
            turn.say(Words(text, "staff", person.name, picture=person.avatar), place, "reply", key=_reply_key(inbound))
        for number, file in enumerate(files):
            if "url" not in file:
                shared = Words("", "staff", person.name, attachments=(msgspec.convert(file, Attachment),))
                turn.say(shared, place, "file", key=_file_key(inbound, number))
    turn.change(status="waiting_customer")
    turn.update_card()
    if inbound.address.channel != turn.desk.channel:  # answered elsewhere, in the console: the thread tells it too
        turn.post(Words(text, "staff", person.name), "elsewhere")


async def _passed_on(turn: OpenTurn, inbound: Inbound, person: Person) -> tuple[dict[str, Any], ...]:
    """The files that reach the customer: as files where their channel has them, by an address where people fetch.

    Their author hears of each one that does not, and why.
    """
    limits, found = turn.desk.limits(turn.conversation.address.channel), list[dict[str, Any]]()
    for attachment in inbound.attachments:
        file = msgspec.structs.replace(attachment, channel=inbound.address.channel)
        told = msgspec.to_builtins(file)
        if limits.files:
            found.append(told)
        elif limits.pull:
            try:
                found.append({**told, "url": await turn.desk.link_to(file)})
            except (GatewayError, OSError) as error:
                note = NO_FILE.format(name=file.name, why=error)
                turn.mark(Mark("refused", person.id, note), inbound.target, inbound.address)
        else:
            turn.mark(Mark("seen", person.id, NO_FILES), inbound.target, inbound.address)
    return tuple(found)


def _reply_key(inbound: Inbound) -> str:
    return f"reply:{inbound.address.peer}:{inbound.target}"


def _file_key(inbound: Inbound, number: int) -> str:
    return f"{_reply_key(inbound)}:{number}"


def _sent(turn: OpenTurn, inbound: Inbound) -> StaffSaid | None:
    """The reply as the customer has it now; None for what never was one, or was taken back."""
    entries = (line.entry for line in reversed(turn.lines))
    said = next((one for one in entries if isinstance(one, StaffSaid) and one.id == inbound.target), None)
    return said if said and (said.text or said.attachments) else None


def _can_change(turn: OpenTurn) -> bool:
    return turn.desk.limits(turn.conversation.address.channel).replaces


def _change(turn: OpenTurn, inbound: Inbound, person: Person, text: str, before: StaffSaid) -> None:
    """The words as they are now, under the id they were first said with; its files stay."""
    said = StaffSaid(text=text, id=inbound.target, by=person.id, name=person.name, attachments=before.attachments)
    place, words = turn.record(said), Words(text, "staff", person.name)
    if turn.desk.limits(turn.conversation.address.channel).pull:
        return  # whoever reads the log's lines sees which one this replaces
    if before.text:
        turn.reach_customer("replace", _reply_key(inbound), "edit", words, place)
    else:
        turn.say(words, place, "reply", key=_reply_key(inbound))  # there were only files


async def _take_back(turn: OpenTurn, inbound: Inbound, person: Person, before: StaffSaid) -> None:
    """Words and files go; where people fetch, a file's address leads nowhere any more."""
    place = turn.record(StaffSaid(text="", id=inbound.target, by=person.id, name=person.name))
    if before.text:
        _remove(turn, _reply_key(inbound), place)
    for number, file in enumerate(before.attachments):
        if "url" in file:
            await _forget(turn, inbound, person, msgspec.convert(file, Attachment))
        else:
            _remove(turn, _file_key(inbound, number), place)


def _remove(turn: OpenTurn, key: str, place: int) -> None:
    """Whoever reads the log's lines needs none."""
    if not turn.desk.limits(turn.conversation.address.channel).pull:
        turn.reach_customer("remove", key, "delete", cause=place)


async def _forget(turn: OpenTurn, inbound: Inbound, person: Person, file: Attachment) -> None:
    try:
        await turn.desk.forget(file)
    except (GatewayError, OSError) as error:
        note = MAY_BE_READ.format(name=file.name, why=error)
        turn.mark(Mark("refused", person.id, note), inbound.target, inbound.address)


async def _with_names(turn: OpenTurn, inbound: Inbound) -> str:
    """The text with colleagues' names in the place of their ids (`data.mentions`)."""
    text = inbound.text
    for member in inbound.data.get("mentions", ()):
        person = await turn.desk.people(inbound.address.channel, str(member))
        text = text.replace(f"@{member}", f"@{person.name}")
    return text
