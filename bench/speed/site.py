"""The configuration of the gateway that is measured: web, desk, offline model, one tool."""

from __future__ import annotations

from pathlib import Path

SECRET = "a-secret-of-the-measurements-0123456789"

GATEWAY = """\
listen: {{host: 127.0.0.1, port: {port}}}
store: sqlite:///data/gateway.db
operator_token: {secret}
secret_key: {secret}
log: {{level: error}}
slack: {{bot_token: xoxb-bench, signing_secret: {secret}, api_base: "{slack}/api/"}}
channels:
  web: {{mode: live, messages_per_10s: 100000, sessions_per_minute: 1000000, streams_per_address: 100000}}
desk: {{channel: C0BENCH}}
agent: {{spec: agent.yaml, model: offline}}
"""

AGENT = """\
name: bench
knowledge: [knowledge/]
intents:
  order_status:
    examples: [where is my order, what is the status of my order]
  opening_hours:
    examples: [when are you open, what are your opening hours]
entities:
  order: {{pattern: "X-\\\\d+", ask: "Which order?"}}
tools:
  get_order:
    description: Look up an order.
    http: {{method: GET, url: "{tool}/orders/{{order}}", auth: none}}
    args: {{type: object, required: [order], properties: {{order: {{type: string}}}}}}
    effect: read
    intents: [order_status]
    say: "Order {{{{ order }}}} is {{{{ status }}}}."
escalate: {{turns: 1000000}}
"""

KNOWLEDGE = """\
# Opening hours

We are open from Monday to Friday, nine to five. On Saturdays we are open from ten to two.

# Shipping

An order takes two to four working days. Express takes one day.
"""

ASKED = ("when are you open", "what are your opening hours", "are you open on saturdays", "how long does an order take")


def plain(_person: int, serial: int) -> str:
    """A question that knowledge answers."""
    return ASKED[serial % len(ASKED)]


def with_tool(_person: int, serial: int) -> str:
    """A question that one tool call answers."""
    return f"where is my order X-{serial}"


def relayed(person: int, serial: int) -> str:
    """Words for a person; the mark comes back from the desk."""
    return f"And another thing: q{person}q{serial}q"


def write(folder: Path, port: int, slack: str, tool: str) -> Path:
    """`gateway.yaml` and what belongs to it; its path."""
    (folder / "knowledge").mkdir(parents=True, exist_ok=True)
    (folder / "knowledge" / "shop.md").write_text(KNOWLEDGE)
    (folder / "agent.yaml").write_text(AGENT.format(tool=tool))
    config = folder / "gateway.yaml"
    config.write_text(GATEWAY.format(port=port, secret=SECRET, slack=slack))
    config.chmod(0o600)
    return config
