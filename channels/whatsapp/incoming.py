"""What Twilio posts, read: forms → Inbounds. Pure; whatever does not fit is Rejected, and unknown fields are left alone.

The fields: https://www.twilio.com/docs/messaging/guides/webhook-request
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import urlsplit

import msgspec

from bus.errors import Rejected
from bus.message import Address, Attachment, Inbound, Sender
from channels.cleaning import cleaned
from channels.whatsapp.settings import NUMBER
from channels.whatsapp.signature import Pairs

PREFIX = "whatsapp:"
SID = re.compile(r"(?:SM|MM)[0-9a-fA-F]{32}")
PERSON = re.compile(r"[A-Z]{2}\.[A-Za-z0-9_-]{1,128}")  # Meta's id of a person for one business, without a number
NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
ATTEMPT = re.compile(r"[A-Za-z0-9_-]{1,64}")
MEDIA_TYPE = re.compile(r"[\w.+-]{1,100}/[\w.+-]{1,100}(?:;.{0,200})?")
MOST_MEDIA = 10
LONGEST = 65_536
FAMILIAR = frozenset({
    "AccountSid", "ApiVersion", "Body", "ButtonPayload", "ButtonText", "ButtonType", "ChannelInstallSid", "ChannelMetadata",
    "ChannelPrefix", "ChannelStatusMessage", "ChannelToAddress", "ErrorCode", "ErrorMessage", "EventType", "ExternalUserId",
    "Address", "Forwarded", "FrequentlyForwarded", "From", "Label", "ListId", "ListTitle", "ListDescription", "Latitude",
    "Longitude", "MessageSid", "MessageStatus", "MessageType", "MessagingServiceSid", "NumMedia", "NumSegments",
    "OriginalRepliedMessageSender", "OriginalRepliedMessageSid", "ProfileName", "RawDlrDoneDate", "ReferralBody",
    "ReferralCtwaClid", "ReferralHeadline", "ReferralMediaContentType", "ReferralMediaId", "ReferralMediaUrl",
    "ReferralNumMedia", "ReferralSourceId", "ReferralSourceType", "ReferralSourceUrl", "SmsMessageSid", "SmsSid",
    "SmsStatus", "StructuredMessage", "To", "WaId",
})  # fmt: skip
MEDIA_FIELD = re.compile(r"Media(?:Url|ContentType)\d{1,2}")
# https://www.twilio.com/docs/messaging/api/message-resource#message-status-values
STATUSES = {
    "accepted": "accepted", "scheduled": "accepted", "queued": "accepted", "sending": "accepted", "sent": "accepted",
    "delivered": "delivered", "read": "delivered", "undelivered": "failed", "failed": "failed", "canceled": "failed",
}  # fmt: skip


class Ours(msgspec.Struct, frozen=True):
    """Which of all messages are ours: tenant, the section's name, the account, the sender's number, the hosts of its media."""

    tenant: str
    name: str
    account_sid: str
    number: str
    media_hosts: tuple[str, ...]

    def address(self, peer: str) -> Address:
        """Where this person is reached."""
        return Address(self.tenant, self.name, self.number, peer)


def form(fields: Pairs) -> dict[str, str]:
    """The fields by name. Raises Rejected 400 for a form that Twilio would not send."""
    found = dict(fields)
    if len(found) != len(fields) or not all(NAME.fullmatch(name) for name in found):
        raise Rejected(400, "malformed: a field twice, or a strange name")
    if any("\ufffd" in value and name not in ("Body", "ProfileName") for name, value in fields):
        raise Rejected(400, "malformed: not UTF-8")
    return found


def is_familiar(fields: Mapping[str, str]) -> bool:
    """False when there is a field we do not know: Twilio adds them without notice, and a forger who has a signature needs one."""
    return all(name in FAMILIAR or MEDIA_FIELD.fullmatch(name) for name in fields)


def message(fields: Mapping[str, str], ours: Ours, at: int) -> Inbound:
    """A customer's message. Raises Rejected: 403 not our account or sender, 400 not what Twilio sends."""
    _check_ours(fields, fields.get("To", ""), ours)
    sid = _sid(fields)
    phone = person(fields.get("From", ""))
    peer = person(fields["ExternalUserId"]) if fields.get("ExternalUserId") else phone
    _check_consistent(fields, sid, phone)
    name = cleaned(fields.get("ProfileName", ""))[:200]
    button = cleaned(fields.get("ButtonPayload", ""))[:256]
    replied = fields.get("OriginalRepliedMessageSid", "")
    return Inbound(
        key=f"message:{sid}",
        address=ours.address(peer),
        sender=Sender(peer, name, "channel"),
        kind="press" if button else "message",
        at=at,
        text=_text(fields),
        button=button,
        attachments=_attachments(fields, ours),
        data=({"replied_to": replied} if SID.fullmatch(replied) else {}) | ({"phone": phone} if phone != peer else {}),
    )


