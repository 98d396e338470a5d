"""The Slack app as a manifest: https://docs.slack.dev/reference/app-manifest"""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

Manifest = dict[str, Any]

DESK_SCOPES = (
    "app_mentions:read", "channels:history", "channels:read", "chat:write", "files:read", "files:write", "groups:history", "groups:read",
    "reactions:write", "usergroups:read", "users:read",
)  # fmt: skip
CUSTOMER_SCOPES = ("chat:write.customize", "im:history", "im:read", "im:write")
DESK_EVENTS = ("app_mention", "message.channels", "message.groups")
CUSTOMER_EVENTS = ("message.im",)


def manifest(name: str, url: str = "", *, socket: bool = False, customers: bool = False) -> Manifest:
    """What the app needs and where Slack reaches us: at `url`, or over a socket that we open."""
    return {
        "_metadata": {"major_version": 2, "minor_version": 1},
        "display_information": {"name": name, "description": "Customer support: the desk, and people when it matters"},
        "features": {
            "bot_user": {"display_name": name, "always_online": True},
            "app_home": {
                "home_tab_enabled": False,
                "messages_tab_enabled": customers,
                "messages_tab_read_only_enabled": False,
            },
        },
        "oauth_config": {"scopes": {"bot": sorted(DESK_SCOPES + (CUSTOMER_SCOPES if customers else ()))}},
        "settings": {
            "event_subscriptions": {
                **({} if socket else {"request_url": f"{url}/webhooks/slack/events"}),
                "bot_events": sorted(DESK_EVENTS + (CUSTOMER_EVENTS if customers else ())),
            },
            "interactivity": {
                "is_enabled": True,
                **({} if socket else {"request_url": f"{url}/webhooks/slack/interactive"}),
            },
            "org_deploy_enabled": False,
            "socket_mode_enabled": socket,
            "token_rotation_enabled": False,
        },
    }


def link(content: Manifest) -> str:
    """Opens Slack's page with the app filled in."""
    return f"https://api.slack.com/apps?new_app=1&manifest_json={quote(json.dumps(content, separators=(',', ':')))}"
