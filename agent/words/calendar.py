"""What five languages call days, months and spans of time, folded: `|` divides names of one thing, `_` stands for a space."""

MONTHS = {
    "en": "january february march april may june july august september october november december",
    "es": "enero febrero marzo abril mayo junio julio agosto septiembre octubre noviembre diciembre",
    "de": "januar februar marz april mai juni juli august september oktober november dezember",
    "fr": "janvier fevrier mars avril mai juin juillet aout septembre octobre novembre decembre",
    "pt": "janeiro fevereiro marco abril maio junho julho agosto setembro outubro novembro dezembro",
}
SHORT_MONTHS = {
    "en": "jan feb mar apr may jun jul aug sep|sept oct nov dec",
    "es": "ene feb mar abr may jun jul ago sep|sept oct nov dic",
    "de": "jan|janner feb mrz|maerz apr mai jun jul aug sep|sept okt nov dez",
    "fr": "janv fevr mars avr mai juin juil aout sept oct nov dec",
    "pt": "jan fev mar abr mai jun jul ago set out nov dez",
}
WEEKDAYS = {
    "en": "monday|mon tuesday|tue|tues wednesday|wed thursday|thu|thurs friday|fri saturday sunday",
    "es": "lunes martes miercoles jueves viernes sabado domingo",
    "de": "montag dienstag mittwoch donnerstag freitag samstag|sonnabend sonntag",
    "fr": "lundi mardi mercredi jeudi vendredi samedi dimanche",
    "pt": "segunda|segunda-feira terca|terca-feira quarta|quarta-feira quinta|quinta-feira sexta|sexta-feira sabado domingo",
}
NUMBERS = {
    "en": "one|a|an two|couple_of|a_couple_of three|few|a_few four five six seven eight nine ten eleven twelve",
    "es": "un|una|uno dos|un_par_de tres cuatro cinco seis siete ocho nueve diez once doce",
    "de": "ein|eine|einem|einer|einen zwei|ein_paar|zwo drei vier funf sechs sieben acht neun zehn elf zwolf",
    "fr": "un|une deux trois|quelques quatre cinq six sept huit neuf dix onze douze",
    "pt": "um|uma dois|duas tres quatro cinco seis sete oito nove dez onze doze",
}
UNITS = {
    "en": {"day": "days?", "week": "weeks?", "month": "months?", "year": "years?", "hour": "hours?|hrs?"},
    "es": {"day": "dias?", "week": "semanas?", "month": "mes|meses", "year": "anos?", "hour": "horas?"},
    "de": {
        "day": "tag|tage|tagen",
        "week": "wochen?",
        "month": "monat|monate|monaten",
        "year": "jahr|jahre|jahren",
        "hour": "stunden?",
    },
    "fr": {"day": "jours?", "week": "semaines?", "month": "mois", "year": "ans?|annees?", "hour": "heures?"},
    "pt": {"day": "dias?", "week": "semanas?", "month": "mes|meses", "year": "anos?", "hour": "horas?"},
}
AGO = {
    "en": r"{n} {u} (?:ago|back)|(?:for|over|in) the (?:last|past) {n} {u}|since {n} {u}",
    "es": r"(?:hace|desde hace|hara) (?:unos |unas |ya |casi |como )?{n} {u}|{n} {u} atras",
    "de": r"(?:vor|seit) (?:etwa |rund |ungefahr |uber |schon )?{n} {u}",
    "fr": r"(?:il y a|ca fait|depuis) (?:environ |deja |presque )?{n} {u}",
    "pt": r"(?:ha|faz) (?:cerca de |quase |ja )?{n} {u}|{n} {u} atras",
}
AHEAD = {
    "en": r"in {n} {u}|{n} {u} from (?:now|today)",
    "es": r"(?:dentro de|en) {n} {u}",
    "de": r"in {n} {u}",
    "fr": r"dans {n} {u}",
    "pt": r"(?:daqui a|dentro de|em) {n} {u}",
}
DAYS = {
    "en": {-2: "day before yesterday", -1: "yesterday|last night", 0: "today|tonight|this (?:morning|afternoon|evening)",
           2: "day after tomorrow", 1: "tomorrow"},
    "es": {-2: "anteayer|antes de ayer", -1: "ayer|anoche", 0: "hoy|esta (?:manana|tarde|noche)", 2: "pasado manana",
           1: "(?<!esta )(?<!la )(?<!por la )manana"},
    "de": {-2: "vorgestern", -1: "gestern", 0: "heute", 2: "ubermorgen", 1: "(?<!guten )(?<!am )(?<!heute )(?<!gestern )morgen"},
    "fr": {-2: "avant[ -]hier", -1: "hier", 0: "aujourd'hui|ce (?:matin|soir)|cet apres midi", 2: "apres[ -]demain", 1: "demain"},
    "pt": {-2: "anteontem", -1: "ontem", 0: "hoje|esta (?:manha|tarde|noite)", 2: "depois de amanha", 1: "amanha"},
}  # fmt: skip
LAST = {
    "en": (r"(?:last|past|previous)\s", ""),
    "es": (r"pasad[oa]\s", r"\s(?:pasad[oa]|anterior|ultim[oa])"),
    "de": (r"(?:(?:vor)?letzt\w*|vergangen\w*|vorig\w*)\s", ""),
    "fr": (r"", r"\s(?:dernier|derniere|passee?)"),
    "pt": (r"(?:ultim[oa]|passad[oa])\s", r"\s(?:passad[oa]|anterior)"),
}
NEXT = {
    "en": (r"(?:next|coming|this coming)\s", ""),
    "es": (r"(?:proxim[oa]|siguiente)\s", r"\s(?:que viene|proxim[oa]|siguiente)"),
    "de": (r"(?:nachst\w*|kommend\w*)\s", ""),
    "fr": (r"prochain\w*\s", r"\s(?:prochain\w*|qui vient)"),
    "pt": (r"(?:proxim[oa])\s", r"\s(?:que vem|proxim[oa]|seguinte)"),
}
BEFORE_MONTH = {
    "en": "in|since|from|of|last|for",
    "es": "en|de|desde|del mes de",
    "de": "im|vom|seit|letzten|fur",
    "fr": "en|de|depuis|du mois de",
    "pt": "em|de|desde",
}
"""A month's name alone is a month only after one of these: "may" and "mars" are other words too."""
DATE = {"en": "date", "es": "fecha", "de": "datum", "fr": "date", "pt": "data"}
