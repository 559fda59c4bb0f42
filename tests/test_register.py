"""The register of targets: a file that git can compare, steps that are allowed, and what is refused with its reason."""

from __future__ import annotations

import datetime as dt

import pandas as pd
import pytest

from csperf.errors import CsperfError
from csperf.targets import appeals, life, publishing
from csperf.targets.past import review_past
from csperf.targets.publishing import Adoption
from csperf.targets.register import COLUMNS, Register, changed_inputs, published
from csperf.targets.register_file import read_register, save

METRIC, TIME = "conversion_paid_user", "first_reply_s"
TODAY, NOVEMBER = dt.date(2026, 10, 27), dt.date(2026, 11, 1)


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")


@pytest.fixture
def empty(tmp_path) -> Register:
    return read_register(tmp_path / "shop.register.csv")


def targets(target=0.55, **other) -> pd.DataFrame:
    """One row as `csperf targets` writes it."""
    row = {"metric": METRIC, "role": "pre", "level": "mid", "base": target - 0.05, "target": target}
    row |= {"stretch": target + 0.05, "grade": "publish", "status": "OK", "attainment": 0.6, "attainment_low": 0.4}
    row |= {"attainment_high": 0.8, "team": 10, "half_width": 0.01, "reason": "own level 54.2%"}
    return pd.DataFrame([row | other])


def proposed(register, frame=None, month="2026-11", on=TODAY, **how) -> Register:
    return life.propose(register, targets() if frame is None else frame, month=month, on=on, who="Lin", **how)


def taken(register, *adoptions, valid_from=NOVEMBER, on=TODAY, who="Wang", **how) -> Register:
    how = {"reason": "agreed in October"} | how
    return publishing.publish(register, adoptions, on=on, valid_from=valid_from, who=who, **how)


def refused(act, *arguments, **how) -> str:
    with pytest.raises(CsperfError) as error:
        act(*arguments, **how)
    return str(error.value)


@pytest.fixture
def in_force(empty) -> Register:
    """A target of 55 % published for November."""
    return taken(proposed(empty), Adoption("A0001"))


# The file ----------------------------------------------------------------------------------------------------------


def test_one_line_for_each_event_and_the_same_back(in_force):
    save(in_force)
    lines = in_force.path.read_text(encoding="utf-8-sig").splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(",")[:3] for line in lines[1:]] == [
        ["2026-10-27", "propose", "A0001"],
        ["2026-10-27", "publish", "A0001"],
    ]
    assert read_register(in_force.path).events == in_force.events


def test_a_new_event_changes_no_other_line(in_force):
    save(in_force)
    before = in_force.path.read_text(encoding="utf-8-sig")
    again = read_register(in_force.path)
    save(life.retire(again, "A0001", until=dt.date(2026, 12, 31), on=TODAY, who="Wang", reason="not scored"))
    assert in_force.path.read_text(encoding="utf-8-sig").startswith(before)


def test_text_that_excel_would_run_comes_back_as_it_was(empty):
    reason = "=1+1, 'quoted',\n第二行"
    register = taken(proposed(empty), Adoption("A0001"), who="-Wang", reason=reason)
    save(register)
    assert ",'=1+1" in register.path.read_text(encoding="utf-8-sig").replace('"', "")
    last = read_register(register.path).events[-1]
    assert (last.who, last.reason) == ("-Wang", "=1+1, 'quoted', 第二行")


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gb18030"])
def test_what_excel_saved_is_read(in_force, encoding):
    save(in_force)
    text = in_force.path.read_text(encoding="utf-8-sig").replace("2026-10-27", "2026/10/27").replace("Wang", "王")
    in_force.path.write_text(text.replace("2026-11-01", "2026/11/1"), encoding=encoding, newline="\r\n")
    read = read_register(in_force.path)
    assert read.events[1].who == "王"
    assert [event.valid_from for event in read.events] == [NOVEMBER, NOVEMBER]


