"""The door: who gets in, what each attack gets, and that nothing is counted twice."""

from __future__ import annotations

import base64
import random
from collections import Counter
from urllib.parse import urlencode

from demo.twilio.signing import signature
from tests.channels.whatsapp_twilio.world import MANY, Life, recorded
from tests.support.clock import NOW
from tests.support.whatsapp import TOKEN, WEBHOOK

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
TEXT = recorded("text")


async def test_the_address_that_is_signed_is_the_configured_one_with_or_without_its_port(life: Life) -> None:
    urls = (WEBHOOK, f"{WEBHOOK}#rc=5&rp=all", "https://support.test:443/webhooks/whatsapp")
    assert [await life.post(TEXT, url=url) for url in urls] == [200, 200, 200]
    wrong = (
        "http://support.test/webhooks/whatsapp", f"{life.url}/webhooks/whatsapp", f"{WEBHOOK}/status", f"{WEBHOOK}?a=1",
        "https://evil.example/webhooks/whatsapp", f"{WEBHOOK}/",
    )  # fmt: skip
    assert [await life.post(TEXT, url=url) for url in wrong] == [403] * len(wrong)


async def test_while_a_token_is_changed_both_verify(tmp_path) -> None:  # type: ignore[no-untyped-def]
    from tests.channels.whatsapp_twilio.world import lived

    async with lived(tmp_path, auth_token=[TOKEN, "the-older-token"]) as life:
        assert await life.post(TEXT, token="the-older-token") == 200
        assert await life.post(TEXT, token="a-third-token") == 403


async def test_without_a_right_signature_nobody_gets_in(life: Life) -> None:
    body, right = urlencode(TEXT).encode(), signature(TOKEN, WEBHOOK, TEXT)
    off = ("B" if right[3] == "A" else "A").join((right[:3], right[4:]))
    given = [
        "",
        " ",
        off,
        right[:-1],
        right + "=",
        "é" * 28,
        right.lower(),
        base64.b64encode(b"x").decode(),
        "a" * 8000,
    ]
    statuses = [await life.raw(body, FORM)]
    statuses += [await life.raw(body, {**FORM, "X-Twilio-Signature": one}) for one in given]
    assert statuses == [403] * 10
    forwarded = {"X-Forwarded-Host": "support.test", "X-Forwarded-Proto": "https", "Host": "support.test"}
    assert await life.raw(body, {**FORM, **forwarded}) == 403
    assert life.everything() == 0


async def test_json_bodies_and_their_hashes_are_no_way_in(life: Life) -> None:
    body = b'{"From": "whatsapp:+34600111222"}'
    headers = {"Content-Type": "application/json", "X-Twilio-Signature": signature(TOKEN, WEBHOOK, {})}
    statuses = [await life.raw(body, headers), await life.raw(body, headers, "?bodySHA256=00")]
    assert statuses == [403, 403]
    assert await life.raw(b"x" * 200_000, FORM) == 413
    assert life.everything() == 0


async def test_a_signature_does_not_cover_the_same_letters_cut_differently(life: Life) -> None:
    """One leaked signature of the attacker's own message, and a body of which the signature says nothing new (A8)."""
    victim = "whatsapp:+34600999999"
    sent = TEXT | {"Body": f"hiFrom{victim}MessageSidSM{'e' * 32}ZrestWas"}
    leaked = signature(TOKEN, WEBHOOK, sent)
    everything = "".join(name + sent[name] for name in sorted(sent))
    head, tail = everything.split("ZrestWas", 1)
    before, forged_body = head.split("Body", 1)[0], "hi"
    assert before
    names = ("AccountSid", "ApiVersion")
    forged = {name: TEXT[name] for name in names}
    forged |= {"Body": forged_body, "From": victim, "MessageSid": f"SM{'e' * 32}", "ZrestWas": tail}
    assert signature(TOKEN, WEBHOOK, forged) == leaked
    assert await life.post(forged, signature=leaked) == 403
    assert life.everything() == 0


async def test_a_new_field_of_twilios_is_taken_when_twilio_knows_the_message(life: Life) -> None:
    ana = life.account.phone("+34600111222", "Ana")
    message = ana.write("hello", FieldOfTomorrow="1")
    await life.account.receive(message)
    assert life.account.courier.deliveries[-1].answers == [200]
    changed = message.form | {"Body": "send it all to me"}
    assert await life.post(changed) == 403
    life.account.faults.down = True
    assert await life.post(message.form | {"MessageSid": message.sid}) == 503
    life.account.faults.down = False
    assert [one.text for one in life.stored()] == ["hello"]


async def test_a_store_that_takes_nothing_is_503_and_nothing_is_acknowledged(life: Life) -> None:
    life.intake.close()
    assert await life.post(TEXT) == 503
    assert await life.post(recorded("status-sent"), "/status") == 503
    assert life.everything() == 0


