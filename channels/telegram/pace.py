"""Not faster than Telegram likes: https://core.telegram.org/bots/faq#my-bot-is-hitting-limits-how-do-i-avoid-this

About 30 messages a second for a bot, one a second in a chat with bursts allowed, 20 a minute in a group. The true limits are elastic,
so that a 429 is obeyed all the same.
"""

from __future__ import annotations

from collections.abc import Callable

BOT = (30, 1_000)
CHAT = (20, 20_000)
GROUP = (20, 60_000)
CROWD = 10_000


class Pace:
    """How long a message has to wait, in seconds. `clock` gives UTC ms."""

    def __init__(self, clock: Callable[[], int]) -> None:
        self._clock = clock
        self._full_at: dict[int, float] = {}
        self._held_until: dict[int, float] = {}

    def wait(self, chat: int) -> float:
        """Seconds until a message may go to this chat; it counts as sent then. Chat 0 is the bot as a whole."""
        now = self._clock()
        self._forget(now)
        held = max(0.0, self._held_until.get(chat, 0) - now)
        return max(held, self._take(0, BOT, now), self._take(chat, GROUP if chat < 0 else CHAT, now)) / 1000

    def hold(self, chat: int, seconds: float) -> None:
        """Telegram has said so."""
        self._held_until[chat] = self._clock() + seconds * 1000

    def _take(self, key: int, limit: tuple[int, int], now: int) -> float:
        """Generic cell rate: `amount` at once, and `amount` per `period` ms in the long run."""
        amount, period = limit
        self._full_at[key] = max(self._full_at.get(key, 0.0), now) + period / amount
        return max(0.0, self._full_at[key] - now - period)

    def _forget(self, now: int) -> None:
        if len(self._full_at) > CROWD:
            self._full_at = {key: at for key, at in self._full_at.items() if at > now}
            self._held_until = {key: at for key, at in self._held_until.items() if at > now}
