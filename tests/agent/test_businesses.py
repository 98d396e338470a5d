"""Four businesses that the gateway has never heard of: what the offline agent says there, and what it did."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from types import ModuleType
from typing import Any

import aiohttp
import pytest
from aiohttp.test_utils import TestServer

from agent.knowledge import Knowledge
from agent.models.offline import Offline
from tests.agent.businesses import FarEnd, clinic, hotel, saas, telecom
from tests.agent.world import Talk, World

Open = Callable[[ModuleType], Awaitable["Visit"]]


class Visit:
    """A customer's conversation with one business. The day is Tuesday 21 May 2024."""

    def __init__(self, talk: Talk, far_end: FarEnd) -> None:
        self.talk, self.far_end = talk, far_end

    async def say(self, text: str) -> str:
        return "\n\n".join(await self.talk.say(text))

    @property
    def ledger(self) -> list[tuple[str, dict[str, Any]]]:
        return self.far_end.ledger

    @property
    def decision(self) -> tuple[str, str]:
        return self.talk.decided.decision, self.talk.decided.reason

    @property
    def buttons(self) -> list[str]:
        return [button["label"] for button in self.talk.entries("agent_said")[-1].buttons]


@pytest.fixture
async def visit(tmp_path: Path) -> AsyncIterator[Open]:
    async with AsyncExitStack() as stack:

        async def open_(business: ModuleType) -> Visit:
            far_end: FarEnd = business.far_end()
            server = TestServer(far_end.app())
            await server.start_server()
            stack.push_async_callback(server.close)
            session = await stack.enter_async_context(aiohttp.ClientSession())
            world = World(business.SPEC.replace("{BASE}", str(server.make_url("")).rstrip("/")), Offline(), session)
            for name, text in business.KNOWLEDGE.items():
                (tmp_path / name).write_text(text, encoding="utf-8")
            knowledge = Knowledge([tmp_path], world.current()[0].languages)
            stack.callback(knowledge.close)
            world.search = knowledge.search  # type: ignore[method-assign]
            return Visit(world.talk(), far_end)

        yield open_


async def test_a_booking_named_by_its_room_is_cancelled_after_a_yes_and_the_rest_is_served(visit: Open) -> None:
    at = await visit(hotel)
    said = await at.say("Hi, I'd like to cancel my reservation for the sea view room")
    assert (
        said
        == "Booking HX-2231 (Double room with sea view, arriving 2024-06-14) is confirmed.\n\nShall I cancel HX-2231?"
    )
    assert at.ledger == []
    said = await at.say("yes please, and also is breakfast included?")
    assert said == "Booking HX-2231 is cancelled.\n\nBreakfast is included in every rate and served from 7:30 to 10:30."
    assert at.ledger == [("POST /bookings/{booking}/cancel", {"booking": "HX-2231"})]


async def test_a_day_in_words_becomes_an_argument(visit: Open) -> None:
    at = await visit(hotel)
    assert await at.say("Please move booking HX-2231 to June 21") == "Shall I move HX-2231 to 2024-06-21?"
    await at.say("yes")
    assert at.ledger == [("PUT /bookings/{booking}/arrival", {"booking": "HX-2231", "new_arrival": "2024-06-21"})]


async def test_what_is_missing_is_asked_for_in_the_customers_language(visit: Open) -> None:
    at = await visit(hotel)
    assert await at.say("Quiero cambiar las fechas de mi reserva HX-2231") == "¿Me dices este dato: new arrival?"
    assert at.decision == ("ask", "new_arrival")
    assert await at.say("al 21 de junio") == "¿Cambio HX-2231 al 2024-06-21?"
    await at.say("sí")
    assert len(at.ledger) == 1


async def test_where_rows_cannot_be_told_apart_the_customer_picks(visit: Open) -> None:
    at = await visit(hotel)
    assert await at.say("is my booking confirmed?") == "Which booking is it? It starts with HX-."
    assert at.buttons == ["HX-2231 · Double room with sea view", "HX-1007 · Garden suite"]
    assert (
        await at.say("the one in June")
        == "Booking HX-2231 (Double room with sea view, arriving 2024-06-14) is confirmed."
    )
    assert await at.say("and the other one?") == "Booking HX-1007 (Garden suite, arriving 2024-05-17) is cancelled."


