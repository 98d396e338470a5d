"""What people of the team do in the thread: they answer, note, command and press."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from bus.channel import Person
from bus.entries import StaffNoted, StaffSaid, SystemSaid
from bus.errors import GatewayError
from bus.message import Attachment, Inbound, Mark, Received, Words
from handoff import commands
from handoff.commands import Command, Note, Reply
from handoff.open_turn import MEMBER, OpenTurn
from handoff.ownership import give_back, introduce, resolve, take
from handoff.words import literal

NOT_A_MEMBER = "Kept inside: only members of the support team can answer the customer."
A_MENTION = "Kept inside: the line starts with a mention. Write it without one to answer the customer."
NO_FILES = "The customer's channel takes no files. Only words were sent."
NO_FILE = "{name} was not sent: {why}."
UNCHANGED = "The customer has seen the original; a change of it is not sent. Reply again to correct it."
CHANGED = "Changed for the customer as well."
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
    if not _sent(turn, inbound) or MEMBER not in person.roles:
        return
    gesture = commands.read(text)
    if _can_change(turn) and isinstance(gesture, Reply) and not inbound.data.get("aside"):
        _change(turn, inbound, person, gesture.text)
        turn.mark(Mark("seen", person.id, CHANGED), inbound.target, inbound.address)
    else:
        _keep(turn, inbound, person, f"(changed a reply, not sent) {text}", UNCHANGED)


async def deleted(turn: OpenTurn, row: Received) -> None:
    """A sent reply was deleted at the desk: removed where the customer's channel can, else only noted."""
    inbound, person = row.inbound, await turn.person(row.inbound)
    if not _sent(turn, inbound) or MEMBER not in person.roles:
        return
    if _can_change(turn):
        _change(turn, inbound, person, "")
    else:
        turn.record(StaffNoted(text="(deleted a reply)", id=inbound.target, by=person.id, name=person.name))


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
    """The person's words and files go to the customer; whoever answers has the case."""
    take(turn, person)
    introduce(turn, person)
    if text:
        place = turn.record(StaffSaid(text=text, id=inbound.target, by=person.id, name=person.name))
        turn.say(Words(text, "staff", person.name, picture=person.avatar), place, "reply", key=_reply_key(inbound))
    for number, file in enumerate(inbound.attachments):
        shared = msgspec.structs.replace(file, channel=inbound.address.channel)
        await _send_file(turn, inbound, person, shared, f"{_reply_key(inbound)}:{number}")
    turn.change(status="waiting_customer")
    turn.update_card()
    if inbound.address.channel != turn.desk.channel:  # answered elsewhere, in the console: the thread tells it too
        turn.post(Words(text, "staff", person.name), "elsewhere")


async def _send_file(turn: OpenTurn, inbound: Inbound, person: Person, file: Attachment, key: str) -> None:
    """As a file where the customer's channel has files, as an address where people fetch; its author hears why not."""
    limits = turn.desk.limits(turn.conversation.address.channel)
    if limits.files:
        place = turn.record(SystemSaid(text=f"📎 {file.name}"))
        turn.say(Words("", "staff", person.name, attachments=(file,)), place, "file", key=key)
    elif limits.pull:
        try:
            turn.record(SystemSaid(text=f"📎 [{literal(file.name)}]({await turn.desk.link_to(file)})"))
        except GatewayError as error:
            note = NO_FILE.format(name=file.name, why=error)
            turn.mark(Mark("refused", person.id, note), inbound.target, inbound.address)
    else:
        turn.mark(Mark("seen", person.id, NO_FILES), inbound.target, inbound.address)


def _reply_key(inbound: Inbound) -> str:
    return f"reply:{inbound.address.peer}:{inbound.target}"


def _sent(turn: OpenTurn, inbound: Inbound) -> bool:
    return any(isinstance(line.entry, StaffSaid) and line.entry.id == inbound.target for line in turn.lines)


def _can_change(turn: OpenTurn) -> bool:
    return turn.desk.limits(turn.conversation.address.channel).replaces


def _change(turn: OpenTurn, inbound: Inbound, person: Person, text: str) -> None:
    """The words as they are now, "" when they were taken back, under the id they were first said with."""
    place = turn.record(StaffSaid(text=text, id=inbound.target, by=person.id, name=person.name))
    if turn.desk.limits(turn.conversation.address.channel).pull:
        return  # whoever reads the log's lines sees which one this replaces
    if text:
        turn.reach_customer("replace", _reply_key(inbound), "edit", Words(text, "staff", person.name), place)
    else:
        turn.reach_customer("remove", _reply_key(inbound), "delete")


async def _with_names(turn: OpenTurn, inbound: Inbound) -> str:
    """The text with colleagues' names in the place of their ids (`data.mentions`)."""
    text = inbound.text
    for member in inbound.data.get("mentions", ()):
        person = await turn.desk.people(inbound.address.channel, str(member))
        text = text.replace(f"@{member}", f"@{person.name}")
    return text
