"""`GET /api/openapi.json`: what every route of the API takes and gives, for programs that read OpenAPI 3.1."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version
from typing import Any

Json = dict[str, Any]

TEXT: Json = {"type": "string"}
NUMBER: Json = {"type": "integer"}
WHEN: Json = {"type": "integer", "description": "UTC milliseconds"}
CONVERSATION: Json = {
    "type": "object",
    "required": ["id", "channel", "owner", "status", "customer", "updated_at"],
    "properties": {
        "id": TEXT,
        "channel": TEXT,
        "owner": {"enum": ["agent", "staff"]},
        "owner_name": TEXT,
        "status": {"enum": ["open", "waiting_customer", "waiting_staff", "resolved", "closed"]},
        "customer": {"type": "object", "properties": {"source": TEXT, "id": TEXT, "name": TEXT}},
        "language": TEXT,
        "episode": NUMBER,
        "epoch": NUMBER,
        "seq": NUMBER,
        "created_at": WHEN,
        "updated_at": WHEN,
    },
}
LINE: Json = {
    "type": "object",
    "required": ["seq", "at", "kind", "episode", "turn"],
    "properties": {"seq": NUMBER, "at": WHEN, "kind": TEXT, "episode": NUMBER, "turn": NUMBER},
    "additionalProperties": True,
}
ACTION: Json = {
    "type": "object",
    "required": ["id", "conversation", "what", "asks", "state", "tool", "args", "digest", "expires_at"],
    "properties": {
        "id": TEXT, "conversation": TEXT, "what": {"enum": ["tool", "reply"]}, "asks": {"enum": ["customer", "staff"]},
        "state": TEXT, "tool": TEXT, "args": {"type": "object"}, "digest": TEXT, "spec": TEXT, "created_at": WHEN,
        "expires_at": WHEN, "decided_by": TEXT, "decided_at": WHEN,
    },
}  # fmt: skip
CHANNEL: Json = {
    "type": "object",
    "required": ["name", "side", "mode"],
    "properties": {"name": TEXT, "side": {"enum": ["customer", "staff"]}, "mode": {"enum": ["off", "draft", "live"]}},
    "additionalProperties": True,
}
TOOL: Json = {
    "type": "object",
    "required": ["name", "effect", "args"],
    "properties": {
        "name": TEXT,
        "description": TEXT,
        "effect": {"enum": ["read", "write"]},
        "args": {"type": "object"},
    },
    "additionalProperties": True,
}
SPEC: Json = {
    "type": "object",
    "required": ["id", "number", "created_at", "live"],
    "properties": {"id": TEXT, "number": NUMBER, "created_at": WHEN, "live": {"type": "boolean"}},
}
PAGING = ("limit", "after")
ROUTES: tuple[tuple[str, str, str, tuple[str, ...], Json, bool], ...] = (
    (
        "get",
        "/api/v1/conversations",
        "Conversations, newest first",
        ("channel", "owner", "q", *PAGING),
        CONVERSATION,
        True,
    ),
    ("get", "/api/v1/conversations/{id}", "One conversation", (), CONVERSATION, False),
    ("get", "/api/v1/conversations/{id}/log", "Its log, oldest first; after is a seq", PAGING, LINE, True),
    ("get", "/api/v1/approvals", "Calls and replies that wait for a person's word", ("state", *PAGING), ACTION, True),
    ("get", "/api/v1/approvals/{id}", "One of them", (), ACTION, False),
    ("get", "/api/v1/channels", "The state of each channel", (), CHANNEL, True),
    ("get", "/api/v1/channels/{name}", "One channel", (), CHANNEL, False),
    ("get", "/api/v1/tools", "The closed list of what the agent can do", (), TOOL, True),
    ("get", "/api/v1/specs", "Versions of the agent's spec", (), SPEC, True),
    (
        "post",
        "/api/v1/specs/{id}/publish",
        "Make a version live",
        (),
        {"type": "object", "properties": {"live": TEXT}},
        False,
    ),
)
"""(method, path, what it is, query parameters, shape of the answer or of its items, whether it is a page)."""


def document() -> Json:
    """The whole description."""
    paths: Json = {}
    for method, path, summary, query, shape, paged in ROUTES:
        paths.setdefault(path, {})[method] = _operation(path, summary, query, shape, paged=paged)
    bearer = {"type": "http", "scheme": "bearer", "description": "operator_token"}
    return {
        "openapi": "3.1.0",
        "info": {"title": "Support Gateway", "version": _version()},
        "security": [{"operator": []}],
        "components": {"securitySchemes": {"operator": bearer}},
        "paths": paths,
    }


def _operation(path: str, summary: str, query: tuple[str, ...], shape: Json, *, paged: bool) -> Json:
    named = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    parameters = [{"name": name, "in": "path", "required": True, "schema": TEXT} for name in named]
    parameters += [{"name": name, "in": "query", "schema": NUMBER if name == "limit" else TEXT} for name in query]
    page = {
        "type": "object",
        "required": ["items"],
        "properties": {"items": {"type": "array", "items": shape}, "next": {}},
    }
    answers: Json = {
        "200": {"description": "OK", "content": {"application/json": {"schema": page if paged else shape}}}
    }
    answers["401"] = {"description": "no operator token"}
    if named:
        answers["404"] = {"description": "there is none"}
    return {"summary": summary, "parameters": parameters, "responses": answers}


def _version() -> str:
    try:
        return version("support-gateway")
    except PackageNotFoundError:
        return "0"