async def test_two_questions_are_answered_from_knowledge(visit: Open) -> None:
    at = await visit(hotel)
    said = await at.say("can I bring my dog, and what time is check-in?")
    assert said.startswith("Dogs up to 20 kg")
    assert "Check-in begins at 15:00" in said


@pytest.mark.parametrize("text", ["What is your cancellation policy?", "Can I cancel for free?"])
async def test_a_question_how_things_are_done_starts_nothing(visit: Open, text: str) -> None:
    at = await visit(hotel)
    assert (await at.say(text)).startswith("A booking can be cancelled free of charge")


async def test_how_a_booking_stands_and_a_question_for_the_house(visit: Open) -> None:
    at = await visit(hotel)
    said = await at.say("What's the status of HX-2231 and can I bring my dog?")
    assert said.startswith(
        "Booking HX-2231 (Double room with sea view, arriving 2024-06-14) is confirmed.\n\nDogs up to 20 kg"
    )
    assert "Shall I cancel HX-2231?" in await at.say("cancel it please")


async def test_a_bare_number_and_no_matter_is_asked_about(visit: Open) -> None:
    at = await visit(hotel)
    assert await at.say("HX-2231") == "I'm not sure I understood. Could you put it another way?"


async def test_knowledge_in_the_customers_language(visit: Open) -> None:
    at = await visit(hotel)
    assert (await at.say("¿Hay aparcamiento?")).startswith("El garaje es gratuito")


async def test_what_the_house_does_not_know_goes_to_a_person(visit: Open) -> None:
    at = await visit(hotel)
    await at.say("do you have a helipad?")
    assert at.decision == ("hand_over", "low_confidence")


async def test_a_value_is_taken_from_the_answer_to_the_question(visit: Open) -> None:
    at = await visit(hotel)
    assert "email" in await at.say("I need the invoice for HX-2231")
    assert await at.say("ada@example.com") == "The invoice of HX-2231 is on its way to ada@example.com."


async def test_the_customers_own_words_describe_the_problem(visit: Open) -> None:
    at = await visit(hotel)
    await at.say("The shower in my room leaks, booking HX-2231")
    ((route, body),) = at.ledger
    assert (route, body["description"]) == ("POST /problems", "The shower in my room leaks, booking HX-2231")


async def test_an_outage_and_the_data_that_is_left_in_one_message(visit: Open) -> None:
    at = await visit(telecom)
    said = await at.say("no tengo internet, mi código postal es 28013, y además ¿cuántos gigas me quedan en 600123456?")
    assert said == "Hay una avería en 28013 hasta las 18:00.\n\nQuedan 3 GB hasta el 31 May."


async def test_what_was_said_before_our_question_still_counts(visit: Open) -> None:
    at = await visit(telecom)
    assert await at.say("upgrade me to premium please") == "Which number is it about?"
    assert await at.say("600123456") == "Shall I put 600123456 on premium?"
    assert await at.say("yes") == "600123456 is on premium now."


async def test_german_where_all_examples_are_english(visit: Open) -> None:
    at = await visit(telecom)
    said = await at.say("Ich möchte in den Tarif Premium wechseln, Nummer 600123456")
    assert said == "Soll ich 600123456 auf premium umstellen?"
    assert await at.say("nein") == "In Ordnung, ich lasse das."
    assert at.ledger == []


async def test_a_stolen_phone_is_blocked_at_once(visit: Open) -> None:
    at = await visit(telecom)
    assert (
        await at.say("Someone stole my phone, please block the card of 600123456") == "The SIM of 600123456 is blocked."
    )
    assert at.ledger == [("POST /lines/{line}/block", {"line": "600123456"})]


async def test_two_troubles_in_one_breath(visit: Open) -> None:
    at = await visit(telecom)
    said = await at.say("hi, no signal at all in 28013 since yesterday and I lost my phone too, number 600123456")
    assert said == "There is an outage in 28013 until 18:00.\n\nThe SIM of 600123456 is blocked."


async def test_a_value_that_leads_nowhere_does_not_hide_the_one_that_leads_somewhere(visit: Open) -> None:
    at = await visit(telecom)
    said = await at.say("how much data is left on 600123456? and on 600999999?")
    assert said == "3 GB are left until 31 May.\n\nI can't find 600999999. Which number is it about?"


