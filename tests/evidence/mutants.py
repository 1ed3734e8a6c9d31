"""Leaks and broken rules, planted on purpose: what is changed where, what it would mean, and which check must notice.

`PURE` is the search among alike histories (`core_pairs`); every other check is a test of the suite, named by its place.
"""

from dataclasses import dataclass

PURE = "alike histories"
GATE = "services/consent/"
TESTS = "tests/consent/"
OUTREACH = "../evidence/test_noninterference_outreach.py"
GATE_HEARS = (
    f"{OUTREACH}::test_what_the_gate_hears_of_a_visit_is_the_same_however_it_ends_and_nothing_if_nobody_set_out"
)
JOBCENTER_PAIRS = f"{OUTREACH}::test_a_jobcenter_cannot_tell_who_is_visited_who_says_no_and_what_its_tens_are_spent_on"


@dataclass(frozen=True, slots=True)
class Mutant:
    """One planted fault."""

    file: str
    old: str
    new: str
    meaning: str
    check: str


def _place(check: str) -> str:
    if check == PURE:
        return check
    return f"tests/{check[3:]}" if check.startswith("../") else TESTS + check


def _in(file: str, *faults: tuple[str, str, str, str]) -> list[Mutant]:
    return [
        Mutant(GATE + file if "/" not in file else file, old, new, meaning, _place(check))
        for old, new, meaning, check in faults
    ]


