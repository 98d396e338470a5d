"""Telegram and Twilio as the shop has set them up: its bot, its WhatsApp number and templates, and where both find the gateway."""

from collections.abc import Callable

from demo.telegram import Messenger
from demo.telegram.courier import Courier as TelegramCourier
from demo.telegram.courier import Webhook
from demo.twilio import Account
from demo.twilio.account import Template
from demo.twilio.courier import Courier as TwilioCourier

ACCOUNT_SID, NUMBER = "AC" + "0" * 31 + "1", "+14155238886"
REOPEN, CHOICES_2, CHOICES_3 = "HX" + "0" * 31 + "1", "HX" + "0" * 31 + "2", "HX" + "0" * 31 + "3"
TEMPLATES = {
    REOPEN: Template("Hello, we have an answer for you. Reply to read it."),
    CHOICES_2: Template("{{1}}", ("{{2}}", "{{3}}"), reopens=False),
    CHOICES_3: Template("{{1}}", ("{{2}}", "{{3}}", "{{4}}"), reopens=False),
}
COMMANDS = [{"command": "start", "description": "Start"}]
UPDATES = ["message", "edited_message", "callback_query"]
PATIENT = "#rc=5&rp=all&ct=2000&rt=5000&tt=15000"


def telegram(clock: Callable[[], int], token: str, retry_scale: float) -> Messenger:
    return Messenger(clock=clock, token=token, courier=TelegramCourier(clock, retry_scale), commands=COMMANDS)


def twilio(clock: Callable[[], int], token: str) -> Account:
    return Account(clock, ACCOUNT_SID, token, NUMBER, TwilioCourier(token), templates=dict(TEMPLATES))


def connect(messenger: Messenger, account: Account, url: str, secret: str) -> None:
    """What `gateway telegram connect` and `gateway whatsapp connect` tell them: both remember it."""
    messenger.courier.webhook = Webhook(f"{url}/webhooks/telegram", secret, list(UPDATES))
    account.webhook = f"{url}/webhooks/whatsapp{PATIENT}"
    account.status_webhook = f"{url}/webhooks/whatsapp/status"
    messenger.courier.run()
