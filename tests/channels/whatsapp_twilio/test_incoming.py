"""What Twilio does not send is refused. What it does send is in tests/golden."""

from __future__ import annotations

import pytest

from bus.errors import Rejected
from channels.whatsapp.incoming import Ours, message
from channels.whatsapp.settings import OFFICIAL_MEDIA
from tests.channels.whatsapp_twilio.world import recorded
from tests.support.clock import NOW
from tests.support.whatsapp import ACCOUNT_SID, NUMBER

OURS = Ours("default", "whatsapp", ACCOUNT_SID, NUMBER, OFFICIAL_MEDIA)
ANA, PERSON = "+34600111222", "ES.1a2b3c4d5e6f"


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
