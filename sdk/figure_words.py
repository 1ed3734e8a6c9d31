"""What each steering figure means, in plain words: German and English. A row that is not here is shown by its code."""

from dataclasses import dataclass, field
from typing import Final


@dataclass(frozen=True, slots=True)
class Words:
    """One text in both languages."""

    de: str
    en: str

    def in_(self, language: str) -> str:
        """Return it in one of them."""
        return self.de if language == "de" else self.en


@dataclass(frozen=True, slots=True)
class TableWords:
    """A table's title, what is counted in it, its rows, and its total if it can have one."""

    title: Words
    means: Words
    rows: dict[str, Words] = field(default_factory=dict)
    total: Words | None = None


_GROUPS: Final = {
    "debts": Words("Schuldnerberatung", "debt advice"),
    "eviction": Words("Hilfe gegen den Verlust der Wohnung", "help against losing the flat"),
    "flat": Words("Wohnung statt Unterkunft", "a flat instead of a shelter"),
    "shelter": Words("Notunterkunft, Schutzplatz", "shelter, protected place"),
    "health": Words("Arzt, Klinik, Psychotherapie", "doctor, clinic, psychotherapy"),
    "addiction": Words("Suchtberatung, Entgiftung, Substitution", "addiction advice, withdrawal, substitution"),
    "food": Words("Lebensmittel, Essen", "food"),
    "work": Words("begleitete Arbeit", "supported work"),
}

TABLES: Final = {
    "came_by": TableWords(
        Words("Wie die Menschen gekommen sind", "How people came"),
        Words(
            "Menschen, für die in diesem Quartal ein Fall begonnen hat.",
            "Persons for whom a case began in this quarter.",
        ),
        {
            "commissioned": Words("vom Jobcenter beauftragt", "commissioned by the Jobcenter"),
            "self": Words("von selbst gekommen", "came by themselves"),
            "street": Words("auf der Straße angetroffen", "met on the street"),
        },
        Words("zusammen", "together"),
    ),
    "needs": TableWords(
        Words("Woran es fehlt", "What is needed"),
        Words(
            "Menschen, bei denen das Team in diesem Quartal zum ersten Mal einen deutlichen Bedarf in diesem"
            " Lebensbereich festgehalten hat. Wer Bedarf in mehreren Bereichen hat, steht in mehreren Zeilen; eine"
            " Summe gibt es deshalb nicht. Bestrittenes zählt nicht, und was eine zweite Fachkraft bestätigen"
            " muss, erst danach.",
            "Persons of whom the team wrote down a distinct need in this part of life for the first time in this"
            " quarter. Who has several needs is in several rows, so there is no total. What is contested does not"
            " count, and what a second person has to confirm only once that was done.",
        ),
        {
            "livelihood": Words("Lebensunterhalt", "livelihood"),
            "housing": Words("Wohnen", "housing"),
            "physical_health": Words("körperliche Gesundheit", "physical health"),
            "mental_health": Words("seelische Gesundheit", "mental health"),
            "addiction": Words("Sucht", "addiction"),
            "debts": Words("Schulden", "debts"),
            "family": Words("Familie, Pflege, Kinder", "family, care, children"),
            "safety": Words("Sicherheit", "safety"),
            "papers": Words("Papiere und Behörden", "papers and authorities"),
            "language": Words("Sprache, Lesen und Schreiben", "language, reading and writing"),
            "daily_structure": Words("Tagesstruktur", "daily structure"),
            "work": Words("Arbeit", "work"),
        },
    ),
    "first_talks": TableWords(
        Words("Wie lange bis zum ersten Gespräch", "How long until the first talk"),
        Words(
            "Menschen, deren erstes Gespräch in diesem Quartal festgehalten wurde, nach Arbeitstagen (Montag bis"
            " Freitag) seit dem Beginn ihres Falls.",
            "Persons whose first talk was written down in this quarter, by working days (Monday to Friday) since"
            " their case began.",
        ),
        {
            "within_3_days": Words("bis 3 Arbeitstage", "up to 3 working days"),
            "within_7_days": Words("4 bis 7", "4 to 7"),
            "within_14_days": Words("8 bis 14", "8 to 14"),
            "within_30_days": Words("15 bis 30", "15 to 30"),
            "later": Words("mehr als 30", "more than 30"),
        },
        Words("erste Gespräche zusammen", "first talks together"),
    ),
    "not_yet_met": TableWords(
        Words("Noch kein Gespräch", "No talk yet"),
        Words(
            "Menschen, deren Fall in diesem Quartal begonnen hat und mit denen bis zu seinem Ende nicht"
            " gesprochen wurde. Der Grund wird nicht gezählt: nicht angetroffen und nicht gewollt sehen hier"
            " gleich aus.",
            "Persons whose case began in this quarter and with whom nobody had talked by its end. The reason is"
            " not counted: not found and not wanted look the same here.",
        ),
        {"waiting": Words("bis zum Ende des Quartals nicht gesprochen", "not talked with by the end of the quarter")},
    ),
    "asked_for": TableWords(
        Words("Welche Hilfe angefragt wurde", "Which help was asked for"),
        Words(
            "Menschen, für die in diesem Quartal solche Hilfe bei einer Einrichtung angefragt wurde.",
            "Persons for whom such help was asked for at a provider in this quarter.",
        ),
        _GROUPS,
    ),
    "taken_up": TableWords(
        Words("Welche Hilfe begonnen hat", "Which help was taken up"),
        Words(
            "Menschen, die in diesem Quartal angenommen wurden, einen Termin angenommen haben oder zum ersten Mal"
            " dort waren.",
            "Persons who in this quarter were accepted, took an appointment, or were there for the first time.",
        ),
        _GROUPS,
    ),
    "outcomes": TableWords(
        Words("Was daraus geworden ist", "What came of it"),
        Words(
            "Menschen, bei denen das in diesem Quartal erreicht wurde: Die Einrichtung hat die Hilfe beendet und"
            " gesagt, dass sie geholfen hat. Eine Behandlung hat begonnen, wenn jemand zum ersten Mal dort war.",
            "Persons for whom this was reached in this quarter: the provider ended its help and said that it had"
            " helped. A treatment began when somebody was there for the first time.",
        ),
        {
            "debts_regulated": Words("Schulden geregelt", "debts regulated"),
            "flats_kept": Words("Wohnung behalten", "flats kept"),
            "flats_found": Words("Wohnung gefunden", "flats found"),
            "shelters_found": Words("Unterkunft oder Schutzplatz gefunden", "shelter or protected place found"),
            "treatments_begun": Words("Behandlung begonnen", "treatments begun"),
            "treatments_helped": Words("Behandlung hat geholfen", "treatments that helped"),
            "food_secured": Words("Essen gesichert", "food secured"),
            "work_begun": Words("Arbeit begonnen", "work begun"),
        },
    ),
}