def test_every_broken_cell_is_named(in_force):
    save(in_force)
    text = in_force.path.read_text(encoding="utf-8-sig")
    text = text.replace("2026-10-27,propose", "27 Oct,propos").replace("publish,A0001,,Wang", "publish,A0001,,")
    in_force.path.write_text(text, encoding="utf-8")
    complaint = refused(read_register, in_force.path)
    assert 'line 2, date: found "27 Oct", expected a date, e.g. 2026-10-01' in complaint
    assert 'line 2, act: found "propos", expected propose, trial' in complaint
    assert 'line 3, who: found "", expected text, not empty' in complaint


def test_merge_conflicts_and_torn_lines_are_named(in_force):
    save(in_force)
    text = in_force.path.read_text(encoding="utf-8-sig")
    in_force.path.write_text(text + "<<<<<<< HEAD\n2026-10-27,retire\n", encoding="utf-8")
    complaint = refused(read_register, in_force.path)
    assert "line 4 is a mark of a git merge conflict" in complaint
    assert f"line 5 has 2 cells, {len(COLUMNS)} are expected" in complaint


def test_a_history_that_no_command_writes_is_refused(in_force):
    save(in_force)
    lines = in_force.path.read_text(encoding="utf-8-sig").splitlines(keepends=True)
    in_force.path.write_text("".join([*lines, lines[-1]]), encoding="utf-8")
    assert "line 4: A0001 was published then, publish is not possible" in refused(read_register, in_force.path)


def test_nothing_is_written_over_what_another_wrote(in_force):
    mine = theirs = in_force
    save(theirs)
    before = mine.path.read_bytes()
    assert "changed by somebody else" in refused(save, mine)
    assert mine.path.read_bytes() == before
    assert [path.name for path in mine.path.parent.iterdir()] == ["shop.register.csv"]


def test_two_at_once_are_refused_and_told_what_to_delete(in_force):
    beside = in_force.path.with_name(".shop.register.csv.partial")
    beside.touch()
    assert f"delete {beside}" in refused(save, in_force)
    assert beside.exists()
    assert not in_force.path.exists()


def test_a_disk_that_refuses_leaves_the_old_file(in_force, monkeypatch):
    save(in_force)
    before = in_force.path.read_bytes()
    later = life.retire(
        read_register(in_force.path), "A0001", until=NOVEMBER, on=TODAY, who="Wang", reason="not scored"
    )

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("csperf.targets.register_file._cells", full)
    with pytest.raises(OSError, match="No space"):
        save(later)
    assert in_force.path.read_bytes() == before
    assert len(list(in_force.path.parent.iterdir())) == 1


# Proposals ---------------------------------------------------------------------------------------------------------


def test_rows_without_value_and_the_shop_s_own_are_no_proposals(empty):
    frame = pd.concat([targets(), targets(float("nan"), role="after"), targets(role="shop")])
    assert [event.role for event in proposed(empty, frame).events] == ["pre"]


def test_unknown_metrics_are_named_all_at_once(empty):
    frame = pd.concat([targets(metric="reply_30s"), targets(metric="conversion")])
    complaint = refused(proposed, empty, frame)
    assert "reply_30s" in complaint
    assert "conversion" in complaint


def test_a_proposal_within_its_half_width_leaves_the_target_in_force(in_force):
    register = proposed(in_force, targets(0.559), month="2027-02", on=dt.date(2027, 1, 20))
    assert register.state("A0002") == "retired"
    assert register.events[-1].reason.startswith("The new figure is 55.9%; its distance from 55.0%")
    assert published(register, "2027-02")["target"].tolist() == [0.55]


@pytest.mark.parametrize(
    ("frame", "definitions"), [(targets(0.561), ""), (targets(0.559, half_width=None), ""), (targets(0.551), "pdd")]
)
def test_a_proposal_beyond_it_or_by_other_rules_stands(in_force, frame, definitions):
    register = proposed(in_force, frame, month="2027-02", definitions=definitions)
    assert register.state("A0002") == "proposed"
    assert register.events[-1].before == 0.55