async def test_a_contract_is_ended_by_people(visit: Open) -> None:
    at = await visit(telecom)
    await at.say("quiero darme de baja")
    assert at.decision == ("hand_over", "human_only")


async def test_a_doubled_payment_is_found_and_given_back(visit: Open) -> None:
    at = await visit(saas)
    assert "$49 are on their way back to you." in await at.say("I was charged twice!")
    assert at.ledger == [("POST /duplicates/{payment}/return", {"payment": "pay_77", "amount": 49})]


async def test_an_invoice_named_by_its_month(visit: Open) -> None:
    at = await visit(saas)
    said = await at.say("could you send me the invoice for April as PDF")
    assert said == "Invoice INV-2024-004 over $49: https://boardly.test/i/4"


async def test_numbers_are_read_in_words_and_figures(visit: Open) -> None:
    at = await visit(saas)
    assert await at.say("we need 5 more seats") == "5 seats were added."
    at = await visit(saas)
    await at.say("we need more licenses")
    assert await at.say("three") == "3 seats were added."


async def test_documentation_answers_in_its_own_language_if_it_has_no_other(visit: Open) -> None:
    at = await visit(saas)
    assert "Settings → Workspace → Export" in await at.say("Wie kann ich meine Daten exportieren?")
    assert "600 requests per minute" in await at.say("what's the rate limit of the API?")
    assert "Frankfurt" in await at.say("where is my data stored?")


async def test_an_argument_is_found_under_the_name_of_its_entity(visit: Open) -> None:
    at = await visit(clinic)
    said = await at.say("Hi, I can't make it to my appointment with Dr. Meyer, please cancel it")
    assert said == "Cancel an appointment (appointment id: AP101). Shall I go ahead?"
    assert await at.say("yes") == "Done: Cancel an appointment."
    assert at.ledger == [("DELETE /appointments/{id}", {"id": "AP101"})]


async def test_what_was_picked_and_named_is_remembered_while_the_rest_is_asked_for(visit: Open) -> None:
    at = await visit(clinic)
    await at.say("Kann ich meinen Termin verschieben?")
    assert at.buttons == ["AP101 · Dr. Meyer", "AP102 · Dr. Novak"]
    assert await at.say("den bei Dr. Meyer") == "AP101: To which day?"
    assert "new date: 2024-05-24" in await at.say("auf nächsten Freitag")
    await at.say("ja")
    assert at.ledger == [("PATCH /appointments/{id}", {"id": "AP101", "new_date": "2024-05-24"})]


async def test_words_that_answer_no_question_of_ours_become_no_value(visit: Open) -> None:
    at = await visit(clinic)
    await at.say("Hello! I would like to cancel")
    assert at.buttons == ["AP101 · Dr. Meyer", "AP102 · Dr. Novak"]
    await at.say("the one with the nice doctor")
    assert at.ledger == []
    assert "nice doctor" not in at.talk.said[-1]


async def test_free_values_are_asked_for_one_by_one(visit: Open) -> None:
    at = await visit(clinic)
    assert await at.say("I need more of my pills") == "Your patient number, please?"
    assert await at.say("1234567") == "Could you tell me this: medication?"
    await at.say("ibuprofen 600")
    assert at.ledger == [("POST /refills", {"patient_number": "1234567", "medication": "ibuprofen 600"})]


async def test_a_deed_and_a_question_in_one_message(visit: Open) -> None:
    at = await visit(clinic)
    said = await at.say("cancel AP102 please and tell me what to bring to the first visit")
    assert said == (
        "Please bring your insurance card and a list of your medication.\n\n"
        "Cancel an appointment (appointment id: AP102). Shall I go ahead?"
    )


async def test_a_look_up_without_wording_and_a_question_after_it(visit: Open) -> None:
    at = await visit(clinic)
    said = await at.say("are my results in? my number is 7654321. And do you accept public insurance?")
    assert "status: ready" in said
    assert said.endswith("We accept all public insurers and most private ones.")


async def test_pain_is_a_persons_business(visit: Open) -> None:
    at = await visit(clinic)
    await at.say("my tooth is bleeding badly and it hurts so much")
    assert at.decision == ("hand_over", "human_only")
