"""One message at Twilio, and the errors of its API."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

Json = dict[str, Any]
API = "2010-04-01"


class TwilioError(Exception):
    """A refusal: https://www.twilio.com/docs/api/errors"""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.code = code

    def json(self) -> Json:
        more = f"https://www.twilio.com/docs/errors/{self.code}"
        return {"code": self.code, "message": str(self), "more_info": more, "status": self.status}


@dataclass
class File:
    sid: str
    content_type: str
    content: bytes
    name: str = ""


@dataclass
class Message:
    """`at` in UTC ms. `template` is the Content SID it was made from, `variables` what was put into it, `shown` media by address."""

    sid: str
    account: str
    sender: str
    to: str
    body: str
    at: int
    direction: str
    status: str
    callback: str = ""
    template: str = ""
    variables: dict[str, str] = field(default_factory=dict)
    media: list[File] = field(default_factory=list)
    error: int = 0
    quoted: str = ""
    form: dict[str, str] = field(default_factory=dict)
    ticks: str = "sent"  # of a person's message: sent, delivered to the app, read
    shown: list[str] = field(default_factory=list)

    @property
    def inbound(self) -> bool:
        return self.direction == "inbound"

    def json(self) -> Json:
        date = format_datetime(datetime.fromtimestamp(self.at // 1000, UTC))
        place = f"/{API}/Accounts/{self.account}/Messages/{self.sid}"
        return {
            "sid": self.sid, "account_sid": self.account, "from": self.sender, "to": self.to, "body": self.body,
            "date_created": date, "date_sent": None if self.status in ("queued", "accepted") else date, "date_updated": date,
            "direction": self.direction, "status": self.status, "error_code": self.error or None, "error_message": None,
            "num_media": str(len(self.media)), "num_segments": "1", "price": None, "price_unit": None,
            "messaging_service_sid": None, "api_version": API, "uri": f"{place}.json",
            "subresource_uris": {"media": f"{place}/Media.json"},
        }  # fmt: skip
