"""Who has Telegram in the demo's world; the shop knows some of them by these numbers."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Person:
    id: int
    first_name: str
    last_name: str = ""
    language_code: str = "en"
    is_bot: bool = False

    def told(self) -> dict[str, object]:
        """As the Bot API tells it."""
        more = {"last_name": self.last_name} if self.last_name else {}
        named = {"id": self.id, "is_bot": self.is_bot, "first_name": self.first_name, **more}
        return named | ({} if self.is_bot else {"language_code": self.language_code})


ANA, LUCIA, MARIE, EMMA, JONAS = 10001, 10003, 10004, 10006, 10002
PEOPLE = {
    ANA: Person(ANA, "Ana", "Ruiz"),
    JONAS: Person(JONAS, "Jonas", "Weber", "de"),
    LUCIA: Person(LUCIA, "Lucía", "Gómez", "es"),
    MARIE: Person(MARIE, "Marie", "Dupont", "fr"),
    EMMA: Person(EMMA, "Emma", "Clarke"),
}
