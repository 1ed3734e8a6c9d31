"""What a person may have of what is kept about them: all columns of all tables that somebody has decided about."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Column, ForeignKey, LargeBinary, MetaData, String, Table
from sqlmodel import Session

from shared.access import KIT, KIT_LEFT_OUT, Others, Record, Told, concerns_others, kept_about, undecided
from shared.contracts.envelope import canonical
from shared.database import Instant, open_engine
from shared.keys import KeyDestroyed, KeyNeverMade, PersonKeys
from shared.tables import add_kit_tables

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
ADA, BELA = "person-ada", "person-bela"
TOLD = (
    Told("visit", "visit", at="at", by="noted_by"),
    Told("word", "word", through=("visit_id", "visit"), source="team"),
    Told("order", "order", key="order_id", source="town"),
    *KIT,
)


@dataclass
class Kept:
    """A made-up service's database with its keys."""

    session: Session
    keys: PersonKeys
    metadata: MetaData

    def put(self, table: str, **values: Any) -> None:
        """Store a row."""
        self.session.execute(self.metadata.tables[table].insert(), values)

    def seal(self, key_id: str, place: str, value: Any) -> bytes:  # Any: a JSON value
        """Seal a value."""
        return self.keys.seal(key_id, place, canonical(value))

    def about(self, person_id: str, *key_ids: str, told: tuple[Told, ...] = TOLD) -> list[Record]:
        """Return what is told."""
        return kept_about(self.session, self.keys, self.metadata, told, person_id=person_id, key_ids=key_ids)


def tables() -> MetaData:
    """Return the tables of the made-up service."""
    metadata = MetaData()
    visit = Table(
        "visit",
        metadata,
        Column("visit_id", String, primary_key=True),
        Column("person_id", String),
        Column("at", Instant),
        Column("noted_by", String),
        Column("place", LargeBinary),
    )
    Table(
        "word",
        metadata,
        Column("visit_id", String, ForeignKey(visit.c.visit_id), primary_key=True),
        Column("position", String, primary_key=True),
        Column("said", LargeBinary),
    )
    Table("order", metadata, Column("order_id", String, primary_key=True), Column("reference", LargeBinary))
    add_kit_tables(metadata)
    return metadata


@pytest.fixture
def kept(tmp_path: Path) -> Iterator[Kept]:
    """Return a database that holds a visit and a word of two people."""
    metadata = tables()
    engine = open_engine(f"sqlite:///{tmp_path / 'kept.sqlite'}")
    keys = PersonKeys(open_engine(f"sqlite:///{tmp_path / 'keys.sqlite'}"), master_key=bytes(range(32)))
    keys.create_store()
    metadata.create_all(engine)
    with Session(engine) as session:
        made = Kept(session, keys, metadata)
        for person in (ADA, BELA):
            visit, sealed = f"visit-{person}", made.seal(person, f"visit.place.visit-{person}", {"street": person})
            made.put("visit", visit_id=visit, person_id=person, at=NOON, noted_by="team-1", place=sealed)
            said = made.seal(person, f"word.said.{visit}.1", [f"word of {person}"])
            made.put("word", visit_id=visit, position="1", said=said)
        yield made
    engine.dispose()
    keys.close()


def test_every_row_of_the_person_is_told_and_none_of_another(kept: Kept) -> None:
    visit, word = kept.about(ADA)

    assert (visit.kind, visit.id, visit.recorded_at, visit.source) == ("visit", "visit-person-ada", NOON, "team-1")
    assert visit.content == {"place": {"street": ADA}}
    assert (word.id, word.source) == ("visit-person-ada.1", "team")
    assert word.content == {"visit_id": "visit-person-ada", "position": "1", "said": [f"word of {ADA}"]}
    assert "bela" not in f"{visit.model_dump_json()} {word.model_dump_json()}"


def test_what_lies_under_a_further_key_of_the_person_is_told_too(kept: Kept) -> None:
    kept.put("order", order_id="order-1", reference=kept.seal("order-1", "order.reference.order-1", "AZ-1"))
    kept.put("order", order_id="order-2", reference=kept.seal("order-2", "order.reference.order-2", "AZ-2"))

    told = kept.about(ADA, "order-1")

    assert [one.content for one in told if one.kind == "order"] == [{"reference": "AZ-1"}]
    assert [one for one in kept.about(ADA) if one.kind == "order"] == []


