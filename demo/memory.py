"""What the world remembers between two starts: the desk's and the phones' messages, and what was done in the shop.

The gateway keeps its own side in its store; a world that forgot would answer `thread_not_found` to it. Dates of orders
are made anew at each start, so that "last Friday" stays last Friday. Files that people shared lie beside, each by itself.
"""

import asyncio
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.idempotency import Attempt
from demo.shop import Shop
from demo.slack import Channel, Workspace
from demo.slack.files import File
from demo.slack.message import Message
from demo.telegram import Messenger
from demo.telegram import memory as telegram_memory
from demo.twilio import Account
from demo.twilio import memory as twilio_memory

Json = dict[str, Any]
KEPT = ("status", "flags", "refund_ref", "address")


@dataclass
class Memory:
    path: Path
    shop: Shop
    slack: Workspace
    telegram: Messenger
    twilio: Account
    _due: bool = False

    def recall(self) -> None:
        """Take up what was there, if anything; from now on, keep every change."""
        if self.path.exists():
            kept = json.loads(self.path.read_text("utf-8"))
            recall_shop(self.shop, kept["shop"])
            recall_slack(self.slack, kept["slack"], self._read("slack"))
            if "telegram" in kept:  # the first version had no phones
                telegram_memory.recall(self.telegram, kept["telegram"], self._read("telegram"))
                twilio_memory.recall(self.twilio, kept["twilio"], self._read("twilio"))
        else:
            shutil.rmtree(self._folder(""), ignore_errors=True)  # whose they were is forgotten
        for place in (self.slack, self.telegram, self.twilio):
            place.watchers.append(lambda _: self.soon())
        self.telegram.courier.watchers.append(self.soon)
        self.shop.watchers.append(self.soon)

    def soon(self) -> None:
        """Save once after whatever changes in this round of the loop."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.save)

    def save(self) -> None:
        self._due = False
        self._write("slack", {file.id: file.content for file in self.slack.files.known.values()})
        self._write("telegram", self.telegram.files)
        self._write("twilio", twilio_memory.files(self.twilio))
        kept = {
            "shop": shop_state(self.shop), "slack": slack_state(self.slack),
            "telegram": telegram_memory.state(self.telegram), "twilio": twilio_memory.state(self.twilio),
        }  # fmt: skip
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(kept), "utf-8")
        fresh.replace(self.path)

    def _folder(self, part: str) -> Path:
        return self.path.parent / "shared" / part

    def _write(self, part: str, files: dict[str, bytes]) -> None:
        """Each file once: what it holds does not change."""
        for name, content in files.items():
            place = self._folder(part) / name
            if content and not place.exists():
                place.parent.mkdir(parents=True, exist_ok=True)
                place.write_bytes(content)

    def _read(self, part: str) -> dict[str, bytes]:
        return {place.name: place.read_bytes() for place in self._folder(part).glob("*")}


def shop_state(shop: Shop) -> Json:
    orders = {number: {name: getattr(order, name) for name in KEPT} for number, order in shop.stock.orders.items()}
    keys = [[account, key, asdict(attempt)] for (account, key), attempt in shop.keys.attempts.items()]
    return {"orders": orders, "refunds": shop.refunds, "ledger": shop.ledger, "keys": keys}


def recall_shop(shop: Shop, kept: Json) -> None:
    for number, fields in kept["orders"].items():
        order = shop.stock.orders.get(number)
        for name, value in fields.items() if order else ():
            setattr(order, name, tuple(value) if name == "flags" else value)
    shop.refunds, shop.ledger = kept["refunds"], kept["ledger"]
    shop.keys.attempts = {(account, key): Attempt(**attempt) for account, key, attempt in kept["keys"]}


def slack_state(slack: Workspace) -> Json:
    rooms = [room.told() for room in slack.rooms.values()]
    files = [[file.id, file.name, file.mimetype] for file in slack.files.known.values()]
    log = [asdict(message) for message in slack.log]
    return {"rooms": rooms, "log": log, "last_ts": slack.last_ts, "files": files}


def recall_slack(slack: Workspace, kept: Json, contents: dict[str, bytes]) -> None:
    slack.rooms = {room["id"]: Channel(**room | {"members": set(room["members"])}) for room in kept["rooms"]}
    slack.log = [Message(**message) for message in kept["log"]]
    slack.last_ts = kept["last_ts"]
    for number, name, mimetype in kept.get("files", ()):
        slack.files.known[number] = File(number, name, mimetype, contents.get(number, b""))
