"""A person with WhatsApp: writes to the number, and sees what arrives."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from demo.twilio.message import File, Message

if TYPE_CHECKING:
    from demo.twilio.account import Account


@dataclass
class Phone:
    """`address` is what stands in From and To, `person` Meta's id of them ("" while there is none), `heard` what arrived."""

    account: "Account" = field(repr=False)
    address: str
    name: str = ""
    person: str = ""
    heard: list[Message] = field(default_factory=list)

    async def say(self, text: str, **more: str) -> Message:
        """Write; returns once Twilio has called the app, or has given up."""
        message = self.write(text, None, **more)
        await self.account.receive(message)
        return message

    async def share(self, content: bytes, content_type: str, caption: str = "", name: str = "") -> Message:
        """Send a photo or a file."""
        message = self.write(caption, [File(self.account.fresh("ME"), content_type, content, name)])
        await self.account.receive(message)
        return message

    async def tap(self, message: Message, label: str) -> Message:
        """Tap a quick reply below a message."""
        assert label in self.account.buttons(message)
        payload = label.lower().replace(" ", "_")
        return await self.say(label, ButtonText=label, ButtonPayload=payload, OriginalRepliedMessageSid=message.sid)

    async def read(self) -> None:
        """Look at what arrived last: Twilio reports it as read."""
        self.heard[-1].status = "read"
        await self.account.tell(self.heard[-1], "read")

    def write(self, text: str, files: list[File] | None = None, /, **more: str) -> Message:
        """A message as it lies at Twilio, before anybody is told."""
        account = self.account
        message = Message(
            account.fresh("MM" if files else "SM"), account.sid, self.address, account.address, text, account.clock(),
            "inbound", "received", media=files or [],
        )  # fmt: skip
        number = self.address.removeprefix("whatsapp:+")
        form = {
            "AccountSid": account.sid, "ApiVersion": "2010-04-01", "Body": text, "From": self.address,
            "MessageSid": message.sid, "MessageType": "text", "NumMedia": str(len(message.media)), "NumSegments": "1",
            "ProfileName": self.name, "ReferralNumMedia": "0", "SmsMessageSid": message.sid, "SmsSid": message.sid,
            "SmsStatus": "received", "To": account.address,
        }  # fmt: skip
        form |= {"WaId": number} if number.isdecimal() else {}
        form |= {"ExternalUserId": self.person} if self.person else {}
        for place, file in enumerate(message.media):
            form |= {
                f"MediaUrl{place}": account.media_url(message, file),
                f"MediaContentType{place}": file.content_type,
            }
        message.form = form | more
        return message

    @property
    def texts(self) -> list[str]:
        """What arrived, as words."""
        return [message.body for message in self.heard]

    async def sees(self, wanted: Callable[[str], bool], *, after: int = 0, within: float = 15.0) -> str:
        """The first text from place `after` on that fits; waits for it."""
        changed = asyncio.Event()
        watch = lambda _: changed.set()  # noqa: E731
        self.account.watchers.append(watch)
        try:
            async with asyncio.timeout(within):
                while True:
                    changed.clear()
                    found = next((text for text in self.texts[after:] if wanted(text)), None)
                    if found is not None:
                        return found
                    await changed.wait()
        except TimeoutError:
            seen = "\n".join(f"  {text}" for text in self.texts)
            raise AssertionError(f"not seen within {within} s; seen so far:\n{seen}") from None
        finally:
            self.account.watchers.remove(watch)
