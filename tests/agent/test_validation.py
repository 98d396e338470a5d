"""Replies that must not be sent, and those that must."""

from __future__ import annotations

import pytest

from agent.validation import Sources, check, whole_sentences

NOTHING = Sources("", "", "")
REFUNDED = Sources(
    'create_refund Refund an order. {"order_id":"A-48291"} {"ref":"R-7711","amount":189.40}',
    "ref R-7711",
    "A-48291 R-7711 189.40",
)
KNOWLEDGE = Sources(
    "",
    "",
    "Refunds are issued within 5 days. See https://shop.example/returns or write to help@shop.example. Shipping costs €4.50.",
)


@pytest.mark.parametrize(
    "text",
    [
        "I have refunded you.", "I've already cancelled your order.", "We have issued the refund.", "I just updated your address.",
        "Your refund has been issued.", "The order was successfully cancelled.", "Your account has been reset.", "I'll refund you today.",
        "I will send you a replacement.", "Refund issued.", "He reembolsado el importe.", "Hemos cancelado tu pedido.",
        "Se ha tramitado el reembolso.", "Tu pedido ha sido cancelado.", "Voy a reembolsar el importe.",
        "Ich habe die Bestellung storniert.", "Wir haben den Betrag erstattet.", "Die Bestellung wurde storniert.",
        "Ich werde den Betrag erstatten.", "J'ai annulé votre commande.", "Nous avons remboursé le montant.",
        "Votre commande a été annulée.",
        "Je vais rembourser le montant.", "Já reembolsei o valor.", "O pedido foi cancelado.", "Vou cancelar o pedido.",
    ],
)  # fmt: skip
def test_a_promise_that_nothing_backs(text: str) -> None:
    assert check(text, NOTHING).problems != ()


@pytest.mark.parametrize(
    "text",
    [
        "I have refunded $189.40 for order A-48291, confirmation #R-7711.", "He reembolsado 189,40 € (R-7711).",
        "Your refund has been issued: R-7711.", "The refund was issued.",
    ],
)  # fmt: skip
def test_a_claim_that_a_recorded_call_backs(text: str) -> None:
    assert check(text, REFUNDED).problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "I have not refunded anything.", "I haven't cancelled your order.", "Which order is it?", "I can look that up for you.",
        "Refunds are issued within 5 days.", "Shipping costs €4.50.", "I'm sorry to hear that.", "I have found your question.",
        "You can send it back within 30 days.", "I will be happy to help.", "We are open 24/7 from 9:00 to 18:00.",
        "No se ha hecho nada.",
        "Ich habe das verstanden.", "Wie kann ich helfen?", "Je suis là pour vous.", "Posso ajudar em mais alguma coisa?",
        "It's a 14-day window.",
    ],
)  # fmt: skip
def test_ordinary_words_pass(text: str) -> None:
    assert check(text, KNOWLEDGE).problems == ()


@pytest.mark.parametrize(
    "text",
    [
        "It costs $500.",
        "You get 1.234,50 €.",
        "Your reference is R-9999.",
        "Order A-11111 is fine.",
        "The code is XK42PQ9.",
        "Call 900123456.",
    ],
)
def test_sums_and_references_that_stand_nowhere(text: str) -> None:
    assert check(text, KNOWLEDGE).problems != ()


@pytest.mark.parametrize(
    "text",
    [
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJ1MSJ9.c2lnbmF0dXJl",
        "Bearer abcdefghijklmnop",
        "sk-live-abcdefghijklmnop",
        "-----BEGIN PRIVATE KEY-----",
    ],
)
def test_secrets(text: str) -> None:
    assert check(text, Sources("", "", text)).problems != ()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("See [our page](https://shop.example/returns).", "See [our page](https://shop.example/returns)."),
        ("See [our bank](https://evil.example).", "See our bank."), ("![x](https://shop.example/x.png)", "x"),
        ("[a](javascript:alert(1))", "a)"), ("Go to https://evil.example/?d=1 now", "Go to  now"),
        ("Write to [us](mailto:help@shop.example)", "Write to [us](mailto:help@shop.example)"), ("[us](mailto:evil@evil.example)", "us"),
        ("https://shop.example.evil.example/", ""), ("[x](https://shop.example@evil.example/)", "x"),
    ],
)  # fmt: skip
def test_links_lead_only_where_a_source_leads(text: str, expected: str) -> None:
    assert check(text, KNOWLEDGE).text == expected


@pytest.mark.parametrize(
    "text", ["I'm transferring you to a colleague.", "Let me connect you with someone.", "Te paso con una persona.", "Je vous transfère.",
        "Ich verbinde dich mit einer Kollegin."]
)  # fmt: skip
def test_the_announcement_of_a_person_is_noticed(text: str) -> None:
    assert check(text, NOTHING).transfers


def test_a_pending_call_may_be_promised() -> None:
    assert (
        check("I will refund the order once you agree.", Sources("", "", "", "create_refund Refund an order")).problems
        == ()
    )


def test_whole_sentences() -> None:
    assert [whole_sentences(text) for text in ("One. Two", "One", "1.5 is. ", "Line\nnext")] == [4, 0, 7, 5]


def test_a_customers_question_backs_no_claim() -> None:
    asked = Sources("", "order_id A-48291 status returned", "Has my refund been issued? Where is my refund?")
    assert check("Your refund has been issued.", asked).problems != ()
    assert check("I've processed your refund.", asked).problems != ()
    assert check("It has been refunded.", asked._replace(found="status refunded")).problems == ()


def test_a_call_of_another_kind_backs_no_refund_and_no_ending() -> None:
    moved = Sources("change_address Change the delivery address", "address Calle Mayor 3", "")
    assert check("I have refunded you.", moved).problems != ()
    assert check("I've cancelled your order.", moved).problems != ()
    assert check("I've updated your address.", moved).problems == ()


@pytest.mark.parametrize(
    ("act", "text"),
    [
        ("return_deposit Pay a deposit back to the guest.", "I have refunded your deposit."),
        ("end_contract End a phone contract.", "I've cancelled your contract."),
        ("swap_plan Move to another plan.", "I have changed your plan."),
        ("open_voucher Give a voucher.", "I've credited your account."),
        ("book_slot Book an appointment.", "I have scheduled your appointment."),
    ],
)  # fmt: skip
def test_other_businesses_have_other_words_for_it(act: str, text: str) -> None:
    assert check(text, Sources(act, "", act)).problems == ()