def test_a_newer_proposal_takes_the_place_of_one_not_taken_up(empty):
    register = proposed(proposed(empty), targets(0.56))
    assert (register.state("A0001"), register.state("A0002")) == ("retired", "proposed")


# Steps of a life ---------------------------------------------------------------------------------------------------


def test_steps_out_of_order_are_refused_with_what_is_possible(in_force):
    assert "A0001 is published (recorded on 2026-10-27) and cannot take the step publish; possible now: retire" in (
        refused(taken, in_force, Adoption("A0001"))
    )
    gone = life.retire(in_force, "A0001", until=dt.date(2026, 12, 31), on=TODAY, who="Wang", reason="not scored")
    again = refused(life.retire, gone, "A0001", until=NOVEMBER, on=TODAY, who="Wang", reason="again")
    assert "possible now: nothing" in again
    assert "there is no target A0009" in refused(taken, in_force, Adoption("A0009"))


def test_publishing_needs_who_and_why(empty):
    complaint = refused(taken, proposed(empty), Adoption("A0001"), who=" ", reason="")
    assert "say who with --by" in complaint
    assert "no reason is given" in complaint


def test_thin_data_are_tried_first(empty):
    register = proposed(empty, targets(grade="trial"))
    assert "run `csperf review PARAMS trial A0001` first" in refused(taken, register, Adoption("A0001"))


def test_another_value_needs_a_reason_and_moves_base_and_stretch(empty):
    register = proposed(empty)
    assert "the adopted value 49.0% is not the proposed 55.0%" in refused(taken, register, Adoption("A0001", 0.49))
    register = taken(
        register, Adoption("A0001", 0.49, reason="two people are new"), predict=lambda *_: {"attainment": 0.8}
    )
    event = register.events[-1]
    assert (event.target, event.proposed, event.attainment, event.attainment_low) == (0.49, 0.55, 0.8, None)
    assert event.base == pytest.approx(0.48)
    assert event.stretch == 0.6
    assert event.reason == "agreed in October; two people are new"


def test_a_value_out_of_bounds_is_refused(empty):
    assert "lies outside" in refused(taken, proposed(empty), Adoption("A0001", 1.2, reason="wish"))


def test_two_targets_for_the_same_people_are_refused(empty):
    frame = targets()
    register = proposed(empty, frame)
    twin = register.events[0].model_copy(update={"id": "A0002"})
    complaint = refused(taken, register.with_events(twin), Adoption("A0001"), Adoption("A0002"))
    assert "A0001 and A0002 are targets for the same metric" in complaint


# Quarters ----------------------------------------------------------------------------------------------------------


def next_proposal(register, target=0.57, month="2027-02", **how) -> Register:
    return proposed(register, targets(target, **how), month=month, on=dt.date(2027, 1, 20))


def test_a_published_target_holds_for_a_quarter(in_force):
    register = next_proposal(in_force, 0.52, month="2027-01", base=0.5)
    how = {"valid_from": dt.date(2027, 1, 1), "on": dt.date(2026, 12, 20)}
    complaint = refused(taken, register, Adoption("A0002"), **how)
    assert "holds for a quarter (until 2027-01-31)" in complaint
    assert "needs a reason that says what happened" in refused(
        taken, register, Adoption("A0002", cause="volume"), **how
    )
    allowed = Adoption("A0002", cause="volume", reason="the evening shift was halved")
    assert published(taken(register, allowed, **how), "2027-01")["target"].tolist() == [0.52]


