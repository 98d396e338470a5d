"""What a kind of channel offers whoever assembles a gateway, and what each channel is lent.

A kind is a module (or an object) with `LIMITS`, `Settings` and `build`; ours stand in this package, others are found under the entry point
`gateway.channels`, whose name is the kind's. Importing it loads no SDK: `build` does, and only for a section that is there.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

import msgspec
from pydantic import BaseModel, ConfigDict

from bus.accept import Intake
from bus.channel import Channel, Limits, Mode
from bus.seal import Seal
from bus.store import Tenant
from bus.wake import Hub
from channels.files.courier import Courier

if TYPE_CHECKING:
    from channels.slack.app import App


class Section(BaseModel):
    """The keys that every section below `channels:` has. Unknown keys are errors; secrets never print."""

    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)

    kind: str = ""
    mode: Mode = "live"


class Lent(msgspec.Struct, frozen=True):
    """What a channel may use. `clock` gives UTC ms, `new_id` an id with the prefix it is given; `slack` is the one Slack app, if any.

    What a changed configuration changes is asked for at each use: `public_url()`, and the seal, which takes its new keys by itself.
    """

    tenant: Tenant
    intake: Callable[[], Intake]
    hub: Hub
    clock: Callable[[], int]
    new_id: Callable[[str], str]
    seal: Seal
    public_url: Callable[[], str]
    files: Courier
    slack: App | None = None


class Reconfigurable(Channel, Protocol):
    """A channel that takes a changed section while it runs."""

    settings: Any

    def reconfigure(self, settings: Any) -> None:
        """From now on, these settings."""


class Kind(Protocol):
    """One kind of channel. One with `NEEDS` names the top-level section that it cannot be without."""

    LIMITS: Limits
    Settings: type[Section]

    def build(self, name: str, settings: Any, lent: Lent) -> Reconfigurable:
        """The channel of a section. Raises ValueError for what it cannot work with, in words for the operator."""
