"""Who works here and where they talk."""

from dataclasses import asdict, dataclass, field
from typing import Any

TEAM = "T0DESK0001"
TEAM_NAME = "Halden"
TEAM_DOMAIN = "halden"
OTHER_TEAM = "T0PARCEL01"
APP = "A0GATEWAY1"
BOT = "U0GATEWAY1"
BOT_ID = "B0GATEWAY1"

SARA, BEN, LENA, GUEST = "U0SARA0001", "U0BEN00001", "U0LENA0001", "U0GUEST001"
STRANGER, LEFT, OTHER_BOT, CUSTOMER = "U0KIM00001", "U0OMAR0001", "U0WORKFLOW", "U0PRIYA001"
DESK, BILLING, GENERAL, OLD_DESK = "C0CXDESK01", "C0BILLING1", "C0GENERAL1", "C0OLDDESK1"
DESK_GROUP = "S0CXTEAM01"


@dataclass(frozen=True)
class Member:
    """A user as `users.info` tells it."""

    id: str
    name: str
    real_name: str
    display_name: str = ""
    title: str = ""
    team_id: str = TEAM
    is_bot: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False
    deleted: bool = False


@dataclass
class Channel:
    """`kind` is Slack's channel type: channel, group or im."""

    id: str
    name: str
    kind: str = "channel"
    topic: str = ""
    members: set[str] = field(default_factory=set)
    archived: bool = False

    def told(self) -> dict[str, Any]:
        """For the page."""
        return asdict(self) | {"members": sorted(self.members)}


def members() -> dict[str, Member]:
    people = (
        Member(SARA, "sara", "Sara Lindqvist", "Sara", "CX lead"),
        Member(BEN, "ben", "Ben Okafor", "Ben", "CX"),
        Member(LENA, "lena", "Lena Hoffmann", "Lena (finance)", "Finance"),
        Member(GUEST, "guest", "Robin Vale", "Robin (contractor)", "Guest", is_restricted=True),
        Member(STRANGER, "kim", "Kim Park", "Kim (Parcel Co)", "Parcel Co", team_id=OTHER_TEAM, is_stranger=True),
        Member(LEFT, "omar", "Omar Haddad", "Omar", "Left the company", deleted=True),
        Member(OTHER_BOT, "reminders", "Reminders", "Reminders", "Workflow", is_bot=True),
        Member(CUSTOMER, "priya", "Priya Nair", "Priya", "Sales, and a customer"),
        Member(BOT, "gateway", "Support Gateway", "Support Gateway", "App", is_bot=True),
    )
    return {member.id: member for member in people}


def channels() -> dict[str, Channel]:
    team = {SARA, BEN, LENA, GUEST, STRANGER, OTHER_BOT, BOT}
    rooms = (
        Channel(DESK, "cx-desk", topic="Conversations that need a person", members=set(team)),
        Channel(BILLING, "cx-billing", topic="Refunds and payments", members={SARA, BEN, LENA, BOT}),
        Channel(GENERAL, "general", topic="Everyone at Halden", members={SARA, BEN, LENA, CUSTOMER}),
        Channel(OLD_DESK, "cx-desk-2025", topic="Archived", members={SARA, BOT}, archived=True),
        Channel("D0PRIYA001", "priya", "im", members={CUSTOMER, BOT}),
        Channel("D0SARA0001", "sara", "im", members={SARA, BOT}),
    )
    return {room.id: room for room in rooms}


def groups() -> dict[str, list[str]]:
    """User groups by id: the CX team."""
    return {DESK_GROUP: [SARA, BEN]}
