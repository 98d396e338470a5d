"""A clinic whose spec says little: no wordings, arguments called otherwise than entities, appointments only by doctor and day."""

from __future__ import annotations

from tests.agent.businesses import FarEnd, Json

SPEC = """
name: clinic
intents:
  cancel_appointment: {examples: ["cancel my appointment"]}
  reschedule: {examples: ["move my appointment to another day"]}
  next_appointment: {examples: ["when is my next appointment"]}
  results: {category: technical, examples: ["are my test results ready"]}
  refill: {examples: ["I need a refill of my prescription"]}
  emergency: {human: true, examples: ["I have strong pain and bleeding"]}
entities:
  appointment: {pattern: "AP\\\\d{3}", from: agenda.appointments, match: [starts_at, doctor]}
  patient_number: {pattern: "\\\\d{7}", ask: "Your patient number, please?"}
  new_date: {pattern: "\\\\d{4}-\\\\d{2}-\\\\d{2}", ask: "To which day?"}
time_zone: Europe/Berlin
knowledge: [knowledge/]
tools:
  agenda: {http: {url: "{BASE}/agenda"}}
  cancel:
    description: Cancel an appointment
    http: {method: DELETE, url: "{BASE}/appointments/{appointment_id}"}
    args: {type: object, required: [appointment_id], properties: {appointment_id: {type: string}}}
    once: [appointment_id]
    confirm: "true"
    intents: [cancel_appointment]
  move:
    description: Move an appointment
    http: {method: PATCH, url: "{BASE}/appointments/{appointment}"}
    args: {type: object, required: [appointment, new_date], properties: {appointment: {type: string}, new_date: {type: string}}}
    once: [appointment, new_date]
    confirm: "true"
    intents: [reschedule]
  results:
    http: {url: "{BASE}/results/{patient_number}"}
    args: {type: object, required: [patient_number], properties: {patient_number: {type: string}}}
    intents: [results]
  refill:
    description: Ask the doctor for a refill
    http: {method: POST, url: "{BASE}/refills"}
    args: {type: object, required: [patient_number, medication], properties: {patient_number: {type: string}, medication: {type: string}}}
    run: always
    intents: [refill]
languages: [en, de, es]
"""
KNOWLEDGE = {
    "faq.md": """# FAQ
## Opening hours
We are open Monday to Friday from 8:00 to 18:00.
## Insurance
We accept all public insurers and most private ones.
## First visit
Please bring your insurance card and a list of your medication.
"""
}
AGENDA: list[Json] = [
    {"id": "AP101", "doctor": "Dr. Meyer", "starts_at": "2024-05-28T09:00:00+02:00"},
    {"id": "AP102", "doctor": "Dr. Novak", "starts_at": "2024-06-03T15:00:00+02:00"},
]


def far_end() -> FarEnd:
    return FarEnd(
        {
            "GET /agenda": lambda names, body: {"appointments": AGENDA},
            "DELETE /appointments/{id}": lambda names, body: {"id": names["id"]},
            "PATCH /appointments/{id}": lambda names, body: {"id": names["id"], **body},
            "GET /results/{patient}": lambda names, body: {
                "patient": names["patient"],
                "status": "ready",
                "lab": "Nord",
                "notes": None,
            },
            "POST /refills": lambda names, body: {"ok": True},
        }
    )
