"""One Twilio account with one WhatsApp sender: what it has, and what becomes of a message."""

import asyncio
import json
import random
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote, urlsplit

from demo.faults import Faults
from demo.twilio.courier import Courier
from demo.twilio.message import File, Json, Message, TwilioError
from demo.twilio.phone import Phone

PREFIX = "whatsapp:"
WINDOW = 24 * 3_600_000
LONGEST, LONGEST_TEMPLATE = 1600, 1024
E164 = re.compile(r"\+[1-9]\d{6,14}")
PERSON = re.compile(r"[A-Z]{2}\.[A-Za-z0-9]{1,128}")
SLOT = re.compile(r"\{\{(\w+)\}\}")
WENT_WELL = ("sent", "delivered")


@dataclass(frozen=True)
class Template:
    """Approved content. `buttons` may have gaps too; `reopens`: it may be sent outside the 24 hours."""

    body: str
    buttons: tuple[str, ...] = ()
    reopens: bool = True


@dataclass
class Account:
    """`clock` gives UTC ms. `refusals` name who cannot be reached, by error code, told in a status callback.

    `tells_at_once`: 63016 is the answer to the request instead of a status callback, as it is for some. `shuffled` brings status
    callbacks out of order. `lag`: milliseconds until a message is listed. `loses`: so many requests vanish on the way to Twilio.
    """

    clock: Callable[[], int]
    sid: str
    token: str = field(repr=False)
    number: str
    courier: Courier
    url: str = ""
    store_url: str = ""
    webhook: str = ""
    status_webhook: str = ""
    sender_sid: str = "XE" + "0" * 32
    templates: dict[str, Template] = field(default_factory=dict)
    refusals: dict[str, int] = field(default_factory=dict)
    tells_at_once: bool = False
    shuffled: random.Random | None = None
    lag: int = 0
    loses: int = 0
    faults: Faults = field(default_factory=Faults)
    messages: dict[str, Message] = field(default_factory=dict)
    phones: dict[str, Phone] = field(default_factory=dict)
    typing: list[str] = field(default_factory=list)
    watchers: list[Callable[[Json], None]] = field(default_factory=list)
    numbered: int = 0  # how many ids it has given
    _tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    @property
    def address(self) -> str:
        return f"{PREFIX}{self.number}"

    def phone(self, number: str, name: str = "", person: str = "", *, hides_number: bool = False) -> Phone:
        """A person with WhatsApp. `person` is Meta's id of them, which stands in the place of a hidden number."""
        phone = Phone(
            self, f"{PREFIX}{person if hides_number else number}", name, f"{PREFIX}{person}" if person else ""
        )
        self.phones[phone.address] = phone
        if person:
            self.phones[f"{PREFIX}{person}"] = phone
        return phone

    def fresh(self, prefix: str) -> str:
        self.numbered += 1
        return f"{prefix}{random.Random(self.numbered).getrandbits(64):016x}{self.numbered:016x}"

    def announce(self, news: Json) -> None:
        """Tell those who look at the phones."""
        for watcher in self.watchers:
            watcher(news)

    # --- from the app

    def create(self, form: Mapping[str, str], media: list[str]) -> Message:
        """POST Messages.json. Raises TwilioError."""
        self._check_pair(form)
        body, template, variables = self._content(form, media)
        callback = form.get("StatusCallback", "")
        if callback and urlsplit(callback).scheme not in ("http", "https"):
            raise TwilioError(400, 21609, "The StatusCallback URL is not a valid URL")
        if self.tells_at_once and not self._may_write(form["To"], template):
            raise TwilioError(400, 63016, "Failed to send freeform message because you are outside the allowed window")
        message = Message(
            self.fresh("SM"), self.sid, form["From"], form["To"], body, self.clock(), "outbound-api", "queued", callback,
            template, variables, shown=media,
        )  # fmt: skip
        self.messages[message.sid] = message
        self._later(self._deliver(message))
        return message

    def _check_pair(self, form: Mapping[str, str]) -> None:
        sender, to = form.get("From", ""), form.get("To", "")
        if not to:
            raise TwilioError(400, 21604, "A 'To' phone number is required")
        if not sender:
            raise TwilioError(400, 21603, "A 'From' phone number is required")
        if sender.startswith(PREFIX) != to.startswith(PREFIX):
            raise TwilioError(400, 21910, "Invalid From and To pair. From and To should be of the same channel")
        if not _is_reachable(to.removeprefix(PREFIX)):
            raise TwilioError(400, 21211, f"Invalid 'To' Phone Number: {to}")
        if sender != self.address:
            raise TwilioError(400, 63007, "Twilio could not find a Channel with the specified From address")

    def _content(self, form: Mapping[str, str], media: list[str]) -> tuple[str, str, dict[str, str]]:
        """(body, Content SID, variables)."""
        if sid := form.get("ContentSid", ""):
            return self._filled(sid, form.get("ContentVariables", "{}"))
        body = form.get("Body", "")
        if not body.strip() and not media:
            raise TwilioError(400, 21619, "A text message body or media urls must be specified.")
        if len(body) > LONGEST:
            raise TwilioError(400, 21617, "The concatenated message body exceeds the 1600 character limit")
        if len(media) > 1 or any(urlsplit(url).scheme not in ("http", "https") for url in media):
            raise TwilioError(400, 21620, "Invalid media URL(s)")
        return body, "", {}

    def _filled(self, sid: str, given: str) -> tuple[str, str, dict[str, str]]:
        template = self.templates.get(sid)
        if template is None:
            raise TwilioError(400, 21655, "The ContentSid is invalid")
        try:
            variables = json.loads(given)
        except ValueError:
            raise TwilioError(400, 21656, "The ContentVariables Parameter is invalid") from None
        named = {name for text in (template.body, *template.buttons) for name in SLOT.findall(text)}
        strange = not isinstance(variables, dict) or set(variables) != named
        if strange or not all(isinstance(value, str) and value.strip() for value in variables.values()):
            raise TwilioError(400, 21656, "The ContentVariables Parameter is invalid")
        body = SLOT.sub(lambda found: variables[found[1]], template.body)
        if len(body) > LONGEST_TEMPLATE:
            raise TwilioError(400, 21658, "Template text exceeds 1024 characters")
        return body, sid, variables

    def buttons(self, message: Message) -> list[str]:
        """The quick replies below a message."""
        template = self.templates.get(message.template)
        labels = template.buttons if template else ()
        return [SLOT.sub(lambda found: message.variables[found[1]], label) for label in labels]

    def _may_write(self, to: str, template: str) -> bool:
        known = self.templates.get(template)
        heard = [one.at for one in self.messages.values() if one.inbound and self._same(one.sender, to)]
        return bool(known and known.reopens) or (bool(heard) and self.clock() - max(heard) < WINDOW)

    def _same(self, one: str, other: str) -> bool:
        return one == other or (one in self.phones and self.phones[one] is self.phones.get(other))

    async def _deliver(self, message: Message) -> None:
        """Send it on, and report."""
        phone = self.phones.get(message.to)
        error = self.refusals.get(message.to, 0 if phone is not None else 63003)
        error = error or (0 if self._may_write(message.to, message.template) else 63016)
        error = error or (0 if await self._has_fetched(message) else 63019)
        if error or phone is None:
            message.error = error
            await self._report(message, ("failed" if error == 63003 else "undelivered",))
            return
        phone.heard.append(message)
        self.announce({"message": message})
        await self._report(message, WENT_WELL)

    async def _has_fetched(self, message: Message) -> bool:
        """The files that a message shows are read once, before it goes to the phone."""
        for url in message.shown:
            found = await self.courier.fetch(url)
            if found is None:
                return False
            name = unquote(urlsplit(url).path.rpartition("/")[2])
            message.media.append(File(self.fresh("ME"), found[1], found[0], name))
        return True

    async def _report(self, message: Message, statuses: tuple[str, ...]) -> None:
        told = ["queued", *statuses]
        message.status = statuses[-1]
        if self.shuffled is not None:
            self.shuffled.shuffle(told)
        for status in told:
            await self.tell(message, status)

    async def tell(self, message: Message, status: str) -> None:
        """One status callback."""
        target = message.callback or self.status_webhook
        if not target:
            return
        fields = {
            "AccountSid": self.sid, "ApiVersion": "2010-04-01", "ChannelInstallSid": "XE" + "1" * 32, "ChannelPrefix": "whatsapp",
            "ChannelToAddress": message.to, "From": message.sender, "MessageSid": message.sid, "MessageStatus": status,
            "SmsSid": message.sid, "SmsStatus": status, "To": message.to,
        }  # fmt: skip
        if message.error and status in ("failed", "undelivered"):
            fields |= {
                "ErrorCode": str(message.error),
                "ChannelStatusMessage": "not delivered",
                "EventType": "UNDELIVERED",
            }
        if status == "read":
            fields |= {"EventType": "READ"}
        await self.courier.bring(target, fields)

    # --- to the app

    async def receive(self, message: Message) -> None:
        """A person wrote: it is kept, and the app is called once."""
        self.messages[message.sid] = message
        self.announce({"message": message})
        if self.webhook and (await self.courier.bring(self.webhook, message.form)).ok and message.ticks == "sent":
            self.tick(message, "delivered")

    def tick(self, message: Message, ticks: str) -> None:
        """What the person's own phone shows beside it."""
        message.ticks = ticks
        self.announce({"message": message})

    def media_url(self, message: Message, file: File) -> str:
        return f"{self.url}/2010-04-01/Accounts/{self.sid}/Messages/{message.sid}/Media/{file.sid}"

    def listed(self, wanted: Callable[[Message], bool]) -> list[Message]:
        """Newest first, as Twilio lists them."""
        until = self.clock() - self.lag
        return [one for one in reversed(self.messages.values()) if one.at <= until and wanted(one)]

    def sender(self) -> Json:
        webhook = {"callback_url": self.webhook, "callback_method": "POST", "status_callback_url": self.status_webhook}
        return {"sid": self.sender_sid, "sender_id": self.address, "status": "ONLINE", "webhook": webhook}

    # --- what goes on

    def _later(self, coroutine) -> None:  # type: ignore[no-untyped-def]
        task = asyncio.create_task(coroutine)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def settled(self) -> None:
        """Wait until every report is brought."""
        while self._tasks:
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def close(self) -> None:
        await self.settled()
        await self.courier.close()


def _is_reachable(to: str) -> bool:
    return bool(E164.fullmatch(to) or PERSON.fullmatch(to))
