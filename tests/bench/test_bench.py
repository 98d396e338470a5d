"""The measurements themselves: every section runs, with numbers too small to mean anything."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from bench.speed import history, paths, report, start, streams
from bench.speed.figures import Row, Table, percentile, short
from bench.speed.history import Lengths
from bench.speed.load import Exchange, open_loop
from bench.speed.paths import WAYS, Effort
from bench.speed.wire import Answer, Client, serve

TINY = Effort(rounds=1, people=3, flight=2, warm=0.05, full=0.2, paced=0.2, rates=(20,))


def test_a_percentile_is_a_value_that_was_measured() -> None:
    values = [float(number) for number in range(100, 0, -1)]
    assert [percentile(values, share) for share in (0.5, 0.99, 1.0)] == [50.0, 99.0, 100.0]
    assert percentile([7.0], 0.99) == 7.0


def test_ratios_are_taken_within_a_round() -> None:
    row = Row("p50", "ms", 1000, ours=[0.004, 0.040], raw=[0.001, 0.020])
    assert row.ratios == [4.0, 2.0]
    assert row.cells() == ("p50", "22.0 ms", "10.5 ms", "**3.00** (2.00–4.00)")
    assert Row("alone", "s", ours=[1.0]).cells() == ("alone", "1.00 s", "–", "–")


@pytest.mark.parametrize(("value", "shown"), [(0.0, "0"), (1234.5, "1,234"), (12.345, "12.3"), (0.012345, "0.0123")])
def test_three_digits_are_shown(value: float, shown: str) -> None:
    assert short(value) == shown


def test_the_readme_takes_the_figures_between_its_marks(tmp_path: Path) -> None:
    readme = tmp_path / "README.md"
    readme.write_text("before\n<!-- figures:bench -->\nold \\1\n<!-- /figures:bench -->\nafter\n")
    table = Table("Title", ("", "a", "b", "ratio"), [Row("rate", "/s", ours=[2.0], raw=[4.0])])
    report.write(readme, table.markdown())
    assert "old" not in readme.read_text()
    assert "| rate | 2.00 /s | 4.00 /s | **0.500** |" in readme.read_text()
    assert readme.read_text().startswith("before\n<!-- figures:bench -->\n")
    readme.write_text("no marks")
    with pytest.raises(ValueError, match="figures:bench"):
        report.write(readme, "text")


async def test_what_nobody_ends_is_counted_as_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.speed.load.PATIENCE", 0.05)
    bodies: list[bytes] = []

    def answer(head: bytes, body: bytes) -> bytes:
        assert head.startswith(b"POST /web/messages HTTP/1.1\r\n")
        bodies.append(body)
        return b"{}"

    server, url = await serve(answer, 202)
    exchange = Exchange(int(url.rpartition(":")[2]), ["a", "b"], lambda person, serial: f"{person}-{serial}")
    run = await open_loop(exchange, os.getpid(), seconds=0.1, rate=20)
    exchange.close()
    server.close()
    assert (run.lost, run.ends, len(run.acks), len(bodies)) == (2, [], 2, 2)


async def test_a_message_may_come_in_pieces() -> None:
    server, url = await serve(lambda head, body: b"%d" % len(body))
    port = int(url.rpartition(":")[2])
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    whole = b"POST / HTTP/1.1\r\nContent-Length: 5\r\n\r\nhello" * 2
    for at in range(0, len(whole), 7):
        writer.write(whole[at : at + 7])
        await writer.drain()
        await asyncio.sleep(0)
    writer.write_eof()
    assert (await reader.read()).count(b"\r\n\r\n5") == 2
    writer.close()
    client = Client(port)
    assert await client.post("/", b"abc") == Answer(200, b"3")
    client.close()
    server.close()


@pytest.mark.slow
@pytest.mark.parametrize("way", [way for way in WAYS if way.name != "answer"], ids=lambda way: way.name)
async def test_a_way_is_measured_for_both(way: paths.Way, tmp_path: Path) -> None:
    table = await paths.measure(way, tmp_path, TINY)
    assert all(len(row.ours) == len(row.raw) == 1 for row in table.rows)
    assert all(value > 0 for row in table.rows if row.what != "CPU per message" for value in row.ours + row.raw)


@pytest.mark.slow
async def test_turns_streams_and_starts_are_measured(tmp_path: Path) -> None:
    turns = await history.measure(tmp_path / "history", 1, Lengths(2, 4, 8))
    assert [len(row.ratios) for row in turns.rows] == [1, 1]
    open_ = await streams.measure(tmp_path / "streams", streams=5, settle=0.05)
    assert [len(row.ours) for row in open_.rows] == [1, 1]
    starts = await start.measure(tmp_path / "start", rounds=1, settle=0.05)
    assert [len(row.ours) for row in starts.rows] == [1, 1, 1]