MUTANTS: list[Mutant] = [
    *_in(
        "decision.py",
        (
            "if fact.category in asked.categories - closed",
            "if fact.category in asked.categories",
            "a no, an ask, a dispute or a hold closes nothing",
            PURE,
        ),
        (
            "if fact.category in asked.categories - closed",
            "if fact.category not in closed",
            "what is not offered to a recipient counts as offered",
            "test_decision.py::test_a_category_that_is_not_asked_of_this_recipient_stays_closed_whatever_the_person_said",
        ),
        ("        and fact.about_id is None\n", "", "a third person's fact leaves on this person's grant", PURE),
        (
            "        and fact.only_for in {None, asked.purpose}\n",
            "",
            "what belongs to one referral is told in another",
            PURE,
        ),
        (
            "        and all(_is_reached(fact, kind, opening) for kind in _kinds_needed(asked, fact))\n",
            "        and any(_is_reached(fact, kind, opening) for kind in _kinds_needed(asked, fact))\n",
            "one legal instrument is enough",
            PURE,
        ),
        (
            "        and all(_is_reached(fact, kind, opening) for kind in _kinds_needed(asked, fact))\n",
            "",
            "nobody has to say yes",
            PURE,
        ),
        (
            "(state := answer.state(at=at)) in _COUNTS",
            "(state := answer.state(at=at)) in {*_COUNTS, AnswerState.PENDING_CONFIRMATION}",
            "what waits for its confirmation counts as something that closes",
            "test_decision.py::test_what_waits_for_its_confirmation_neither_opens_nor_closes",
        ),
        (
            "    if state is AnswerState.GRANTED:\n",
            "    if state in (AnswerState.GRANTED, AnswerState.DISPUTED):\n",
            "a disputed yes goes on opening",
            PURE,
        ),
        (
            "    if state is AnswerState.GRANTED:\n",
            "    if state in (AnswerState.GRANTED, AnswerState.PAUSED):\n",
            "a quiet hold stops nothing",
            "test_pressure.py::test_under_a_hold_nothing_more_leaves",
        ),
        (
            "        return view in (View.ASK, View.KEEP_ASKED)\n",
            "        return True\n",
            "an ask is taken for a yes",
            PURE,
        ),
        (
            "        return view is View.KEEP_ASKED or (view is View.KEEP and word is Word.YES)\n",
            "        return False\n",
            "a quiet hold retracts, and so can be seen",
            "test_pressure.py::test_a_hold_retracts_nothing_and_cannot_be_seen_by_opening_again",
        ),
        (
            "(answer.reaches_back or fact.is_newer_than(answer.given_at))",
            "True",
            "a yes from now on reaches back",
            "test_decision.py::test_from_now_reaches_what_was_first_recorded_and_first_received_after_it",
        ),
        (
            "        answer.category is fact.category\n        and answer.kind is kind",
            "        answer.kind is kind",
            "a yes to one category opens every category",
            PURE,
        ),
        (
            "    return (answer.person_id, answer.recipient_id, answer.purpose) == (\n        asked.person_id,\n"
            "        asked.recipient_id,\n        asked.purpose,\n    )",
            "    return (answer.person_id, answer.purpose) == (asked.person_id, asked.purpose)",
            "a yes to one recipient opens to every recipient",
            "test_decision.py::test_a_yes_for_another_person_recipient_or_purpose_opens_nothing",
        ),
        (
            "    return (answer.person_id, answer.recipient_id, answer.purpose) == (\n        asked.person_id,\n"
            "        asked.recipient_id,\n        asked.purpose,\n    )",
            "    return (answer.recipient_id, answer.purpose) == (asked.recipient_id, asked.purpose)",
            "one person's yes opens what is known of another",
            PURE,
        ),
        (
            "    return kinds | {Kind.SECRECY_RELEASE} if fact.professional else kinds",
            "    return kinds",
            "a professional's fact needs no release from secrecy",
            "test_decision.py::test_a_professionals_fact_needs_a_release_from_secrecy_even_if_the_role_does_not_ask_for_one",
        ),
        (
            "asked.kinds or frozenset(Kind)",
            "asked.kinds",
            "a role that names no instrument needs none",
            "test_decision.py::test_a_role_that_names_no_kind_needs_all_of_them",
        ),
    ),
    *_in(
        "domain.py",
        (
            "self.expires_at is None or self.expires_at <= at",
            "self.expires_at is None or self.expires_at < at",
            "a yes stands one moment longer than its time",
            "test_decision.py::test_a_yes_ends_exactly_when_its_time_is_over",
        ),
        (
            "self.expires_at is None or self.expires_at <= at",
            "self.expires_at is not None and self.expires_at <= at",
            "a yes without an end stands for ever",
            "test_decision.py::test_a_yes_without_an_end_never_stands",
        ),
        (
            "        if self.ended_at is not None:\n            return _ENDED",
            "        if self.ended_at is not None and self.ended_at <= at:\n            return _ENDED",
            "what has ended stands again when the clock goes back",
            "test_decision.py::test_what_has_ended_never_stands_again_even_if_the_clock_goes_back",
        ),
        (
            "        if self.is_disputed:\n            return AnswerState.DISPUTED\n",
            "",
            "a dispute changes nothing",
            PURE,
        ),
        (
            "        if self.confirm_by is not None:\n            return AnswerState.PENDING_CONFIRMATION\n",
            "",
            "what was said at the Jobcenter needs no confirmation",
            PURE,
        ),
        (
            "        return self.confirm_by is not None and self.confirm_by <= at",
            "        return False",
            "what nobody confirmed in time waits for ever",
            "test_pressure.py::test_what_is_not_confirmed_in_time_is_over",
        ),
        (
            "self.first_recorded_at > moment and self.first_received_at > moment",
            "self.first_recorded_at >= moment and self.first_received_at >= moment",
            "a yes from now on reaches what came in the same moment",
            "test_decision.py::test_from_now_reaches_what_was_first_recorded_and_first_received_after_it",
        ),
        (
            "self.first_recorded_at > moment and self.first_received_at > moment",
            "self.first_recorded_at > moment",
            "a yes from now on reaches what the gate had known before",
            "test_decision.py::test_from_now_reaches_what_was_first_recorded_and_first_received_after_it",
        ),
        (
            "    if cancelled:\n        return CommissionStatus.ENDED\n",
            "    if cancelled and today < deadline:\n        return CommissionStatus.ENDED\n",
            "a cancelled commission is finished at its deadline",
            "test_status.py::test_a_cancelled_commission_is_ended_on_any_day",
        ),
    ),
    *_in(
        "release.py",
        (
            "        conclusion=_conclusion(by),\n        recommendations=_recommendations(by),\n        statements",
            "        conclusion=_conclusion(by),\n        recommendations=None,\n        statements",
            "what was released is not told",
            "test_release.py::test_the_jobcenter_holds_exactly_what_was_released_to_it",
        ),
        (
            "        work=_facts(by, Category.WORK),\n        contact=_contact(by),",
            "        work=_facts(by, Category.DEBTS),\n        contact=_contact(by),",
            "one category stands in the field of another",
            "test_release.py::test_the_jobcenter_holds_exactly_what_was_released_to_it",
        ),
        (
            'return {"type": message.message_type, **message.model_dump(mode="json", exclude_none=True)}',
            'return {"type": message.message_type, **message.model_dump(mode="json")}',
            "what is withheld is there, as null",
            "test_release.py::test_absent_means_absent_there_is_no_null_and_no_empty_list",
        ),
        (
            "    return sorted(fields.keys() - FRAME)",
            "    return sorted(fields.keys() - FRAME - {'statements'})",
            "a message that tells only a statement counts as saying nothing",
            "test_release.py::test_what_was_told_is_within_itself_and_says_something_unless_it_is_empty",
        ),
        (
            "    return items_of(told) <= items_of(allowed)",
            "    return bool(items_of(told) & items_of(allowed))",
            "a part that may no longer be known stays, beside one that may",
            "test_release.py::test_what_was_told_is_within_what_is_allowed_when_each_item_of_it_still_is",
        ),
        (
            "        if len(contents) > 1:\n            contents.sort(key=canonical)\n",
            "        pass\n",
            "the order of a list tells in which order things came to be known",
            PURE,
        ),
        (
            "    return any(fact.professional and fact.content in told.get(fact.category, ()) for fact in known) or None",
            "    return None",
            "a professional's duty does not go with what is told",
            "test_origin.py::test_a_release_bears_the_label_of_what_it_rests_on",
        ),
    ),
    *_in(
        "composition.py",
        (
            "    told = {fact.category for fact in known}\n",
            "    fields = {**fields, **dict.fromkeys([] if len(fields) < 3 else ['reference'], ' ' * len(list(facts)))}\n"
            "    told = {fact.category for fact in known}\n",
            "the length tells how much else is known",
            PURE,
        ),
        (
            "    if word is None:\n        return Position(by_yes, question=by_word, _kept=frozenset(kept))\n",
            "    if word is None:\n        return Position(by_word, question=by_word, _kept=frozenset(kept))\n",
            "what waits for a word is told before it",
            "test_ask.py::test_what_waits_for_a_word_is_told_to_nobody",
        ),
        (
            "if inquiry.sha256 == sha256), None)",
            "), None)",
            "a word on one message covers another",
            "test_ask.py::test_what_changes_between_the_word_and_the_opening_is_not_sent",
        ),
        (
            "if inquiry.state == APPROVED and inquiry.answer_ids <= standing]",
            "if inquiry.state == APPROVED]",
            "a word outlives the ask that it rests on",
            "test_ask.py::test_a_word_rests_on_the_ask_and_does_not_outlive_it",
        ),
        (
            "if inquiry.state == APPROVED and inquiry.answer_ids <= standing]",
            "if inquiry.answer_ids <= standing]",
            "a message that was put counts as approved",
            "test_ask.py::test_a_no_to_a_message_is_no_and_the_same_text_is_not_asked_again",
        ),
        (
            "    if AnswerState.PAUSED in states:",
            "    if AnswerState.DISPUTED in states:",
            "a hold is not seen as one, and takes a clearance back",
            "test_pressure.py::test_a_hold_does_not_take_a_clearance_back",
        ),
        (
            "items_of(self.tell.fields) if self._kept is None else self._kept",
            "items_of(told) if self._kept is None else self._kept",
            "nothing is ever retracted",
            PURE,
        ),
    ),
    *_in(
        "position_store.py",
        (
            "offered if subject.kind == store.COMMISSION else offered & needed",
            "offered",
            "a provider is told what the referral does not need",
            "test_referral.py::test_a_provider_opens_what_it_needs_and_was_released_to_it",
        ),
        (
            "return BENEFIT if subject.kind == store.COMMISSION else referral_purpose(subject.subject_id)",
            "return BENEFIT",
            "a yes for the Jobcenter's purpose opens a referral",
            "test_referral.py::test_a_provider_opens_what_it_needs_and_was_released_to_it",
        ),
    ),
    *_in(
        "opening.py",
        (
            "release.recipient_id == one.recipient_id in recipients",
            "one.recipient_id in recipients",
            "a recipient opens somebody else's notice",
            "test_opening.py::test_a_notice_of_somebody_else_is_empty_and_stays_openable_for_them",
        ),
        (
            "        release = releases.get(one.notice_id)\n        if release is not None and",
            "        release = releases[one.notice_id]\n        if release is not None and",
            "a notice that never was is answered otherwise than one that may not be opened",
            "test_opening.py::test_an_unknown_notice_is_empty_and_leaves_no_row",
        ),
        (
            "subject.closed_at or release.state not in (release_store.WAITING, release_store.OPENED)",
            "subject.closed_at",
            "a notice in whose place another was sent still opens",
            "test_timers.py::test_what_was_not_opened_for_hours_is_sent_afresh_and_the_old_notice_is_empty",
        ),
        (
            "    entry = _enter_content(work, release, composed)\n",
            "    from services.consent.ledger import EntryKind as _K, next_entry, Head\n"
            "    entry = next_entry(Head(), recipient_id='', kind=_K.RELEASED, release_id='', at=work.now, key_id='',"
            " commitment='')\n",
            "something is told, and no entry says so",
            "test_opening.py::test_the_same_content_opened_again_is_entered_again_and_names_the_first_entry",
        ),
        (
            "        if before == composed.fields:\n            kind, content = EntryKind.OPENED_AGAIN",
            "        if before != composed.fields:\n            kind, content = EntryKind.OPENED_AGAIN",
            "a second opening is entered as what it is not",
            "test_opening.py::test_the_same_content_opened_again_is_entered_again_and_names_the_first_entry",
        ),
        (
            '        "sequence": entry.number,\n        "released"',
            '        "sequence": entry.number,\n        "grants": list(composed.grant_ids),\n        "released"',
            "an answer says by which grants it was given",
            "test_silence.py::test_a_retraction_looks_the_same_whatever_the_reason",
        ),
    ),
    *_in(
        "notices.py",
        (
            "subject, recipient, facts[person_id], words,",
            "subject, recipient, [fact for theirs in facts.values() for fact in theirs], words,",
            "what is known of one person is told of all who are handled with them",
            "test_together.py::test_it_makes_no_difference_whether_events_and_openings_come_alone_or_together",
        ),
        (
            "    _retract(work, subject, stand, opened)\n",
            "",
            "a withdrawal retracts nothing",
            "test_retraction.py::test_what_was_opened_and_is_withdrawn_is_retracted_and_nothing_else",
        ),
        (
            "    if not is_news:\n        release_store.void(work.session, waiting)\n",
            "",
            "a notice of what may no longer be known is sent afresh",
            "test_timers.py::test_what_may_no_longer_be_known_is_not_renewed",
        ),
        (
            "    is_news = stand.tell.says_anything and not subject.closed_at",
            "    is_news = not subject.closed_at",
            "a fact that is not released sends a notice",
            "test_notices.py::test_a_no_or_an_ask_brings_no_notice",
        ),
        (
            "    is_news = stand.tell.says_anything and not subject.closed_at and",
            "    is_news = stand.tell.says_anything and",
            "a closed referral still sends notices",
            "test_referral.py::test_a_closed_referral_says_nothing_more_to_the_provider",
        ),
        (
            "    answer_store.end_answers(work, over, ending=Ending.EXPIRED)\n",
            "",
            "an answer that was seen to end stands again when the clock goes back",
            "test_opening.py::test_an_answer_that_was_seen_to_end_never_stands_again_even_if_the_clock_goes_back",
        ),
        (
            "store.with_ended_case(session, idle) if idle else ():",
            "():",
            "what is known outlives the case though nobody may know it",
            "test_notices.py::test_facts_go_with_the_case_when_nobody_may_know_them",
        ),
        (
            "and not subject.closed_at and not stand.is_held:",
            "and not subject.closed_at:",
            "a quiet hold takes back a clearance, and so can be seen",
            "test_pressure.py::test_a_hold_does_not_take_a_clearance_back",
        ),
    ),
    *_in(
        "fact_store.py",
        (
            "    if version > row.version:\n        row.version, row.recorded_at",
            "    if version >= 1:\n        row.version, row.recorded_at",
            "an outdated version comes back",
            "test_notices.py::test_a_late_older_version_changes_nothing",
        ),
        (
            "    if version == 1:\n        row.first_recorded_at = recorded_at\n",
            "    row.first_recorded_at = recorded_at\n",
            "a new version of an old fact becomes new by it",
            "test_notices.py::test_a_second_version_that_comes_first_is_told_from_now_on_only_when_the_first_proves_new",
        ),
        (
            "    row.professional = row.professional or event.professional\n",
            "    row.professional = event.professional\n",
            "a later version weakens an origin",
            "test_origin.py::test_a_version_of_a_professional_binds_whenever_it_comes",
        ),
        (
            "    _spread_origin(work, mine.values())\n",
            "",
            "what rests on a professional's fact is nobody's secret",
            "test_origin.py::test_what_rests_on_a_professionals_fact_is_a_professionals_through_any_number_of_steps",
        ),
        (
            'marked(sealed["content"], contested=contested_by_person)',
            'sealed["content"]',
            "a contested finding leaves without its note",
            "test_contested.py::test_a_notice_that_waits_opens_with_the_note_that_was_set_after_it_came",
        ),
        (
            "    if event.about is not None and row.about is None:\n",
            "    if event.about is not None and row.version == 0:\n",
            "a correction that makes it somebody else's is overlooked",
            "test_third_persons.py::test_a_correction_that_makes_it_somebody_elses_takes_it_back",
        ),
        (
            '        except UnreadableValue:\n            log.error("fact_unreadable"',
            '        except KeyError:\n            log.error("fact_unreadable"',
            "one unreadable fact stops a withdrawal",
            "test_opening.py::test_an_unreadable_fact_is_not_known_and_stops_neither_the_rest_nor_the_withdrawal",
        ),
    ),
    *_in(
        "release_store.py",
        (
            "        recipient_id=subject.recipient_id,\n        subject_id",
            "        recipient_id=sorted(['jobcenter-essen', 'lvr-klinik'])[0],\n        subject_id",
            "a notice can be opened by another recipient",
            "test_referral.py::test_a_provider_opens_what_it_needs_and_was_released_to_it",
        ),
        (
            "    work.notify(subject.recipient_id, release.release_id)\n",
            "    work.notify(subject.recipient_id, release.release_id)\n"
            "    work.notify(subject.recipient_id, random_id())\n",
            "one release sends two notices",
            "test_notices.py::test_a_grant_that_reaches_back_brings_one_notice_that_opens_to_what_was_released",
        ),
    ),
    *_in(
        "grants.py",
        (
            "    answer_store.end_answers(work, [answer.answer_id for answer in before], ending=Ending.SUPERSEDED)\n"
            "    answer_store.add_answer(",
            "    answer_store.add_answer(",
            "an older no stays beside the newer yes",
            "test_grants.py::test_a_second_yes_after_a_no_takes_effect_at_once",
        ),
        (
            "    narrowing.check_nothing_overtook(work, declared)\n",
            "",
            "a paper that lay about opens what was withdrawn since",
            "test_refused_grants.py::test_a_paper_that_is_older_than_a_later_withdrawal_is_refused",
        ),
        (
            "confirm_by=work.now + CONFIRM_WITHIN if waits else None",
            "confirm_by=None",
            "a yes at the Jobcenter counts at once",
            "test_pressure.py::test_a_yes_at_the_jobcenter_opens_nothing_until_it_is_confirmed_elsewhere",
        ),
        (
            "    narrowing.end(work, [*ended, *lost])\n    for each in ids:\n        reconsider(work, each)\n",
            "    narrowing.end(work, [*ended, *lost])\n",
            "a withdrawal is taken and nothing retracted",
            "test_retraction.py::test_what_was_opened_and_is_withdrawn_is_retracted_and_nothing_else",
        ),
        (
            "        if answer.ended_at is None\n        and answer.word is not Word.NO\n        and recipient_id",
            "        if answer.ended_at is None\n        and answer.word is Word.YES\n        and recipient_id",
            "a withdrawal leaves an ask",
            "test_grants.py::test_a_withdrawal_ends_an_ask",
        ),
        (
            "    narrowing.end(work, [*ended, *lost])\n",
            "    narrowing.end(work, ended)\n",
            "a withdrawal passes over an answer that nobody can read",
            "test_unreadable.py::test_an_answer_that_cannot_be_read_is_ended_by_a_withdrawal_of_everything",
        ),
        (
            "    representation.check_may_answer(work, declared)\n",
            "",
            "a representative opens what the person refused",
            "test_representation.py::test_the_persons_own_objection_wins",
        ),
    ),
    *_in(
        "answer_store.py",
        (
            "        work.narrows(grant)\n        work.narrows(answer)\n\n\ndef held_recipients",
            "        work.narrows(grant)\n\n\ndef held_recipients",
            "a restored backup brings a withdrawn yes back",
            "test_restore.py::test_a_backup_without_a_withdrawal_brings_no_answer_back",
        ),
        (
            "is_held = (row.person_id, None) in held or (row.person_id, row.recipient_id) in held",
            "is_held = (row.person_id, row.recipient_id) in held",
            "a hold towards all holds nothing",
            "test_pressure.py::test_under_a_hold_nothing_more_leaves",
        ),
    ),
    *_in(
        "confirmation.py",
        (
            "    _check_place(place)\n    if store.recipient",
            "    if store.recipient",
            "what was said under pressure is confirmed under pressure",
            "test_pressure.py::test_a_yes_at_the_jobcenter_opens_nothing_until_it_is_confirmed_elsewhere",
        ),
    ),
    *_in(
        "inquiries.py",
        (
            "    if inquiry_store.read(work, row).sha256 != sha256:\n        raise TextDiffers\n",
            "",
            "a word is taken for another text than the one that was shown",
            "test_ask.py::test_a_word_names_the_very_text",
        ),
        (
            "row.state != inquiry_store.WAITING or row.answer_by <= work.now",
            "row.state != inquiry_store.WAITING",
            "a word counts after its time",
            "test_ask.py::test_no_word_means_no_and_leaves_no_trace_outside",
        ),
    ),
    *_in(
        "ledger.py",
        (
            '        if entry.previous_hash != previous:\n            return Fault(entry.number, "broken_link")\n',
            "",
            "two chains can be spliced",
            "test_ledger.py::test_two_chains_that_were_spliced_are_found",
        ),
        (
            '        if entry.entry_hash != _hash(entry):\n            return Fault(entry.number, "changed_entry")\n',
            "",
            "an entry can be edited",
            "test_ledger.py::test_any_edit_of_any_field_of_any_entry_is_found",
        ),
        (
            "    salt = secrets.token_bytes(32)\n",
            "    salt = b''\n",
            "a commitment can be guessed",
            "test_ledger.py::test_a_commitment_binds_the_content_and_tells_nothing_about_it",
        ),
    ),
    *_in(
        "outside.py",
        (
            '{"specversion": "1.0", "id": notice_id,',
            '{"specversion": "1.0", "id": notice_id[: 20 + len(notice_id) % 7],',
            "notices differ in length",
            "test_secrecy.py::test_notices_are_alike_but_for_the_id",
        ),
    ),
    *_in(
        "keys.py",
        (
            "    return encrypt_compact(protected, plaintext, key, registry=_REGISTRY).encode()",
            "    return plaintext",
            "an answer travels in the clear",
            "test_keys.py::test_an_answer_is_read_by_its_recipient_alone",
        ),
    ),
    *_in(
        "shared/effect.py",
        (
            "            if one.message_id in new:\n",
            "            if one.message_id:\n",
            "a message that is delivered again has its effect twice",
            "../shared/test_effect.py::test_a_message_has_its_effect_once",
        ),
    ),
    *_in(
        "shared/outbox.py",
        (
            '"body": self._keys.seal(item.key_id, place, item.body)}',
            '"body": item.body}',
            "what is announced lies readable on the disk",
            "../shared/test_outbox.py::test_nothing_personal_can_be_read_from_the_disk",
        ),
    ),
    *_in(
        "shared/keys.py",
        (
            "        if row is not None:\n            raise KeyDestroyed(key_id)\n",
            "",
            "a destroyed key is taken for one that was never made",
            "../shared/test_keys.py::test_a_lost_key_is_not_taken_for_a_destroyed_one",
        ),
        (
            "    return nonce + key.encrypt(nonce, value, where.encode())",
            "    return nonce + key.encrypt(nonce, value, b'')",
            "a sealed value can be moved to another row",
            "../shared/test_keys.py::test_a_value_that_was_moved_cannot_be_read",
        ),
    ),
    *_in(
        "shared/observability.py",
        (
            '"event": str(record.msg) if record.args else "library_message"',
            '"event": record.getMessage()',
            "a library's line is logged with its arguments",
            "../shared/test_observability.py::test_a_library_s_line_shows_its_template_only",
        ),
        (
            '        line["error"] = type(error).__name__\n        line["where"] = _frames(error)\n    return line\n\n\ndef _only',
            '        line["error"] = repr(error)\n        line["where"] = _frames(error)\n    return line\n\n\ndef _only',
            "an error is logged with its text",
            "../shared/test_observability.py::test_an_error_is_logged_by_its_class_and_place",
        ),
    ),
    *_in(
        "protection.py",
        (
            "    if not is_whole or None in rows.values():\n",
            "    if not is_whole:\n",
            "a total gives away the row that is left out of the figures",
            "test_protection.py::test_the_total_is_told_only_if_every_row_is",
        ),
        (
            "if count >= MINIMUM else None",
            "if count > 3 else None",
            "figures are told of a handful of persons",
            "test_protection.py::test_the_truth_is_always_within_what_can_be_worked_out",
        ),
        (
            'f"{quarter}|{table}|{row}"',
            'f"{table}|{row}"',
            "one secret place serves every quarter",
            "test_protection.py::test_places_are_the_same_for_ever_and_others_for_each_quarter_table_and_secret",
        ),
    ),
    *_in(
        "figures.py",
        (
            "        if recipient.role != RecipientRole.STEERING:\n",
            "        if recipient.role == RecipientRole.PROVIDER:\n",
            "the Jobcenter is told the figures",
            "test_figures.py::test_nobody_else_can_open_the_figures_nor_is_sent_a_notice",
        ),
        (
            "    told = {cell.row: cell.count for cell in cells if cell.table == table.name}\n    return {row: told.get(row, 0) for row in table.rows}",
            "    return {cell.row: cell.count for cell in cells if cell.table == table.name}",
            "a row that is in no closed list leaves",
            "test_figures.py::test_what_is_no_row_of_the_closed_list_never_leaves",
        ),
    ),
    *_in(
        "services/referral/visiting.py",
        (
            "    leads_to = VISIT_TRANSITIONS[visit.state].get(deed)\n",
            "    leads_to = VISIT_TRANSITIONS[visit.state].get(deed)\n    if deed is VisitDeed.SAY_NO:\n"
            "        work.announce(ReferralWorkDone(work_id=random_id(), case_id=row.case_id, person_id=row.person_id, units=1))\n",
            "a visit that is refused announces work of its own",
            GATE_HEARS,
        ),
        (
            "    leads_to = VISIT_TRANSITIONS[visit.state].get(deed)\n",
            "    leads_to = VISIT_TRANSITIONS[visit.state].get(deed)\n    if deed is VisitDeed.SAY_NO:\n"
            "        from shared.contracts.referral import ReferralWorkCorrected as _C\n"
            "        work.announce(_C(work_id=visit_id, person_id=row.person_id))\n",
            "a no at the door is not paid for, and so can be counted",
            JOBCENTER_PAIRS,
        ),
        (
            "units=UNITS_OF_A_VISIT",
            "units=len(visit.plan.workers)",
            "how many came to the door is told by what they cost",
            GATE_HEARS,
        ),
    ),
    *_in(
        "services/intake/outreach.py",
        (
            "    _keep(work, thread, contact_id, meeting, by=by)\n    return answer_of(thread)\n\n\ndef record(",
            "    _keep(work, thread, contact_id, meeting, by=by)\n"
            "    from shared.contracts.intake import CaseOpened as _C, Origin as _O\n"
            "    work.announce(_C(case_id=thread.thread_id, person_id=thread.thread_id, origin=_O.STREET,"
            " opened_at=work.now, first_contact_by=work.now.date()))\n"
            "    return answer_of(thread)\n\n\ndef record(",
            "who is met on the street is announced before they want it",
            f"{OUTREACH}::test_of_a_thread_nobody_hears_anything_until_it_is_a_case",
        ),
    ),
    *_in(
        "statement.py",
        (
            "SystemRandom().sample(these, in_tens(len(these)))",
            "SystemRandom().sample(these, len(these))",
            "a statement tells the very number of units",
            JOBCENTER_PAIRS,
        ),
    ),
    *_in(
        "billing.py",
        (
            "    return tuple(sorted([tuple(sorted([*groups[0], *small])), *groups[1:]]))\n",
            "    return tuple(sorted([*groups, *((line,) for line in small)]))\n",
            "those of whom the Jobcenter does not know are billed by themselves",
            "test_statements.py::test_the_contingent_is_never_billed_by_itself",
        ),
    ),
    *_in(
        "spending.py",
        (
            "event.work_id)\n    if work.session.get(WorkRow, work_hash) is not None:\n",
            "event.work_id + str(work.now))\n    if work.session.get(WorkRow, work_hash) is not None:\n",
            "work that is told again is paid again",
            JOBCENTER_PAIRS,
        ),
    ),
    *_in(
        "figures.py",
        (
            "        shown = protect(counts, is_whole=table.is_whole, place=place)\n",
            "        shown = protect(counts, is_whole=table.is_whole, place=lambda _: 5)\n",
            "a figure is rounded where everybody knows, to the nearest ten",
            f"{OUTREACH}::test_the_steering_sees_protected_figures_and_nothing_else",
        ),
        (
            "        rows = tuple(PublishedRow(row=row, about=about) for row, about in shown.rows.items())\n",
            "        rows = tuple(PublishedRow.model_construct(row=row, about=counts[row]) for row in shown.rows)\n",
            "a figure is not protected at all",
            f"{OUTREACH}::test_the_steering_sees_protected_figures_and_nothing_else",
        ),
    ),
]