TITLE: Final = Words("Steuerungszahlen", "Steering figures")
FEWER: Final = Words("weniger als {minimum}", "fewer than {minimum}")
ABOUT: Final = Words("etwa {about}", "about {about}")
NOT_TOLD: Final = Words("wird nicht genannt", "not told")
ROW: Final = Words("Zeile", "row")
PERSONS: Final = Words("Menschen", "persons")
PUBLISHED: Final = Words("Veröffentlicht am {day}, seitdem unverändert.", "Published on {day}, unchanged since.")

HOW_TO_READ: Final = (
    Words(
        "Gezählt werden Menschen, nicht Akten. Jeder Mensch steht in einer Zeile höchstens einmal im Quartal: in"
        " dem Quartal, in dem es geschehen ist. Kein Quartal überschneidet sich mit einem anderen.",
        "Persons are counted, not files. Each person is in a row at most once a quarter: in the quarter in which"
        " it happened. No quarter overlaps another.",
    ),
    Words(
        "Niemand soll hier zu erkennen sein. Deshalb steht bei weniger als {minimum} Menschen keine Zahl, auch"
        " keine Null. Jede andere Zahl ist auf {step} gerundet, durch Zufall nach oben oder nach unten, im Mittel"
        " richtig: „etwa 40“ heißt zwischen 31 und 49. Ein Unterschied von {step} zwischen zwei Zahlen kann Zufall"
        " sein.",
        "Nobody is to be recognised here. So where there are fewer than {minimum} persons there is no number, not"
        " even a zero. Every other number is rounded to {step}, up or down by chance, right on average: “about 40”"
        " means between 31 and 49. A difference of {step} between two numbers can be chance.",
    ),
    Words(
        "Eine Summe fehlt, sobald eine ihrer Zeilen fehlt: Sonst ließe sich diese ausrechnen. Zeilen und Summe"
        " sind für sich gerundet und gehen nicht genau auf.",
        "A total is missing as soon as one of its rows is: otherwise that row could be worked out. Rows and total"
        " are rounded each by itself and do not add up exactly.",
    ),
    Words(
        "Ein Quartal wird einmal gezählt, einige Tage nach seinem Ende, und nie wieder. Was später bekannt wird,"
        " ändert es nicht; auf Nachfrage gibt es keine andere Auswertung. Verglichen werden kann nur, was gleich"
        " gezählt wird.",
        "A quarter is counted once, some days after its end, and never again. What becomes known later does not"
        " change it, and nobody who asks gets another evaluation. Only what is counted alike can be compared.",
    ),
)
