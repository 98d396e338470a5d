"""The shapes that travel."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from bus.canonical import decode, encode
from bus.message import Address, CaseCard, Inbound, Mark, Outbound, Sender, Words
from tests.bus.scripts import case, peer

TEXT = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.tuples(TEXT, TEXT, TEXT, TEXT))
def test_an_address_is_its_key(parts: tuple[str, str, str, str]) -> None:
    address = Address("default", *parts)
    assert Address.from_key("default", address.key) == address


@given(st.tuples(TEXT, TEXT, TEXT, TEXT), st.tuples(TEXT, TEXT, TEXT, TEXT))
def test_two_addresses_never_share_a_key(one: tuple[str, str, str, str], two: tuple[str, str, str, str]) -> None:
    assert (Address("t", *one).key == Address("t", *two).key) == (one == two)


def test_only_a_case_thread_is_opened_by_us() -> None:
    assert case("c1").opened_by_us
    assert not peer().opened_by_us
    assert not Address("t", "desk", "slack", "C1", "17.000100").opened_by_us


@given(TEXT, TEXT)
def test_what_travels_survives_the_store(text: str, name: str) -> None:
    inbound = Inbound("message:1", peer(name), Sender(name), "message", 1, text=text, data={"a": [1, text]})
    assert decode(encode(inbound), Inbound) == inbound
    for content in (Words(text, "agent", name), Mark("failed", name, text), None):
        outbound = Outbound("k", "say", peer(name), content)
        assert decode(encode(outbound), Outbound) == outbound
    assert CaseCard.__struct_config__.tag == "case_card"