def report(fields: Mapping[str, str], attempt: str, ours: Ours, at: int, reason: str) -> Inbound | None:
    """Twilio's word on a message of ours; None for one that says nothing new to us. `reason` is the ErrorCode's name."""
    _check_ours(fields, fields.get("From", ""), ours)
    sid, status = _sid(fields), fields.get("MessageStatus", "")
    told = STATUSES.get(status)
    if told is None:
        return None
    data = {"status": told, "reason": reason if told == "failed" else ""}
    return Inbound(
        key=f"status:{sid}:{status}",
        address=ours.address(person(fields.get("To", ""))),
        sender=Sender("twilio"),
        kind="delivery",
        at=at,
        target=sid,
        data=data | ({"attempt": attempt} if ATTEMPT.fullmatch(attempt) else {}),
    )


def _check_ours(fields: Mapping[str, str], sender: str, ours: Ours) -> None:
    if fields.get("AccountSid") != ours.account_sid:
        raise Rejected(403, "another account")
    if sender != f"{PREFIX}{ours.number}":
        raise Rejected(403, "another sender")


def _sid(fields: Mapping[str, str]) -> str:
    sid = fields.get("MessageSid", "")
    if not SID.fullmatch(sid):
        raise Rejected(400, "malformed: MessageSid")
    return sid


def person(value: str) -> str:
    """The number with its +, or Meta's id of a person who hides it: what stands behind `whatsapp:`, here and in `To`."""
    known = value.removeprefix(PREFIX)
    if not value.startswith(PREFIX) or not known.isascii() or not (NUMBER.fullmatch(known) or PERSON.fullmatch(known)):
        raise Rejected(400, "malformed: not a WhatsApp address")
    return known


def _check_consistent(fields: Mapping[str, str], sid: str, phone: str) -> None:
    """A signature covers names and values run together, so that one text can be cut in two ways; only one of them agrees with itself."""
    if any(fields.get(name, sid) != sid for name in ("SmsMessageSid", "SmsSid")):
        raise Rejected(403, "the message has two ids")
    number = phone.removeprefix("+")
    if number.isdecimal() and fields.get("WaId", number) != number:
        raise Rejected(403, "the message has two senders")


def _text(fields: Mapping[str, str]) -> str:
    """The words; a button's label; a place as words; for what cannot be shown, its kind."""
    body = cleaned(fields.get("ButtonText") or fields.get("Body", ""))[:LONGEST]
    if fields.get("Latitude") and fields.get("Longitude"):
        place = ", ".join(part for part in (fields.get("Label", ""), fields.get("Address", "")) if part)
        spot = cleaned(f"📍 {place} ({fields['Latitude']}, {fields['Longitude']})").replace("  ", " ")
        return f"{body}\n{spot}".strip()[:LONGEST]
    if body.strip() or fields.get("NumMedia", "0") != "0":
        return body
    return f"[{cleaned(fields.get('MessageType', ''))[:40] or 'message'}]"


def _attachments(fields: Mapping[str, str], ours: Ours) -> tuple[Attachment, ...]:
    count = fields.get("NumMedia", "0") or "0"
    if not (count.isascii() and count.isdecimal()) or len(count) > 3 or int(count) > MOST_MEDIA:
        raise Rejected(400, "malformed: NumMedia")
    return tuple(
        attachment(fields.get(f"MediaUrl{number}", ""), fields.get(f"MediaContentType{number}", ""), ours)
        for number in range(int(count))
    )


def attachment(url: str, media_type: str, ours: Ours) -> Attachment:
    """A file at Twilio's. Raises Rejected 400 when it is elsewhere."""
    parts = _parts(url)
    if parts is None or parts[0] not in ours.media_hosts:
        raise Rejected(400, "malformed: media at a strange place")
    kind = media_type.partition(";")[0] if MEDIA_TYPE.fullmatch(media_type) else "application/octet-stream"
    return Attachment(name=parts[1], media_type=kind, source=url)


def _parts(url: str) -> tuple[str, str] | None:
    """(origin, last part of the path) of a plain address."""
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError:
        return None
    if len(url) > 2000 or "@" in parts.netloc or re.search(r"[\s\x00-\x1f\\]", url):
        return None
    return f"{parts.scheme}://{parts.netloc}", parts.path.rpartition("/")[2][:100] or "file"
