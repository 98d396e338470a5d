"""A software service: invoices, seats by number, doubled payments, questions that only the documentation answers."""

from __future__ import annotations

from tests.agent.businesses import FarEnd, Json

SPEC = """
name: boardly
intents:
  invoice_copy: {category: billing, examples: ["I need a copy of my invoice", "where can I download my invoices"]}
  double_charge: {category: billing, examples: ["I was charged twice", "there is a duplicate payment on my card"]}
  add_seats: {category: billing, examples: ["add more seats", "we need more licenses for our team"]}
  password_reset: {category: technical, examples: ["I forgot my password", "I can't log in"]}
  api_question: {category: technical, examples: ["the API returns an error", "what is the rate limit of the API"]}
  export_data: {category: technical, examples: ["how do I export my data"]}
  delete_account: {category: general, human: true, examples: ["delete my account"]}
entities:
  invoice:
    pattern: "INV-\\\\d{4}-\\\\d{3}"
    ask: {en: "Which invoice is it? Its number looks like INV-2024-001.", de: "Um welche Rechnung geht es?"}
    from: list_invoices.data
    match: [issued, period]
time_zone: America/New_York
knowledge: [docs/]
tools:
  list_invoices: {http: {method: GET, url: "{BASE}/invoices"}, effect: read}
  invoice_link:
    description: A link to one invoice.
    http: {method: GET, url: "{BASE}/invoices/{invoice}"}
    args: {type: object, required: [invoice], properties: {invoice: {type: string, pattern: "^INV-\\\\d{4}-\\\\d{3}$"}}}
    intents: [invoice_copy]
    say: {en: "Invoice {{ invoice }} over ${{ amount }}: {{ link }}", de: "Rechnung {{ invoice }} über {{ amount }} $: {{ link }}"}
  find_duplicates:
    description: Payments that were taken twice.
    http: {method: GET, url: "{BASE}/duplicates"}
    intents: [double_charge]
    say: {en: "{% if payment %}${{ amount }} was taken twice on {{ day }}.{% else %}I see no duplicate payment.{% endif %}"}
  return_duplicate:
    description: Give a duplicate payment back.
    http: {method: POST, url: "{BASE}/duplicates/{payment}/return"}
    args: {type: object, required: [payment, amount], properties: {payment: {type: string}, amount: {type: number}}}
    bind: {amount: find_duplicates.amount}
    once: [payment]
    run: always
    intents: [double_charge]
    say: {en: "${{ amount }} are on their way back to you."}
  add_seats:
    description: Add seats to the workspace.
    http: {method: POST, url: "{BASE}/seats"}
    args: {type: object, required: [seats], properties: {seats: {type: integer, minimum: 1, maximum: 100}}}
    run: always
    intents: [add_seats]
    say: {en: "{{ seats }} seats were added.", de: "{{ seats }} Plätze sind dazugekommen."}
  send_reset:
    description: Send a link to choose a new password.
    http: {method: POST, url: "{BASE}/reset"}
    args: {type: object, required: [email], properties: {email: {type: string, format: email}}}
    run: always
    intents: [password_reset]
    say: {en: "A link is on its way to {{ email }}."}
languages: [en, de, fr]
"""
KNOWLEDGE = {
    "api.md": """# API
## Rate limits
Each key may make 600 requests per minute. Beyond that the API answers 429 and names the seconds to wait in Retry-After.
## Errors
A 500 means that we failed; the request may be repeated with the same Idempotency-Key.
""",
    "data.md": """# Your data
## Export
Open *Settings → Workspace → Export*. You receive a ZIP with one CSV per board; large workspaces take up to an hour.
## Where data is stored
All data is stored in Frankfurt, encrypted at rest.
""",
}
INVOICES: list[Json] = [
    {
        "invoice": "INV-2024-004",
        "issued": "2024-05-01",
        "period": "April 2024",
        "amount": 49,
        "link": "https://boardly.test/i/4",
    },
    {
        "invoice": "INV-2024-003",
        "issued": "2024-04-01",
        "period": "March 2024",
        "amount": 49,
        "link": "https://boardly.test/i/3",
    },
]


def far_end() -> FarEnd:
    return FarEnd(
        {
            "GET /invoices": lambda names, body: {"data": INVOICES},
            "GET /invoices/{invoice}": lambda names, body: next(
                (i for i in INVOICES if i["invoice"] == names["invoice"]), None
            ),
            "GET /duplicates": lambda names, body: {"payment": "pay_77", "amount": 49, "day": "2024-05-02"},
            "POST /duplicates/{payment}/return": lambda names, body: body,
            "POST /seats": lambda names, body: body,
            "POST /reset": lambda names, body: body,
        }
    )
