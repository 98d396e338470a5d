"""A file from the desk reaches the customer's page, as a download and nothing else."""

from __future__ import annotations

from pathlib import Path

from demo.slack.people import DESK, SARA
from tests.proofs.stage import staged

PUBLIC = "https://support.example.com"
LABEL = b"%PDF-1.7\nthe return label"


async def test_a_label_from_the_desk_is_a_download_on_the_page(tmp_path: Path) -> None:
    async with staged(tmp_path, GATEWAY__PUBLIC_URL=PUBLIC) as stage:
        customer = await stage.visitor()
        card = await stage.opened(customer)
        label, page = (
            stage.slack.files.keep("label.pdf", "application/pdf", LABEL, stage.slack.ids),
            stage.slack.files.keep("page.pdf", "application/pdf", b"<html><script>alert(1)</script>", stage.slack.ids),
        )
        await stage.slack.post_as(SARA, "Here is your label.", thread_ts=card.ts, files=(label, page))
        shown = await customer.sees(lambda item: "label.pdf" in item["text"])
        assert (shown["from"], shown["tree"][0]["c"][1]["t"]) == ("system", "a")
        address = shown["tree"][0]["c"][1]["href"]
        assert address.startswith(f"{PUBLIC}/files/")
        async with stage.running.http.get(address.replace(PUBLIC, stage.url)) as answer:
            assert (answer.status, await answer.read()) == (200, LABEL)
            assert answer.headers["Content-Disposition"].startswith("attachment")
        await stage.settle()
        assert not [item for item in customer.messages.values() if "page.pdf" in item["text"]]
        whispers = [one.text for one in stage.slack.messages(DESK) if one.for_user == SARA]
        assert any("page.pdf was not sent" in text for text in whispers)
        await customer.leave()
