"""Whether a changed contract still understands, and is still understood by, what was built on the earlier one. Pure.

A care event or a released message may gain optional fields and change in nothing else: messages of both versions are on
the bus during a deploy. A command may also become more lenient, for only the gate reads it. The label of a field counts
as part of its form: another category changes who may know. An answer may gain a form at the end of its list, if only
recipients that come with it are ever answered so.
"""

from shared.contracts.schemas import Schema

_SILENT = frozenset({"$schema", "$id", "$defs", "description", "default", "properties", "required", "enum"})


def breaks(old: Schema, new: Schema, *, lenient: bool = False) -> list[str]:
    """Return what the change breaks, each as `place: why`; nothing means that both versions get along."""
    return list(_broken(old, new, old, new, place="", lenient=lenient))


def _broken(old: Schema, new: Schema, old_root: Schema, new_root: Schema, *, place: str, lenient: bool) -> list[str]:
    old, new = _resolved(old, old_root), _resolved(new, new_root)
    found = [f"{place or 'message'}: {word} changed" for word in _changed_words(old, new)]
    found += _lists_broken(old, new, place=place, lenient=lenient)
    before, after = old.get("properties", {}), new.get("properties", {})
    for name, part in before.items():
        where = f"{place}.{name}".lstrip(".")
        if name not in after:
            found.append(f"{where}: is gone")
        else:
            found += _broken(part, after[name], old_root, new_root, place=where, lenient=lenient)
    for word in ("items",):
        if word in old and word in new:
            found += _broken(old[word], new[word], old_root, new_root, place=f"{place}[]", lenient=lenient)
    for number, (one, other) in enumerate(zip(old.get("oneOf", []), new.get("oneOf", []), strict=False)):
        found += _broken(one, other, old_root, new_root, place=f"{place}|{number}", lenient=lenient)
    return found


def _lists_broken(old: Schema, new: Schema, *, place: str, lenient: bool) -> list[str]:
    needed_before, needed_now = set(old.get("required", [])), set(new.get("required", []))
    found = [f"{place}.{name}".lstrip(".") + ": is required now" for name in sorted(needed_now - needed_before)]
    if not lenient:
        gone = needed_before - needed_now
        found += [f"{place}.{name}".lstrip(".") + ": is no longer always there" for name in sorted(gone)]
    words_before, words_now = set(old.get("enum", [])), set(new.get("enum", []))
    if words_before - words_now or bool(words_before) != bool(words_now):
        found.append(f"{place}: a word is gone")
    if words_now - words_before and not lenient:
        found.append(f"{place}: a word is new")
    return found


def _changed_words(old: Schema, new: Schema) -> list[str]:
    structure = _SILENT | {"items", "oneOf", "$ref"}
    changed = [word for word in sorted({*old, *new} - structure) if old.get(word) != new.get(word)]
    choices = len(old.get("oneOf", [])) > len(new.get("oneOf", []))
    return [*changed, *(["oneOf"] if choices else [])]


def _resolved(node: Schema, root: Schema) -> Schema:
    if "$ref" not in node:
        return node
    target: Schema = root["$defs"][str(node["$ref"]).rsplit("/", 1)[1]]
    return {**target, **{key: value for key, value in node.items() if key != "$ref"}}
