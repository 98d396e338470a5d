"""The knowledge base: what is found, how surely, and that an edited file counts at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.chunks import LONGEST, chunks
from agent.knowledge import Knowledge

REFUNDS = """# Refunds
## How long does a refund take?
Once your return arrives at our warehouse, a refund takes 5 to 7 business days. It goes back to the card you paid with.
## Can I get a refund after 30 days?
Returns are accepted within 30 days. Later than that we offer store credit.
"""
SHIPPING = """---
title: Shipping
---
# Shipping
## International shipping
We ship to the EU, the UK and Norway. Shipping costs 9 euros.
## Tracking
You get a link by e-mail as soon as the parcel leaves us.
"""
ENVIOS = """# Envíos
## ¿Hacéis envíos internacionales?
Enviamos a toda la Unión Europea y a Noruega. El envío cuesta 9 euros.
"""
FIVE = ("en", "es", "de", "fr", "pt")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "knowledge"
    folder.mkdir()
    for name, text in (("refunds.md", REFUNDS), ("shipping.md", SHIPPING), ("envios.md", ENVIOS)):
        (folder / name).write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def knowledge(folder: Path, clock: Clock) -> Iterator[Knowledge]:
    knowledge = Knowledge([folder], FIVE, clock=clock)
    yield knowledge
    knowledge.close()


def top(knowledge: Knowledge, query: str, language: str = "en") -> tuple[str, str, float]:
    found = knowledge.search_now(query, language)
    return (found[0].source, found[0].heading, found[0].score) if found else ("", "", 0.0)


def test_the_passage_that_answers_is_found_with_its_headings(knowledge: Knowledge) -> None:
    source, heading, score = top(knowledge, "how long does a refund take?")
    assert (source, heading) == ("refunds.md", "Refunds › How long does a refund take?")
    assert score >= 0.85
    passage = knowledge.search_now("how long does a refund take?", "en")[0]
    assert passage.text.startswith("Once your return arrives")


@pytest.mark.parametrize(
    ("query", "language", "source"),
    [
        ("do you ship to Norway?", "en", "shipping.md"),
        ("when do I get my money back", "en", "refunds.md"),
        ("hacéis envíos a Noruega", "es", "envios.md"),
        ("¿Cuánto tarda un reembolso?", "es", "refunds.md"),
        ("Wie lange dauert eine Rückerstattung?", "de", "refunds.md"),
        ("combien coûte la livraison ?", "fr", "shipping.md"),
        ("how can I track my package", "en", "shipping.md"),
    ],
)
def test_questions_are_answered_by_meaning_across_languages(
    knowledge: Knowledge, query: str, language: str, source: str
) -> None:
    found, _, score = top(knowledge, query, language)
    assert found == source
    assert score >= 0.5


@pytest.mark.parametrize(
    "query",
    [
        "what is the capital of France",
        "do you sell gift cards",
        "can I bring my dog",
        "who won the match last night?",
        "how do I pair the headphones",
        "the",
        "",
        "?!",
        '" OR NEAR(* refund:',
    ],
)
def test_an_unrelated_question_finds_no_support(knowledge: Knowledge, query: str) -> None:
    if "refund" not in query:
        assert top(knowledge, query)[2] < 0.3
    else:
        assert isinstance(top(knowledge, query)[2], float)


def test_the_customers_own_language_comes_first(knowledge: Knowledge) -> None:
    assert top(knowledge, "envíos internacionales", "es")[0] == "envios.md"
    assert top(knowledge, "international shipping", "en")[0] == "shipping.md"


def test_each_of_two_questions_finds_its_passage(knowledge: Knowledge) -> None:
    found = knowledge.search_now("do you ship to Norway how long does a refund take", "en")
    assert {passage.source for passage in found[:3]} >= {"refunds.md", "shipping.md"}
    assert found[0].score >= 0.6


def test_a_misspelt_question_finds_its_passage(knowledge: Knowledge) -> None:
    source, _, score = top(knowledge, "how long does a refnud take")
    assert source == "refunds.md"
    assert score >= 0.7


def test_an_edited_file_changes_the_next_answer(knowledge: Knowledge, folder: Path, clock: Clock) -> None:
    assert top(knowledge, "how long does a refund take?")[2] > 0.8
    (folder / "refunds.md").write_text(
        "# Refunds\n## How long does a refund take?\nA refund takes 3 days now.\n", "utf-8"
    )
    clock.now = 0.5
    assert "5 to 7" in knowledge.search_now("how long does a refund take?", "en")[0].text
    clock.now = 1.5
    assert "3 days now" in knowledge.search_now("how long does a refund take?", "en")[0].text


def test_a_deleted_file_is_forgotten_and_a_new_one_found(knowledge: Knowledge, folder: Path) -> None:
    (folder / "refunds.md").unlink()
    (folder / "deep").mkdir()
    (folder / "deep" / "gift-cards.md").write_text("# Gift cards\nGift cards are valid for three years.\n", "utf-8")
    assert knowledge.refresh() >= 2
    assert top(knowledge, "how long does a refund take?")[0] != "refunds.md"
    assert top(knowledge, "how long are gift cards valid?")[:2] == ("deep/gift-cards.md", "Gift cards")


def test_nothing_is_read_twice(knowledge: Knowledge) -> None:
    assert knowledge.refresh() == 3
    assert knowledge.refresh() == 0


def test_a_sidecar_file_outlives_the_process(folder: Path, tmp_path: Path) -> None:
    first = Knowledge([folder], FIVE, file=tmp_path / "index.db")
    assert first.refresh() == 3
    first.close()
    second = Knowledge([folder], FIVE, file=tmp_path / "index.db")
    assert second.refresh() == 0
    assert top(second, "how long does a refund take?")[0] == "refunds.md"
    second.close()


def test_a_broken_sidecar_file_is_made_anew(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "index.db").write_bytes(b"not a database" * 400)
    knowledge = Knowledge([folder], FIVE, file=tmp_path / "index.db")
    assert knowledge.refresh() == 3
    knowledge.close()


def test_folders_that_are_not_there_and_files_that_are_no_text_do_no_harm(folder: Path) -> None:
    (folder / "logo.png").write_bytes(b"\x89PNG")
    (folder / "latin.md").write_bytes("# Año\nSeñal ñ".encode("latin-1"))
    (folder / "gone.md").symlink_to("/nowhere")
    knowledge = Knowledge([folder, folder / "missing"], FIVE)
    assert knowledge.refresh() == 4
    assert Knowledge([], FIVE).search_now("refund", "en") == []
    knowledge.close()


def test_writing_without_spaces_is_found(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text("# 返金\n返金には5日かかります。\n\n# 配送\n送料は500円です。\n", "utf-8")
    knowledge = Knowledge([tmp_path], ("en", "ja"))
    assert knowledge.search_now("返金はいつですか", "ja")[0].heading == "返金"
    knowledge.close()


async def test_a_search_leaves_the_loop_free(knowledge: Knowledge) -> None:
    found = await asyncio.gather(*(knowledge.search("how long does a refund take?", "en", 2) for _ in range(8)))
    assert {passages[0].source for passages in found} == {"refunds.md"}
    assert all(len(passages) <= 2 for passages in found)


def test_documents_are_cut_at_headings_and_long_ones_between_blocks() -> None:
    found = chunks(
        "Intro.\n\n# One\nText.\n\n## Two\n- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |\n\n# Three\n" + "Long. " * 400
    )
    assert [chunk.heading for chunk in found][:3] == ["", "One", "One › Two"]
    assert found[2].text == "- a\n- b\n\n| x | y |\n|---|---|\n| 1 | 2 |"
    many = chunks("# Big\n" + "\n\n".join("word " * 60 for _ in range(10)))
    assert len(many) > 1
    assert all(len(chunk.text) <= LONGEST for chunk in many)
    assert chunks("") == []
    assert chunks("# Only a heading") == []
