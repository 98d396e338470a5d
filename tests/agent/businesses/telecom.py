"""A telephone company: plans are chosen from a list, outages are looked up by postcode, cards are blocked at once."""

from __future__ import annotations

from tests.agent.businesses import FarEnd, Json

SPEC = """
name: tonline
intents:
  outage_report: {category: technical, examples: ["my internet is down", "I have no signal", "there is no service in my area"]}
  slow_internet: {category: technical, examples: ["my internet is very slow"]}
  change_plan: {category: billing, examples: ["I want to change my plan", "upgrade me to a bigger data plan"]}
  data_usage: {category: general, examples: ["how much data do I have left", "what is my balance"]}
  bill_question: {category: billing, examples: ["why is my bill so high", "explain the charges on my invoice"]}
  block_sim: {category: technical, examples: ["I lost my phone, block my SIM", "my SIM was stolen"]}
  cancel_contract: {category: billing, human: true, examples: ["I want to cancel my contract", "terminate my subscription"]}
entities:
  line:
    pattern: "\\\\+?\\\\d{9,12}"
    ask: {en: "Which number is it about?", es: "¿De qué número se trata?", de: "Um welche Nummer geht es?"}
  postcode:
    pattern: "\\\\d{5}"
    ask: {en: "What is your postcode?", es: "¿Cuál es tu código postal?", de: "Wie lautet Ihre Postleitzahl?"}
tools:
  outages:
    description: Known outages in an area.
    http: {method: GET, url: "{BASE}/outages"}
    args: {type: object, required: [postcode], properties: {postcode: {type: string}}}
    intents: [outage_report, slow_internet]
    say:
      en: "{% if known %}There is an outage in {{ postcode }} until {{ until }}.{% else %}I see no outage in {{ postcode }}.{% endif %}"
      es: "{% if known %}Hay una avería en {{ postcode }} hasta las {{ until }}.{% else %}No veo ninguna avería.{% endif %}"
  usage:
    description: What is left of this month's data.
    http: {method: GET, url: "{BASE}/lines/{line}/usage"}
    args: {type: object, required: [line], properties: {line: {type: string}}}
    intents: [data_usage]
    say: {en: "{{ left_gb }} GB are left until {{ until }}.", es: "Quedan {{ left_gb }} GB hasta el {{ until }}."}
  bill:
    description: The newest bill with its lines.
    http: {method: GET, url: "{BASE}/lines/{line}/bill"}
    args: {type: object, required: [line], properties: {line: {type: string}}}
    intents: [bill_question]
    say: {en: "The bill of {{ month }} is €{{ total }}: {{ why }}.", es: "La factura de {{ month }} es de {{ total }} €: {{ why }}."}
  change_plan:
    description: Put a line on another plan.
    http: {method: PUT, url: "{BASE}/lines/{line}/plan"}
    args:
      type: object
      required: [line, plan]
      properties: {line: {type: string}, plan: {type: string, enum: [basic, plus, premium]}}
    once: [line, plan]
    intents: [change_plan]
    confirm: "true"
    question: {en: "Shall I put {{ line }} on {{ plan }}?", de: "Soll ich {{ line }} auf {{ plan }} umstellen?"}
    say: {en: "{{ line }} is on {{ plan }} now.", es: "{{ line }} tiene ahora {{ plan }}.", de: "{{ line }} hat jetzt {{ plan }}."}
  block_sim:
    description: Block the SIM card of a line.
    http: {method: POST, url: "{BASE}/lines/{line}/block"}
    args: {type: object, required: [line], properties: {line: {type: string}}}
    once: [line]
    run: always
    intents: [block_sim]
    say: {en: "The SIM of {{ line }} is blocked.", es: "La SIM de {{ line }} está bloqueada.", de: "Die SIM von {{ line }} ist gesperrt."}
languages: [en, es, de, fr, pt]
"""
KNOWLEDGE: dict[str, str] = {}
LINES: dict[str, Json] = {"600123456": {"left_gb": 3, "until": "31 May"}}


def far_end() -> FarEnd:
    return FarEnd(
        {
            "GET /outages": lambda names, body: {**body, "known": body["postcode"] == "28013", "until": "18:00"},
            "GET /lines/{line}/usage": lambda names, body: LINES.get(names["line"]),
            "GET /lines/{line}/bill": lambda names, body: {"month": "April", "total": 80, "why": "roaming in Norway"},
            "PUT /lines/{line}/plan": lambda names, body: {"line": names["line"], **body},
            "POST /lines/{line}/block": lambda names, body: {"line": names["line"]},
        }
    )