def test_a_table_about_which_nobody_decided_is_found() -> None:
    metadata = tables()
    Table("diary", metadata, Column("diary_id", String, primary_key=True))

    assert undecided(metadata, TOLD, KIT_LEFT_OUT) == ["diary"]
    assert undecided(metadata, TOLD, {**KIT_LEFT_OUT, "diary": "technical"}) == []


def test_a_decision_about_what_is_no_longer_there_is_found() -> None:
    stale = (*TOLD, Told("attic", "attic"), replace(TOLD[0], left_out={"colour": "technical"}))

    found = undecided(tables(), stale, {**KIT_LEFT_OUT, "cellar": "technical"})

    assert sorted(found) == ["attic", "cellar", "visit.colour"]


def test_a_new_column_is_told_by_itself_unless_it_is_left_out(kept: Kept) -> None:
    kept.metadata.tables["order"].append_column(Column("colour", String))
    kept.session.connection().exec_driver_sql('ALTER TABLE "order" ADD COLUMN colour VARCHAR')
    kept.put("order", order_id=ADA, reference=b"", colour="green")

    told = [one for one in kept.about(ADA) if one.kind == "order"]
    without = (replace(TOLD[2], left_out={"colour": "technical"}),)

    assert [one.content for one in told] == [{"reference": None, "colour": "green"}]
    assert [one.content for one in kept.about(ADA, told=without)] == [{"reference": None}]


def test_what_was_moved_or_whose_key_is_gone_is_named_and_stops_nothing(kept: Kept) -> None:
    moved = kept.seal(ADA, "order.reference.elsewhere", "AZ-1")
    kept.put("order", order_id=ADA, reference=moved)
    kept.put("order", order_id="order-2", reference=kept.seal("order-2", "order.reference.order-2", "AZ-2"))
    kept.keys.destroy("order-2")

    told = [one for one in kept.about(ADA, "order-2") if one.kind == "order"]

    assert [(one.id, one.content, one.unreadable) for one in told] == [
        ("order-2", {}, ["reference"]),
        (ADA, {}, ["reference"]),
    ]


def test_nothing_is_told_once_the_persons_key_is_destroyed(kept: Kept) -> None:
    kept.keys.destroy(ADA)

    with pytest.raises(KeyDestroyed):
        kept.about(ADA)


def test_nor_is_what_lies_open_of_an_erased_person(kept: Kept) -> None:
    kept.put("visit", visit_id="visit-3", person_id="person-carl", at=NOON, noted_by="team-1", place=b"")
    kept.keys.destroy("person-carl")

    with pytest.raises(KeyDestroyed):
        kept.about("person-carl")


def test_a_key_store_that_never_made_the_key_is_no_reason_to_tell_less(kept: Kept) -> None:
    kept.put("order", order_id="order-3", reference=b"sealed elsewhere with another store")

    with pytest.raises(KeyNeverMade):
        kept.about(ADA, "order-3")


@pytest.mark.parametrize(
    ("content", "found"),
    [
        ({"code": "rent_arrears", "about_id": None}, Others.NO),
        ({"code": "rent_arrears", "about_id": ADA}, Others.NO),
        ({"code": "rent_arrears", "about_id": "third-person"}, Others.YES),
        ({"content": {"text": "Free words."}}, Others.PERHAPS),
        ({"content": {"text": None}}, Others.NO),
        ({"category": "family"}, Others.PERHAPS),
        ({"needed": ["identity", "safety"]}, Others.PERHAPS),
        ({"body": {"facts": [{"about_id": "third-person", "text": "x"}]}}, Others.YES),
    ],
)
def test_what_is_or_may_be_about_somebody_else_is_marked(content: dict[str, Any], found: Others) -> None:
    assert concerns_others(content, ADA) is found


def test_nothing_that_is_told_is_printed_by_chance(kept: Kept) -> None:
    assert "street" not in repr(kept.about(ADA))
