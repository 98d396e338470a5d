"""The Slack app that the gateway needs, as a manifest: https://docs.slack.dev/reference/app-manifest"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

# What each part calls; nothing is asked for that nothing uses.
DESK_SCOPES = (
    "channels:history", "channels:read", "chat:write", "groups:history", "groups:read", "reactions:write",
    "usergroups:read", "users:read",
)  # fmt: skip
CUSTOMER_SCOPES = ("app_mentions:read", "im:history", "im:read", "im:write")
DESK_EVENTS = ("message.channels", "message.groups")
CUSTOMER_EVENTS = ("app_mention", "message.im")


def scopes(*, customers: bool) -> list[str]:
    """The bot scopes that the app has to be granted."""
    return sorted({*DESK_SCOPES, *(CUSTOMER_SCOPES if customers else ())})


def manifest(name: str, url: str, *, socket: bool, customers: bool) -> dict[str, Any]:
    """`url` is ours, for Slack's webhooks; with `socket` Slack is called instead, and needs none."""
    at = {} if socket else {"request_url": f"{url}/webhooks/slack/events"}
    press = {} if socket else {"request_url": f"{url}/webhooks/slack/interactive"}
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": name[:35]},
        "features": {
            "bot_user": {"display_name": name[:35], "always_online": True},
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": customers,
                "messages_tab_read_only_enabled": not customers,
            },
        },
        "oauth_config": {"scopes": {"bot": scopes(customers=customers)}},
        "settings": {
            "event_subscriptions": {
                **at,
                "bot_events": sorted({*DESK_EVENTS, *(CUSTOMER_EVENTS if customers else ())}),
            },
            "interactivity": {"is_enabled": True, **press},
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def link(content: dict[str, Any]) -> str:
    """Opens Slack's page for a new app with the manifest filled in."""
    compact = json.dumps(content, separators=(",", ":"))
    return f"https://api.slack.com/apps?new_app=1&manifest_json={quote(compact, safe='')}"
