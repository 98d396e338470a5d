"""What the world remembers between two starts: the desk's messages and what was done in the shop.

The gateway keeps its own side in its store; a world that forgot would answer `thread_not_found` to it. Dates of orders
are made anew at each start, so that "last Friday" stays last Friday.
"""

import asyncio
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from demo.idempotency import Attempt
from demo.shop import Shop
from demo.slack import Channel, Workspace
from demo.slack.message import Message

Json = dict[str, Any]
KEPT = ("status", "flags", "refund_ref", "address")


@dataclass
class Memory:
    path: Path
    shop: Shop
    slack: Workspace
    _due: bool = False

    def recall(self) -> None:
        """Take up what was there, if anything; from now on, keep every change."""
        if self.path.exists():
            kept = json.loads(self.path.read_text("utf-8"))
            recall_shop(self.shop, kept["shop"])
            recall_slack(self.slack, kept["slack"])
        self.slack.watchers.append(lambda _: self.soon())
        self.shop.watchers.append(self.soon)

    def soon(self) -> None:
        """Save once after whatever changes in this round of the loop."""
        if not self._due:
            self._due = True
            asyncio.get_running_loop().call_soon(self.save)

    def save(self) -> None:
        self._due = False
        kept = {"shop": shop_state(self.shop), "slack": slack_state(self.slack)}
        fresh = self.path.with_suffix(".new")
        fresh.write_text(json.dumps(kept), "utf-8")
        fresh.replace(self.path)


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
    return {"rooms": rooms, "log": [asdict(message) for message in slack.log], "last_ts": slack.last_ts}


def recall_slack(slack: Workspace, kept: Json) -> None:
    slack.rooms = {room["id"]: Channel(**room | {"members": set(room["members"])}) for room in kept["rooms"]}
    slack.log = [Message(**message) for message in kept["log"]]
    slack.last_ts = kept["last_ts"]
