"""The directory of providers in the shape of Open Referral's Human Services Data Specification (HSDS 3.0), both ways.

`python -m services.referral.hsds export [DIRECTORY]` prints it, `... import FILE` prints the directory that a file of
that shape holds: a list of services, or a page with such a list as `contents`, each service with its organization. What
a service needs to know is no part of HSDS: it stands in attributes labelled `needs`; a service that names none is
refused, for nobody could be asked for less than everything. Field names: https://docs.openreferral.org (3.0).
"""

import json
import re
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final
from uuid import NAMESPACE_URL, uuid5

from pydantic import ValidationError

from services.referral.directory import Offer, Provider, read_directory
from shared.town import USUAL

NEEDS: Final = "needs"
COUNTED_AS: Final = "counted as"
SCHEME: Final = "gesehen-recipient"
USAGE: Final = "usage: python -m services.referral.hsds export [DIRECTORY] | import FILE"
_DAYS: Final = ("MO", "TU", "WE", "TH", "FR", "SA", "SU")
_ENGLISH: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_HOURS: Final = re.compile(r"(\w{3})(?:-(\w{3}))? (\d{2}:\d{2})-(\d{2}:\d{2})")

Json = dict[str, Any]  # Any: JSON values


class HsdsInvalid(ValueError):
    """Raised when a file is not of that shape; names the field and the reason, never a value."""

    code = "hsds_invalid"

    def __init__(self, field: str, reason: str) -> None:
        super().__init__(f"{field} {reason}")
        self.field, self.reason = field, reason


def to_hsds(providers: Iterable[Provider]) -> list[Json]:
    """Return every service of every provider as HSDS has it, with its organization; ids follow from the names."""
    return [_service(provider, offer) for provider in providers for offer in provider.services]


def from_hsds(page: Any) -> tuple[Provider, ...]:  # Any: untrusted JSON, checked here
    """Return the providers of a list of services; raise HsdsInvalid."""
    services = page.get("contents") if isinstance(page, Mapping) else page
    if not isinstance(services, list):
        raise HsdsInvalid("contents", "must be a list of services")
    found: dict[str, Json] = {}
    for place, service in enumerate(services):
        path = f"contents.{place}"
        known = _entry(service, path)
        entry = found.setdefault(known["recipient_id"], {**known, "services": []})
        entry["services"].append(_offer(service, path))
    return tuple(_checked(entry) for entry in found.values())


def _service(provider: Provider, offer: Offer) -> Json:
    key = f"{provider.recipient_id}/{offer.service}"
    service_id = _id("service", key)
    return {
        "id": service_id,
        "name": offer.service.replace("_", " "),
        "alternate_name": offer.service,
        "status": "active",
        "organization": _organization(provider),
        "schedules": [{"id": _id("schedule", key), "service_id": service_id, **_schedule(provider.hours)}],
        "languages": [
            {"id": _id("language", f"{key}/{code}"), "service_id": service_id, "code": code, "name": code}
            for code in provider.languages
        ],
        "service_areas": [
            {"id": _id("service_area", key), "service_id": service_id, "name": provider.area}
            for _ in range(provider.area is not None)
        ],
        "attributes": [
            {"id": _id("attribute", f"{key}/{need}"), "link_id": service_id, "label": NEEDS, "value": need.value}
            for need in offer.needed
        ]
        + [
            {"id": _id("attribute", f"{key}/{COUNTED_AS}"), "link_id": service_id, "label": COUNTED_AS, "value": group}
            for group in [offer.group]
            if group is not None
        ],
    }


def _organization(provider: Provider) -> Json:
    organization_id = _id("organization", provider.recipient_id)
    location_id = _id("location", provider.recipient_id)
    located: Json = {"id": location_id, "location_type": "physical", "organization_id": organization_id}
    if provider.accessibility is not None:
        access = {"id": _id("accessibility", provider.recipient_id), "description": provider.accessibility}
        located["accessibility"] = [{**access, "location_id": location_id}]
    identifier = {"id": _id("identifier", provider.recipient_id), "organization_id": organization_id}
    return {
        "id": organization_id,
        "name": provider.display_name,
        "description": provider.display_name,
        "organization_identifiers": [
            {**identifier, "identifier_type": SCHEME, "identifier": provider.recipient_id},
        ],
        "locations": [located],
    }