def test_after_the_quarter_one_step_up_needs_no_reason_of_its_own(in_force):
    february = {"valid_from": dt.date(2027, 2, 1), "on": dt.date(2027, 1, 20)}
    step = 0.01
    one = next_proposal(in_force, 0.55 + step, base=0.5, half_width=0.001)
    assert published(taken(one, Adoption("A0002"), **february), "2027-02")["target"].tolist() == [0.56]
    two = next_proposal(in_force, 0.55 + 2 * step, base=0.5, half_width=0.001)
    assert "more than one step (1.0%)" in refused(taken, two, Adoption("A0002"), **february)
    taken(two, Adoption("A0002", reason="the new catalogue sells itself"), **february)


def test_steps_up_add_up_over_the_quarter(in_force):
    """One step in December for a cause, one more in February: two within three months."""
    first = proposed(in_force, targets(0.56, base=0.5, half_width=0.001), month="2026-12")
    moved = Adoption("A0002", cause="definitions", reason="counting rules changed")
    first = taken(first, moved, valid_from=dt.date(2026, 12, 1))
    second = next_proposal(first, 0.57, month="2027-03", base=0.5, half_width=0.001)
    march = {"valid_from": dt.date(2027, 3, 1), "on": dt.date(2027, 2, 20)}
    taken(second, Adoption("A0003"), **march)
    early = next_proposal(first, 0.57, month="2027-01", base=0.5, half_width=0.001)
    january = {"valid_from": dt.date(2027, 1, 1), "on": dt.date(2026, 12, 20)}
    why = refused(taken, early, Adoption("A0003", cause="calendar"), **january)
    assert "it rises from 55.0% to 57.0% within a quarter" in why


def test_lower_is_better_counts_steps_the_other_way(empty):
    frame = targets(metric=TIME, target=30.0, base=40.0, stretch=20.0, half_width=0.1)
    register = taken(proposed(empty, frame), Adoption("A0001"))
    february = {"valid_from": dt.date(2027, 2, 1), "on": dt.date(2027, 1, 20)}
    easier = proposed(register, frame.assign(target=38.0), month="2027-02")
    taken(easier, Adoption("A0002"), **february)
    harder = proposed(register, frame.assign(target=25.0), month="2027-02")
    assert "it rises from 30" in refused(taken, harder, Adoption("A0002"), **february)


def test_a_baseline_never_moves_without_a_written_reason(in_force):
    changed = next_proposal(in_force, 0.53, base=0.495)
    february = {"valid_from": dt.date(2027, 2, 1), "on": dt.date(2027, 1, 20)}
    assert "the baseline moves from 50.0% to 49.5%" in refused(taken, changed, Adoption("A0002"), **february)
    after = taken(changed, Adoption("A0002", reason="newcomers joined"), **february)
    assert published(after, "2027-02")["base"].tolist() == [0.495]


def test_within_a_month_a_target_only_gets_easier(in_force):
    middle = {"valid_from": dt.date(2026, 11, 15), "on": dt.date(2026, 11, 14)}
    why = {"cause": "failure", "reason": "the chat system was down for two days"}
    easier = proposed(in_force, targets(0.5, base=0.45))
    harder = proposed(in_force, targets(0.6))
    assert "only to be easier" in refused(taken, harder, Adoption("A0002", **why), **middle)
    assert "only to be easier" in refused(taken, easier, Adoption("A0002", cause="calendar", reason="x"), **middle)
    eased = taken(easier, Adoption("A0002", **why), **middle)
    assert published(eased, "2026-11")["target"].tolist() == [0.5]


# In force ----------------------------------------------------------------------------------------------------------


def test_published_targets_hold_until_the_next(in_force):
    february = {"valid_from": dt.date(2027, 2, 1), "on": dt.date(2027, 1, 20)}
    register = taken(next_proposal(in_force), Adoption("A0002", reason="a better catalogue"), **february)
    in_months = {m: published(register, m)["target"].tolist() for m in ("2026-10", "2026-11", "2027-01", "2027-02")}
    assert in_months == {"2026-10": [], "2026-11": [0.55], "2027-01": [0.55], "2027-02": [0.57]}
    assert register.state("A0001") == "retired"


