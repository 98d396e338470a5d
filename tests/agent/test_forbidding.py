"""What is forbidden is not done; what has not happened is no prohibition."""

import pytest

from agent.forbidding import forbids


@pytest.mark.parametrize(
    "text",
    [
        "do not restart my router please",
        "Please don't cancel my booking",
        "I don't want you to refund it",
        "no canceles mi pedido",
        "Por favor, no reinicies el router",
        "Bitte den Vertrag nicht kündigen",
        "Kündigen Sie den Vertrag nicht",
        "ne résiliez pas mon contrat",
        "não cancele a reserva",
    ],
)
def test_words_that_forbid(text: str) -> None:
    assert forbids(text)


@pytest.mark.parametrize(
    "text",
    [
        "I still haven't seen the refund on my card",
        "my parcel did not arrive, please cancel it",
        "please cancel my order",
        "I don't see my refund",
        "todavía no he recibido el reembolso",
        "Bitte stornieren Sie, ich habe das Geld noch nicht erhalten",
        "je n'ai pas reçu mon remboursement",
        "ainda não recebi o reembolso",
        "no internet since yesterday",
    ],
)
def test_complaints_forbid_nothing(text: str) -> None:
    assert not forbids(text)