def _schedule(hours: str) -> Json:
    """Return hours as they are written, and as a rule of RFC 5545 where they can be read."""
    read = _HOURS.fullmatch(hours)
    if read is None or read[1] not in _ENGLISH or (read[2] or read[1]) not in _ENGLISH:
        return {"description": hours}
    days = _DAYS[_ENGLISH.index(read[1]) : _ENGLISH.index(read[2] or read[1]) + 1]
    return {
        "description": hours,
        "freq": "WEEKLY",
        "byday": ",".join(days),
        "opens_at": read[3],
        "closes_at": read[4],
    }


def _entry(service: Any, path: str) -> Json:
    organization = _object(service, "organization", path)
    identifiers = organization.get("organization_identifiers") or []
    ours = [one.get("identifier") for one in identifiers if isinstance(one, Mapping) and _is_ours(one)]
    name = _text(organization, "name", f"{path}.organization")
    locations = [one for one in organization.get("locations") or [] if isinstance(one, Mapping)]
    access = [_first(one.get("accessibility"), "description") for one in locations]
    return {
        "recipient_id": ours[0] if ours else re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:40],
        "display_name": name,
        "hours": _first(service.get("schedules"), "description") or "by appointment",
        "languages": [one.get("code") for one in service.get("languages") or [] if isinstance(one, Mapping)],
        "accessibility": next((text for text in access if text), None),
        "area": _first(service.get("service_areas"), "name"),
    }


def _is_ours(identifier: Mapping[str, Any]) -> bool:
    return identifier.get("identifier_type") == SCHEME


def _offer(service: Json, path: str) -> Json:
    code = service.get("alternate_name") or re.sub(r"[^a-z0-9]+", "_", _text(service, "name", path).lower()).strip("_")
    attributes = [one for one in service.get("attributes") or [] if isinstance(one, Mapping)]
    needed = [one.get("value") for one in attributes if one.get("label") == NEEDS]
    if not needed:
        raise HsdsInvalid(f"{path}.attributes", f"names no category with the label {NEEDS}")
    groups = [one.get("value") for one in attributes if one.get("label") == COUNTED_AS]
    return {"service": code, "needed": needed, "group": groups[0] if groups else None}


def _checked(entry: Json) -> Provider:
    try:
        return Provider.model_validate(entry)
    except ValidationError as error:
        found = error.errors(include_input=False, include_url=False)[0]
        raise HsdsInvalid(".".join(str(part) for part in found["loc"]), str(found["type"]).replace("_", " ")) from None


def _object(service: Any, name: str, path: str) -> Mapping[str, Any]:
    found = service.get(name) if isinstance(service, Mapping) else None
    if not isinstance(found, Mapping):
        raise HsdsInvalid(f"{path}.{name}", "must be an object")
    return found


def _text(holder: Mapping[str, Any], name: str, path: str) -> str:
    found = holder.get(name)
    if not isinstance(found, str) or not found.strip():
        raise HsdsInvalid(f"{path}.{name}", "must be a text")
    return found


def _first(listed: Any, name: str) -> str | None:
    found = [one.get(name) for one in listed or [] if isinstance(one, Mapping)] if isinstance(listed, list) else []
    return next((text for text in found if isinstance(text, str) and text), None)


def _id(kind: str, name: str) -> str:
    return str(uuid5(NAMESPACE_URL, f"urn:gesehen:{kind}:{name}"))


def main(arguments: list[str]) -> int:
    """Export or import, from the command line."""
    match arguments:
        case ["export", *rest]:
            path = Path(rest[0]) if rest else USUAL / "directory.json"
            shown: Any = {"contents": to_hsds(read_directory(path).providers)}
        case ["import", file]:
            try:
                providers = from_hsds(json.loads(Path(file).read_text(encoding="utf-8")))
            except (HsdsInvalid, json.JSONDecodeError) as error:
                print(f"{getattr(error, 'code', 'not_json')}: {error}", file=sys.stderr)
                return 1
            shown = {
                "note": "Imported from HSDS.",
                "providers": [one.model_dump(mode="json", exclude_defaults=True) for one in providers],
            }
        case _:
            print(USAGE, file=sys.stderr)
            return 2
    print(json.dumps(shown, indent=2, ensure_ascii=False))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