def test_published_targets_have_the_columns_of_targets(in_force):
    (row,) = published(in_force, "2026-12").to_dict("records")
    assert (row["metric"], row["level"], row["better"], row["adopted"]) == (METRIC, "mid", "higher", 0.55)
    assert (row["expected_agents"], row["who"], row["id"]) == (6, "Wang", "A0001")
    assert pd.isna(row["shop_value"])


def test_a_retired_target_holds_to_its_last_day(in_force):
    register = life.retire(in_force, "A0001", until=dt.date(2026, 11, 30), on=TODAY, who="Wang", reason="not scored")
    assert len(published(register, "2026-11")) == 1
    assert published(register, "2026-12").empty


# Objections --------------------------------------------------------------------------------------------------------


def test_an_objection_is_answered_by_somebody_else(in_force):
    register = appeals.object_to(in_force, "A0001", on=TODAY, who="Mei", reason="newcomers cannot reach it")
    assert [event.scorer for event in register.open_objections()] == ["Wang"]
    for judge in ("Wang", " wang ", "Mei"):
        how = {"on": TODAY, "who": judge, "outcome": "dismissed", "reason": "fits"}
        assert "somebody else must review it" in refused(appeals.answer, register, "B0001", **how)
    register = appeals.answer(register, "B0001", on=TODAY, who="Li", outcome="dismissed", reason="they are protected")
    assert register.open_objections() == []
    how = {"on": TODAY, "who": "Li", "outcome": "upheld", "reason": "again"}
    assert "there is no open objection B0001; open: nothing" in refused(appeals.answer, register, "B0001", **how)


def test_an_objection_says_about_what_and_who_scored(in_force):
    how = {"on": TODAY, "who": "Mei", "reason": "wrong"}
    assert "neither a month" in refused(appeals.object_to, in_force, "2026-13", **how)
    assert "add --scorer NAME" in refused(appeals.object_to, in_force, "2026-10", **how)


# Freeze ------------------------------------------------------------------------------------------------------------

INPUTS = {"exports/chats.csv": "ab" * 32, "exports/orders.csv": "cd" * 32}
DECEMBER = dt.date(2026, 12, 11)


@pytest.fixture
def frozen(in_force) -> Register:
    return appeals.freeze(in_force, "2026-11", INPUTS, on=DECEMBER, who="Chen")


def test_a_frozen_month_keeps_the_hashes_of_its_inputs(frozen):
    assert frozen.frozen("2026-11")
    assert not frozen.frozen("2026-10")
    assert changed_inputs(frozen, "2026-11", INPUTS) == []
    other = {"exports/chats.csv": "00" * 32, "exports/late.csv": "11" * 32}
    assert changed_inputs(frozen, "2026-11", other) == ["exports/chats.csv", "exports/late.csv", "exports/orders.csv"]


def test_a_target_changed_by_hand_shows(frozen):
    changed = [e.model_copy(update={"target": 0.5}) if e.act == "publish" else e for e in frozen.events]
    by_hand = Register(frozen.path, tuple(changed))
    assert changed_inputs(by_hand, "2026-11", INPUTS) == ["targets"]


def test_nothing_of_a_frozen_month_changes(frozen):
    until = {"until": dt.date(2026, 11, 15), "on": DECEMBER, "who": "Wang", "reason": "x"}
    assert "2026-11 is frozen" in refused(life.retire, frozen, "A0001", **until)
    assert "2026-11 is frozen" in refused(proposed, frozen, targets(metric=TIME), month="2026-11")
    other = proposed(frozen, targets(role="after"), month="2026-12")
    assert "2026-11 is frozen" in refused(taken, other, Adoption("A0002"), valid_from=NOVEMBER)
    assert "was frozen by Chen on 2026-12-11" in refused(
        appeals.freeze, frozen, "2026-11", INPUTS, on=DECEMBER, who="Chen"
    )


