"""Why Slack will not take words for a customer, in names that people and figures can use.

https://docs.slack.dev/reference/methods/chat.postMessage#errors – what may be tried again, and what nobody knows the end of, is told
apart where Slack is called (channels.slack.connection).
"""

from __future__ import annotations

from bus.errors import Permanent

OUTCOMES = {
    "channel_not_found": "place_gone",
    "thread_not_found": "place_gone",
    "is_archived": "place_archived",
    "not_in_channel": "bot_removed",
    "is_inactive": "bot_removed",
    "cannot_reply_to_message": "place_closed",
    "restricted_action": "not_allowed_here",
    "restricted_action_read_only_channel": "not_allowed_here",
    "restricted_action_thread_only_channel": "not_allowed_here",
    "restricted_action_thread_locked": "place_closed",
    "messages_tab_disabled": "direct_messages_off",
    "cannot_dm_bot": "not_a_person",
    "user_not_found": "person_gone",
    "user_disabled": "person_gone",
    "missing_scope": "app_lacks_scope",
    "not_allowed_token_type": "app_lacks_scope",
    "access_denied": "app_lacks_scope",
    "ekm_access_denied": "blocked_by_admin",
    "team_access_not_granted": "blocked_by_admin",
    "invalid_auth": "app_signed_out",
    "not_authed": "app_signed_out",
    "token_revoked": "app_signed_out",
    "token_expired": "app_signed_out",
    "account_inactive": "app_signed_out",
    "message_limit_exceeded": "workspace_full",
    "msg_too_long": "too_long",
    "no_text": "nothing_to_say",
    "invalid_blocks": "malformed",
    "message_not_found": "message_gone",
    "cant_update_message": "message_gone",
    "cant_delete_message": "not_ours_to_delete",
    "cant_delete_file": "not_ours_to_delete",
    "edit_window_closed": "too_late_to_change",
}


def named(error: Permanent) -> Permanent:
    """Slack's refusal under our name for it; one that we do not know keeps Slack's."""
    return Permanent(OUTCOMES.get(error.reason, error.reason), f"Slack: {error.reason}")
