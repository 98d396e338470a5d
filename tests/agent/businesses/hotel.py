"""A hotel: bookings are moved and cancelled, dates are said in words."""

from __future__ import annotations

from tests.agent.businesses import FarEnd, Json

SPEC = """
name: miramar
intents:
  cancel_booking: {category: general, examples: ["cancel my booking", "I want to cancel my reservation"]}
  change_dates: {category: general, examples: ["I need to change the dates of my stay", "can I move my booking to another weekend"]}
  booking_status: {category: general, examples: ["is my booking confirmed", "I have not received a confirmation"]}
  invoice: {category: billing, examples: ["I need an invoice for my stay", "send me the receipt"]}
  room_problem: {category: technical, examples: ["the air conditioning in my room does not work", "my room is dirty"]}
  house_question: {examples: ["do you have a pool", "is breakfast included", "can I bring my dog", "what time is check-in"]}
entities:
  booking:
    pattern: "HX-\\\\d{4}"
    ask: {en: "Which booking is it? It starts with HX-.", es: "¿Qué reserva es? Empieza por HX-."}
    from: my_bookings.items
    match: [arrival, room]
time_zone: Europe/Madrid
knowledge: [knowledge/]
tools:
  my_bookings: {http: {method: GET, url: "{BASE}/bookings"}, effect: read}
  get_booking:
    description: One booking with its state.
    http: {method: GET, url: "{BASE}/bookings/{booking}"}
    args: {type: object, required: [booking], properties: {booking: {type: string}}}
    intents: [booking_status, cancel_booking]
    say:
      en: "Booking {{ booking }} ({{ room }}, arriving {{ arrival }}) is {{ state }}."
      es: "La reserva {{ booking }} ({{ room }}, llegada {{ arrival }}) está {{ state }}."
  cancel_booking:
    description: Cancel a booking.
    http: {method: POST, url: "{BASE}/bookings/{booking}/cancel"}
    args: {type: object, required: [booking], properties: {booking: {type: string, pattern: "^HX-\\\\d{4}$"}}}
    require: get_booking.state == "confirmed"
    once: [booking]
    intents: [cancel_booking]
    confirm: "true"
    question: {en: "Shall I cancel {{ booking }}?", es: "¿Cancelo {{ booking }}?"}
    say: {en: "Booking {{ booking }} is cancelled.", es: "La reserva {{ booking }} queda cancelada."}
  move_booking:
    description: Move a booking to another arrival day.
    http: {method: PUT, url: "{BASE}/bookings/{booking}/arrival"}
    args:
      type: object
      required: [booking, new_arrival]
      properties: {booking: {type: string}, new_arrival: {type: string, format: date}, guests: {type: integer}}
    once: [booking, new_arrival]
    intents: [change_dates]
    confirm: "true"
    question: {en: "Shall I move {{ booking }} to {{ new_arrival }}?", es: "¿Cambio {{ booking }} al {{ new_arrival }}?"}
    say: {en: "{{ booking }} now begins on {{ new_arrival }}.", es: "{{ booking }} empieza ahora el {{ new_arrival }}."}
  send_invoice:
    description: Send the invoice of a stay by e-mail.
    http: {method: POST, url: "{BASE}/bookings/{booking}/invoice"}
    args: {type: object, required: [booking, email], properties: {booking: {type: string}, email: {type: string, format: email}}}
    run: always
    intents: [invoice]
    say: {en: "The invoice of {{ booking }} is on its way to {{ email }}.", es: "La factura de {{ booking }} va a {{ email }}."}
  report_problem:
    description: Tell the house about a problem with a room.
    http: {method: POST, url: "{BASE}/problems"}
    args: {type: object, required: [booking, description], properties: {booking: {type: string}, description: {type: string}}}
    run: always
    intents: [room_problem]
    say: {en: "I have told the house about it ({{ ticket }}).", es: "He avisado a la casa ({{ ticket }})."}
languages: [en, es, de]
"""
KNOWLEDGE = {
    "house.md": """# The house
## Breakfast
Breakfast is included in every rate and served from 7:30 to 10:30.
## Pool
The pool on the roof is open from May to October, 9:00 to 20:00.
## Dogs
Dogs up to 20 kg are welcome in garden rooms for €12 a night.
## Arrival and departure
Check-in begins at 15:00. Rooms are to be left by 11:30.
## Cancelling
A booking can be cancelled free of charge until 48 hours before arrival. Later, one night is charged.
""",
    "casa.md": """# La casa
## Aparcamiento
El garaje es gratuito para los huéspedes y tiene seis puntos de carga.
""",
}
BOOKINGS: dict[str, Json] = {
    "HX-2231": {
        "booking": "HX-2231",
        "room": "Double room with sea view",
        "arrival": "2024-06-14",
        "state": "confirmed",
    },
    "HX-1007": {"booking": "HX-1007", "room": "Garden suite", "arrival": "2024-05-17", "state": "cancelled"},
}


def far_end() -> FarEnd:
    bookings = {key: dict(row) for key, row in BOOKINGS.items()}
    return FarEnd(
        {
            "GET /bookings": lambda names, body: {"items": list(bookings.values())},
            "GET /bookings/{booking}": lambda names, body: bookings.get(names["booking"]),
            "POST /bookings/{booking}/cancel": lambda names, body: {"booking": names["booking"]},
            "PUT /bookings/{booking}/arrival": lambda names, body: {"booking": names["booking"], **body},
            "POST /bookings/{booking}/invoice": lambda names, body: {"booking": names["booking"], **body},
            "POST /problems": lambda names, body: {"ticket": "P-7"},
        }
    )
