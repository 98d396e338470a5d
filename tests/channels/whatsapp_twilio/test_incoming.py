"""Recorded forms in, whole Inbounds out."""

from __future__ import annotations

import pytest

from bus.errors import Rejected
from bus.message import Address, Attachment, Inbound, Sender
from channels.whatsapp.incoming import Ours, form, is_familiar, message, report
from channels.whatsapp.settings import OFFICIAL_MEDIA
from tests.channels.whatsapp_twilio.world import recorded
from tests.support.clock import NOW
from tests.support.whatsapp import ACCOUNT_SID, NUMBER

OURS = Ours("default", "whatsapp", ACCOUNT_SID, NUMBER, OFFICIAL_MEDIA)
ANA, PERSON = "+34600111222", "ES.1a2b3c4d5e6f"
ADDRESS = Address("default", "whatsapp", NUMBER, ANA)
MEDIA = f"https://api.twilio.com/2010-04-01/Accounts/{ACCOUNT_SID}/Messages/MM{2:032x}/Media/ME0123456789abcdef0123456789abcdef"


def said(sid: str, text: str, **more: object) -> Inbound:
    values = {
        "address": ADDRESS,
        "sender": Sender(ANA, "Ana Ruiz", "channel"),
        "kind": "message",
        "at": NOW,
        "text": text,
    }
    return Inbound(key=f"message:{sid}", **(values | more))  # type: ignore[arg-type]


def told(word: str, **data: str) -> Inbound:
    sid = f"SM{'c' * 32}"
    return Inbound(f"status:{sid}:{word}", ADDRESS, Sender("twilio"), "delivery", NOW, target=sid, data=dict(data))


BY_PERSON = {
    "address": Address("default", "whatsapp", NUMBER, PERSON),
    "sender": Sender(PERSON, "Ana Ruiz", "channel"),
}
MESSAGES = {
    "text": said("SM1f2e3d4c5b6a79881f2e3d4c5b6a7988", "Where is my refund? 🎧"),
    "photo": said(
        f"MM{2:032x}",
        "this one",
        attachments=(Attachment("ME0123456789abcdef0123456789abcdef", "image/jpeg", 0, MEDIA),),
    ),
    "place": said(f"SM{3:032x}", "📍 Casa Ana, Carrer de Mallorca 1 (41.3851, 2.1734)"),
    "reply": said(f"SM{4:032x}", "this one please", data={"replied_to": f"SM{'9' * 32}"}),
    "business_scoped": said(f"SM{5:032x}", "hello", **BY_PERSON, data={"phone": ANA}),
    "hidden_number": said(f"SM{6:032x}", "hello", **BY_PERSON),
    "unsupported": said(f"SM{7:032x}", "[reaction]"),
}
REPORTS = {
    "status_sent": told("sent", status="accepted", reason="", attempt="att_1"),
    "status_read": told("read", status="delivered", reason="", attempt="att_1"),
    "status_undelivered": told("undelivered", status="failed", reason="window_closed", attempt="att_1"),
}


@pytest.mark.parametrize("name", MESSAGES)
def test_a_recorded_message_is_this_inbound(name: str) -> None:
    fields = form(list(recorded(name).items()))
    assert is_familiar(fields)
    assert message(fields, OURS, NOW) == MESSAGES[name]


@pytest.mark.parametrize("name", REPORTS)
def test_a_recorded_report_is_this_inbound(name: str) -> None:
    fields = form(list(recorded(name).items()))
    assert is_familiar(fields)
    assert report(fields, "att_1", OURS, NOW, REPORTS[name].data["reason"]) == REPORTS[name]


def test_a_status_of_later_days_says_nothing() -> None:
    assert report(recorded("status_sent") | {"MessageStatus": "pondered"}, "", OURS, NOW, "") is None


WRONG = [
    ("AccountSid", "AC" + "2" * 32, 403),
    ("To", "whatsapp:+14155230000", 403),
    ("SmsSid", "SM" + "0" * 32, 403),
    ("WaId", "34600999999", 403),
    ("MessageSid", "SM12", 400),
    ("From", "whatsapp:", 400),
    ("From", "whatsapp:😀", 400),
    ("From", "whatsapp:+" + "1" * 500, 400),
    ("From", "whatsapp:+０３４６００１１１２２", 400),
    ("From", "+34600111222", 400),
    ("From", "whatsapp:0034600111222", 400),
    ("NumMedia", "999999", 400),
    ("NumMedia", "-1", 400),
    ("NumMedia", "11", 400),
    ("NumMedia", "1", 400),
    ("NumMedia", "²", 400),
]


@pytest.mark.parametrize(("name", "value", "status"), WRONG)
def test_what_twilio_does_not_send_is_refused(name: str, value: str, status: int) -> None:
    with pytest.raises(Rejected) as refused:
        message(recorded("text") | {name: value}, OURS, NOW)
    assert refused.value.status == status


ELSEWHERE = [
    "http://169.254.169.254/latest", "https://api.twilio.com@evil.example/x", "https://api.twilio.com.evil.example/x", "file:///etc/passwd",
    "https://api.twilio.com:99999/x", "http://[::1", "https://api.twilio.com/a\r\nHost: evil", "", "https://api.twilio.com\\@evil.example/",
]  # fmt: skip


@pytest.mark.parametrize("url", ELSEWHERE)
def test_media_of_another_host_is_refused(url: str) -> None:
    with pytest.raises(Rejected):
        message(recorded("photo") | {"MediaUrl0": url}, OURS, NOW)
