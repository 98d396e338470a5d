"""The real SDK talks to the stand-in and meets Slack's own refusals."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from demo.slack.people import BOT, DESK, GENERAL, OLD_DESK, SARA
from demo.world import World

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "hello"}}


async def refused(call: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await call
    return str(caught.value.response["error"])


async def test_the_app_knows_itself(client: AsyncWebClient) -> None:
    assert (await client.auth_test())["user_id"] == BOT


async def test_a_token_is_needed(world: World) -> None:
    base = f"{world.slack_url}/api/"
    assert await refused(AsyncWebClient("", base_url=base).auth_test()) == "not_authed"
    assert await refused(AsyncWebClient("xoxb-other", base_url=base).auth_test()) == "invalid_auth"


async def test_a_post_can_be_read_updated_and_deleted(client: AsyncWebClient, world: World) -> None:
    metadata = {"event_type": "case", "event_payload": {"id": "c1"}}
    posted = await client.chat_postMessage(channel=DESK, text="card", blocks=[SECTION], metadata=metadata)
    reply = await client.chat_postMessage(channel=DESK, text="in thread", thread_ts=posted["ts"])
    await client.chat_update(channel=DESK, ts=posted["ts"], text="new card")
    read = await client.conversations_replies(channel=DESK, ts=posted["ts"], include_all_metadata=True)
    assert [m["text"] for m in read["messages"]] == ["new card", "in thread"]
    assert read["messages"][0]["metadata"] == metadata
    await client.chat_delete(channel=DESK, ts=reply["ts"])
    assert [m.text for m in world.slack.thread(posted["ts"])] == ["new card"]


@pytest.mark.parametrize(
    ("channel", "error"),
    [("C0NOWHERE", "channel_not_found"), (OLD_DESK, "is_archived"), (GENERAL, "not_in_channel")],
)
async def test_posting_where_it_cannot_be(client: AsyncWebClient, channel: str, error: str) -> None:
    assert await refused(client.chat_postMessage(channel=channel, text="x")) == error


async def test_a_thread_that_is_not_there(client: AsyncWebClient) -> None:
    assert await refused(client.chat_postMessage(channel=DESK, text="x", thread_ts="1.000001")) == "thread_not_found"


async def test_text_has_a_limit_and_cannot_be_missing(client: AsyncWebClient) -> None:
    assert await refused(client.chat_postMessage(channel=DESK, text="x" * 40_001)) == "msg_too_long"
    assert await refused(client.api_call("chat.postMessage", json={"channel": DESK})) == "no_text"


async def test_a_persons_message_is_not_the_apps_to_change(client: AsyncWebClient, world: World) -> None:
    ts = await world.slack.post_as(SARA, "mine")
    assert await refused(client.chat_update(channel=DESK, ts=ts, text="x")) == "cant_update_message"
    assert await refused(client.chat_delete(channel=DESK, ts=ts)) == "cant_delete_message"
    assert await refused(client.chat_update(channel=DESK, ts="1.000001", text="x")) == "message_not_found"


async def test_a_reaction_is_added_once(client: AsyncWebClient, world: World) -> None:
    ts = await world.slack.post_as(SARA, "done")
    await client.reactions_add(channel=DESK, timestamp=ts, name="eyes")
    assert await refused(client.reactions_add(channel=DESK, timestamp=ts, name="eyes")) == "already_reacted"
    await client.reactions_remove(channel=DESK, timestamp=ts, name="eyes")
    assert await refused(client.reactions_remove(channel=DESK, timestamp=ts, name="eyes")) == "no_reaction"


async def test_people_are_told_apart(client: AsyncWebClient) -> None:
    users = (await client.users_list())["members"]
    told = {user["profile"]["display_name"]: user for user in users}
    assert told["Sara"]["real_name"] == "Sara Lindqvist"
    assert told["Robin (contractor)"]["is_restricted"]
    assert told["Kim (Parcel Co)"]["is_stranger"]
    assert told["Omar"]["deleted"]
    assert (await client.usergroups_users_list(usergroup="S0CXTEAM01"))["users"] == [SARA, "U0BEN00001"]


async def test_too_fast_is_told_with_the_time_to_wait(client: AsyncWebClient, world: World) -> None:
    world.slack.faults.status_next, world.slack.faults.retry_after = [429], 7
    with pytest.raises(SlackApiError) as caught:
        await client.chat_postMessage(channel=DESK, text="x")
    response: Any = caught.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (429, "7")


async def test_a_dropped_answer_has_still_posted(client: AsyncWebClient, world: World) -> None:
    client.retry_handlers = []
    world.slack.faults.drop_next_answer = 1
    with pytest.raises(Exception, match="disconnected"):
        await client.chat_postMessage(channel=DESK, text="once")
    assert [m.text for m in world.slack.messages()] == ["once"]


async def test_many_posts_in_the_same_moment_keep_their_order(client: AsyncWebClient, world: World) -> None:
    posted = [(await client.chat_postMessage(channel=DESK, text=str(n)))["ts"] for n in range(5)]
    assert posted == sorted(set(posted))
    assert [m.text for m in world.slack.messages()] == ["0", "1", "2", "3", "4"]


async def test_posting_faster_than_slack_allows(client: AsyncWebClient, world: World) -> None:
    world.slack.pace = 1_000
    await client.chat_postMessage(channel=DESK, text="one")
    assert await refused(client.chat_postMessage(channel=DESK, text="two")) == "ratelimited"


async def test_a_scope_that_was_not_granted(client: AsyncWebClient, world: World) -> None:
    world.slack.missing_scopes = {"users:read"}
    assert await refused(client.users_info(user=SARA)) == "missing_scope"
    assert "users:read" not in (await client.auth_test()).headers["x-oauth-scopes"].split(",")


async def test_a_shared_file_wants_the_token(client: AsyncWebClient, world: World) -> None:
    file = world.slack.files.keep("receipt.pdf", "application/pdf", b"%PDF", world.slack.ids)
    await world.slack.post_as(SARA, "here", files=(file,))
    url = world.slack.messages()[-1].files[0]["url_private_download"]
    async with aiohttp.ClientSession() as http, http.get(url) as page:
        assert (page.status, page.content_type) == (200, "text/html")
    headers = {"Authorization": f"Bearer {world.secrets.slack_bot_token}"}
    async with aiohttp.ClientSession(headers=headers) as http, http.get(url) as answer:
        assert await answer.read() == b"%PDF"


async def test_the_app_uploads_a_file(client: AsyncWebClient, world: World) -> None:
    root = await world.slack.post_as(SARA, "root")
    await client.files_upload_v2(filename="note.txt", content="hello", channel=DESK, thread_ts=root)
    shared = world.slack.thread(root)[-1]
    assert (shared.subtype, world.slack.files.known[shared.files[0]["id"]].content) == ("file_share", b"hello")


async def test_a_view_opens_with_a_fresh_trigger_only(client: AsyncWebClient, world: World) -> None:
    view = {"type": "modal", "title": {"type": "plain_text", "text": "Edit"}, "blocks": [SECTION]}
    trigger = world.slack.trigger(SARA)
    opened = await client.views_open(trigger_id=trigger, view=view)
    assert opened["view"]["id"] in world.slack.views
    assert await refused(client.views_open(trigger_id=trigger, view=view)) == "invalid_trigger_id"