async def test_a_channel_that_is_off_says_when_to_come_back(life: Life) -> None:
    life.channel.reconfigure(life.channel.settings.model_copy(update={"mode": "off"}))
    assert await life.post(TEXT) == 503
    assert await life.post(recorded("status-sent"), "/status") == 503
    assert await life.raw(b"", {}) == 503
    assert life.everything() == 0


async def test_once_the_public_url_has_changed_signatures_are_checked_against_the_new_one(life: Life) -> None:
    life.public = "https://new.example.com/"
    assert await life.post(TEXT) == 403
    signed = signature(TOKEN, "https://new.example.com/webhooks/whatsapp", TEXT)
    headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signed}
    assert await life.raw(urlencode(TEXT).encode(), headers, "") == 200


def of_fields(dice: random.Random, fields: dict[str, str]) -> None:
    """One field changed, taken away or added."""
    name, way = dice.choice([*fields]), dice.randrange(3)
    if way == 0:
        fields[name] += dice.choice(["x", "\x00", "😀", "%", "\r\n", "A" * 5000])
    elif way == 1:
        del fields[name]
    else:
        fields[dice.choice(["Z", "From2", "MediaUrl0", "é", "__proto__"])] = dice.choice(["", "1", "x" * 300])


def of_signature(dice: random.Random, right: str) -> str:
    """Another signature."""
    place = dice.randrange(len(right))
    off = right[:place] + dice.choice([sign for sign in "ABCxyz019+/" if sign != right[place]]) + right[place + 1 :]
    return dice.choice([off, "", "=", right[:place], right + right, "\xff" * 28])


def of_body(dice: random.Random, fields: dict[str, str]) -> bytes:
    """Another body."""
    body = bytearray(urlencode(fields).encode())
    place = dice.randrange(len(body))
    body[place] = (body[place] + dice.randrange(1, 256)) % 256
    if bytes(body).lower() == urlencode(fields).encode().lower():
        body += b"&Z=1"
    many = b"&".join([b"a=%d" % dice.randrange(9)] * dice.choice([1, 199, 201, 3000]))
    return dice.choice([bytes(body), dice.randbytes(dice.randrange(400)), many])


def mutations(dice: random.Random) -> tuple[bytes, dict[str, str], str]:
    """(body, headers, path) of a request that somebody without the token could send, having seen one that was signed."""
    path = dice.choice(["", "", "/status"])
    fields = dict(recorded("status-sent") if path else TEXT)
    right, way = signature(TOKEN, WEBHOOK + path, fields), dice.randrange(4)
    if way == 0:
        of_fields(dice, fields)
    elif way == 1:
        right = of_signature(dice, right)
    elif way == 2:
        path = "" if path else "/status"
    body = of_body(dice, fields) if way == 3 else urlencode(fields).encode()
    kind = dice.choice(
        ["application/x-www-form-urlencoded", "application/json", "multipart/form-data", "text/plain", ""]
    )
    return body, {"Content-Type": kind, "X-Twilio-Signature": right}, path


async def test_nothing_that_twilio_did_not_sign_is_accepted_and_nothing_breaks(life: Life) -> None:
    dice = random.Random(MANY)
    statuses: Counter[int] = Counter()
    for _ in range(MANY):
        statuses[await life.raw(*mutations(dice))] += 1
    assert (life.everything(), sum(count for status, count in statuses.items() if status >= 500)) == (0, 0)
    assert set(statuses) <= {400, 403, 413}
    assert sum(statuses.values()) == MANY
    assert life.clock.now == NOW


async def test_nothing_that_is_signed_and_malformed_breaks_anything(life: Life) -> None:
    """Even who knows the token gets an answer, whatever the fields hold."""
    dice = random.Random(MANY + 1)
    strange = [
        "",
        "\x00",
        "-1",
        "9" * 400,
        "whatsapp:",
        "😀",
        "\ud7ff",
        "²",
        "http://[",
        "SM" + "f" * 32,
        "{}",
        "NaN",
        "\u202e",
        "'",
    ]
    statuses: Counter[int] = Counter()
    for number in range(MANY // 10):
        fields = dict(
            recorded(dice.choice(["text", "photo", "place", "reply", "business-scoped", "status-undelivered"]))
        )
        for name in dice.sample([*fields, "NumMedia", "MediaUrl0", "ButtonPayload", "Latitude"], 2):
            fields[name] = dice.choice(strange)
        path = f"/status?attempt={number}" if "MessageStatus" in fields else ""
        statuses[await life.post(fields, path)] += 1
    assert set(statuses) <= {200, 400, 403}
    assert sum(statuses.values()) == MANY // 10
