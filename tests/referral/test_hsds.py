"""The directory goes out and comes in as Open Referral has it (HSDS 3.0), and the town in it is plausible."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.referral.directory import MOST_NEEDED, Offer, Provider, read_directory
from services.referral.hsds import HsdsInvalid, from_hsds, main, to_hsds
from services.referral.settings import DIRECTORY_FILE
from shared.contracts.categories import Category
from shared.town import USUAL

FILE = USUAL / DIRECTORY_FILE
TOWN = read_directory(FILE).providers
TEXT = st.text("abcdefghij ÄÖÜäöüß", min_size=1, max_size=30).filter(str.strip)
CODE = st.from_regex(r"[a-z][a-z0-9_]{1,20}", fullmatch=True)
PROVIDERS = st.builds(
    Provider,
    recipient_id=st.from_regex(r"[a-z][a-z0-9-]{1,20}[a-z0-9]", fullmatch=True),
    display_name=TEXT,
    services=st.lists(
        st.builds(
            Offer,
            service=CODE,
            needed=st.lists(st.sampled_from(Category), min_size=1, max_size=MOST_NEEDED, unique=True).map(tuple),
        ),
        min_size=1,
        max_size=3,
        unique_by=lambda offer: offer.service,
    ).map(tuple),
    hours=st.sampled_from(["Mon-Fri 08:00-16:00", "Tue 15:00-18:00", "by appointment"]),
    languages=st.lists(st.sampled_from(["en", "ar", "tr", "uk"]), max_size=3, unique=True).map(tuple),
    accessibility=st.none() | TEXT,
    area=st.none() | TEXT,
)


@given(st.lists(PROVIDERS, max_size=4, unique_by=lambda provider: provider.recipient_id).map(tuple))
def test_whatever_goes_out_comes_in_as_it_was(providers: tuple[Provider, ...]) -> None:
    page = json.loads(json.dumps({"contents": to_hsds(providers)}))

    assert from_hsds(page) == providers


def test_the_whole_town_goes_out_and_comes_in() -> None:
    assert from_hsds(to_hsds(TOWN)) == TOWN


def test_every_service_has_what_hsds_requires_and_ids_that_are_its_own() -> None:
    services = to_hsds(TOWN)

    assert all(service["id"] and service["name"] and service["status"] == "active" for service in services)
    assert all(service["organization"]["name"] and service["organization"]["description"] for service in services)
    assert len({service["id"] for service in services}) == len(services)


def test_hours_become_a_rule_where_they_can_be_read() -> None:
    [schedule] = to_hsds([one for one in TOWN if one.recipient_id == "schuldnerhilfe"])[0]["schedules"]

    assert {name: schedule[name] for name in ("freq", "byday", "opens_at", "closes_at")} == {
        "freq": "WEEKLY",
        "byday": "MO,TU,WE,TH",
        "opens_at": "09:00",
        "closes_at": "17:00",
    }


def test_the_town_is_plausible_and_labelled_synthetic() -> None:
    services = {offer.service for provider in TOWN for offer in provider.services}

    assert len(TOWN) >= 40
    assert all("(synthetic)" in provider.display_name for provider in TOWN)
    assert {"psychiatric_consultation", "debt_counselling", "shelter_place", "food", "doctor_without_card"} <= services
    assert sum(bool(provider.languages) for provider in TOWN) > len(TOWN) / 2


def a_service(**changes: Any) -> dict[str, Any]:
    """Return a service as somebody else's HSDS file may have it."""
    service = to_hsds([one for one in TOWN if one.recipient_id == "tafel"])[0]
    return {**service, **changes}


@pytest.mark.parametrize(
    ("page", "field"),
    [
        ({"contents": "all"}, "contents"),
        ([a_service(organization=None)], "contents.0.organization"),
        ([a_service(organization={"name": ""})], "contents.0.organization.name"),
        ([a_service(attributes=[])], "contents.0.attributes"),
        ([a_service(attributes=[{"label": "needs", "value": "everything"}])], "services.0.needed.0"),
    ],
)
def test_what_does_not_fit_is_refused_with_field_and_reason_and_no_value(page: Any, field: str) -> None:
    with pytest.raises(HsdsInvalid) as refused:
        from_hsds(page)

    assert refused.value.field == field
    assert "everything" not in str(refused.value)


def test_an_organization_without_an_id_of_ours_is_named_after_itself() -> None:
    organization = {"name": "Café am Markt", "description": "x"}

    [provider] = from_hsds([a_service(organization=organization)])

    assert provider.recipient_id == "caf-am-markt"


def test_the_command_exports_and_imports(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export"]) == 0
    exported = capsys.readouterr().out
    (tmp_path / "hsds.json").write_text(exported)
    assert main(["import", str(tmp_path / "hsds.json")]) == 0
    (tmp_path / "directory.json").write_text(capsys.readouterr().out)

    assert read_directory(tmp_path / "directory.json").providers == TOWN
    assert main(["no such thing"]) == 2