def test_later_months_go_on(frozen):
    until = {"until": dt.date(2026, 11, 30), "on": DECEMBER, "who": "Wang", "reason": "x"}
    gone = life.retire(frozen, "A0001", **until)
    assert changed_inputs(gone, "2026-11", INPUTS) == []


def test_a_month_that_is_not_over_or_empty_is_not_frozen(in_force):
    complaint = refused(appeals.freeze, in_force, "2026-11", {}, on=dt.date(2026, 11, 30), who="Chen")
    assert "2026-11 ends on 2026-11-30" in complaint
    assert "nothing of 2026-11 is loaded" in complaint


def test_a_correction_is_made_good_next_month(frozen, in_force):
    how = {"on": DECEMBER, "who": "Li", "agents": "A01", "reason": "a refund was withdrawn"}
    event = appeals.correct(frozen, "2026-11", **how).events[-1]
    assert (event.act, event.about, event.valid_from) == ("correct", "M2026-11", dt.date(2027, 1, 1))
    assert "is not frozen and needs no correction" in refused(appeals.correct, in_force, "2026-11", **how)


def test_an_upheld_objection_after_the_freeze_becomes_a_correction(frozen):
    about = {"who": "Mei", "reason": "the log shows it", "scorer": "Wang", "agents": "A01"}
    register = appeals.object_to(frozen, "2026-11", on=DECEMBER, **about)
    upheld = appeals.answer(register, "B0001", on=DECEMBER, who="Li", outcome="upheld", reason="true")
    assert (upheld.events[-1].act, upheld.events[-1].agents) == ("correct", "A01")
    dismissed = appeals.answer(register, "B0001", on=DECEMBER, who="Li", outcome="dismissed", reason="no")
    assert dismissed.events[-1].act == "answer"


# Prediction against result -----------------------------------------------------------------------------------------


def values(*met: float, month="2026-11", n=200) -> pd.DataFrame:
    rows = [
        {"shop_id": "s", "agent_id": f"A{i}", "role": "pre", "level": "mid", "month": month, "metric": METRIC}
        | {"numerator": round(share * n), "denominator": n, "value": share, "n": n}
        for i, share in enumerate(met)
    ]
    return pd.DataFrame(rows)


def test_what_came_stands_beside_what_was_expected(in_force):
    inside = review_past(published(in_force, "2026-11"), values(*[0.6] * 6, *[0.4] * 4))
    (row,) = inside.to_dict("records")
    assert (row["expected"], row["low"], row["high"], row["met"], row["agents"]) == (6, 4, 8, 6, 10)
    assert row["said"] == "Last month 4–8 people were expected and 6 met it: as expected."
    few = review_past(published(in_force, "2026-11"), values(*[0.6] * 2, *[0.4] * 8), lang="zh").iloc[0]
    assert not few["inside"]
    assert few["said"].startswith("上月预计4–8人，实际2人，偏少：先看")
    many = review_past(published(in_force, "2026-11"), values(*[0.6] * 10)).iloc[0]
    assert "more than expected" in many["said"]


def test_a_value_counts_as_it_is_shown(in_force):
    """54.96 % is shown as 55.0 % and meets 55.0 %; 54.94 % does not."""
    found = review_past(published(in_force, "2026-11"), values(0.5496, 0.5494, n=10_000))
    assert found["met"].tolist() == [1]


def test_few_cases_are_not_counted(in_force):
    frame = pd.concat([values(0.6, 0.6), values(0.9, n=5).assign(agent_id="few")])
    assert review_past(published(in_force, "2026-11"), frame)["agents"].tolist() == [2]


def test_without_a_prediction_there_is_no_sentence(empty):
    register = taken(proposed(empty), Adoption("A0001", 0.52, reason="agreed"))
    (row,) = review_past(published(register, "2026-11"), values(0.6, 0.5)).to_dict("records")
    assert row["met"] == 1
    assert row["said"] == ""
    assert pd.isna(row["expected"])
