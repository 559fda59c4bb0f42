"""Platform rules: where the line lies, which day is judged by which rule, and what a wrong file is told."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

import pytest

from csperf.errors import CsperfError
from csperf.rules import PLATFORMS, PlatformRule, in_force, load_rules, stale

SHARED = Path(__file__).resolve().parents[1].parent / "shared"
FILES = sorted(PLATFORMS.glob("*.yaml"))
RULES = [(file.stem, rule) for file in FILES for rule in load_rules(file)]
MARCH, APRIL = date(2026, 3, 31), date(2026, 4, 1)

FILE = """
platform: demo
name: {{zh: 示例, en: Demo}}
rules:
{rules}
"""
RULE = """
  - metric: {metric}
    name_zh: 三分钟回复率
    name_en: Three-minute reply rate
    unit: user
    formula: any_over_3min_fails_user
    threshold: {threshold}
    comparison: below
    since: {since}
    until: {until}
    source: the backend
    grade: B
"""


def rule(**changes: object) -> PlatformRule:
    about = {
        "platform": "demo",
        "metric": "reply_3min_user",
        "name_zh": "三分钟回复率",
        "name_en": "Three-minute reply rate",
        "unit": "user",
        "formula": "any_over_3min_fails_user",
        "source": "the backend",
        "grade": "C",
    }
    return PlatformRule.model_validate(about | changes)


def written(folder: Path, *rules: str) -> Path:
    path = folder / "demo.yaml"
    path.write_text(FILE.format(rules="".join(rules)), encoding="utf-8")
    return path


def item(since: str = "null", until: str = "null", metric: str = "reply_3min_user", threshold: float = 0.5) -> str:
    return RULE.format(since=since, until=until, metric=metric, threshold=threshold)


def refusal(path: Path | str, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setenv("CSPERF_LANG", "en")
    with pytest.raises(CsperfError) as caught:
        load_rules(path)
    assert {problem.where for problem in caught.value.problems} <= {str(path), "platform"}
    return [problem.message for problem in caught.value.problems]


# Where the line lies -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("effective", "asked", "breached"),
    [
        (50, 100, False),  # 50.0 % is not below 50 %
        (49, 100, True),  # 100 users are included
        (49, 99, False),  # too few users
        (74, 150, True),
        (75, 150, False),
        (0, 0, None),
    ],
)
def test_effective_reply_rate_of_pinduoduo(effective, asked, breached):
    """Seed S0-33: 100 consulting users or more in the day, and a rate below 50 %."""
    found = next(r for r in load_rules("pdd") if r.metric == "effective_reply_user")
    assert found.breached(effective / asked if asked else None, asked) is breached
    assert (found.min_volume, found.threshold, found.fine_yuan) == (100, 0.5, 1000)


@pytest.mark.parametrize(
    ("comparison", "below", "at", "above"),
    [
        ("below", True, False, False),
        ("at_or_below", True, True, False),
        ("above", False, False, True),
        ("at_or_above", False, True, True),
    ],
)
def test_each_comparison_at_its_line(comparison, below, at, above):
    asked = rule(threshold=0.5, comparison=comparison)
    assert [asked.breached(value, 1) for value in (0.49, 0.5, 0.51)] == [below, at, above]


def test_a_relative_rule_has_no_line_to_break():
    five_minutes = next(r for r in load_rules("pdd") if r.relative_to == "industry")
    assert five_minutes.metric == "reply_5min_user"
    assert five_minutes.breached(0.0, 1000) is None


# Which day, which rule ---------------------------------------------------------------------------------------------


def test_march_is_judged_by_marchs_rule(tmp_path):
    rules = load_rules(written(tmp_path, item(since=str(APRIL), threshold=0.6), item(until=str(APRIL))))
    assert [r.threshold for r in in_force(rules, MARCH)] == [0.5]
    assert [r.threshold for r in in_force(rules, APRIL)] == [0.6]


def test_kuaishous_hours_changed_in_march_2023():
    rules = [r for r in load_rules("kuaishou") if r.metric == "reply_3min_user"]
    assert [r.hours for r in in_force(rules, date(2023, 2, 28))] == [("08:00", "24:00")]
    assert [r.hours for r in in_force(rules, date(2023, 3, 1))] == [("08:00", "23:00")]


def test_exempted_days_are_not_judged():
    rules = load_rules("jd")
    judged = [bool(in_force(rules, date(2024, 2, day))) for day in (3, 4, 17, 18)]
    assert judged == [True, False, False, True]


def test_a_doubtful_rule_judges_no_day_and_is_never_usable():
    doubtful = rule(do_not_use={"zh": "矛盾", "en": "contradicts"}, checked_on=MARCH, checked_by="Li")
    assert in_force([doubtful], MARCH) == ()
    assert not doubtful.usable


@pytest.mark.parametrize(
    ("grade", "checked", "usable"),
    [("A", None, True), ("B", None, True), ("C", None, False), ("seed", None, False), ("C", MARCH, True)],
)
def test_below_grade_b_only_a_look_into_the_backend_makes_a_rule_usable(grade, checked, usable):
    assert rule(grade=grade, checked_on=checked, checked_by="Li" if checked else None).usable is usable


def test_a_rule_is_stale_after_180_days_and_when_never_checked():
    days = (None, date(2025, 10, 2), date(2025, 10, 3))  # the last one lies 180 days before
    rules = [rule(checked_on=day, checked_by="Li" if day else None) for day in days]
    assert stale(rules, APRIL) == tuple(rules[:2])
    assert stale(rules, APRIL, days=181) == tuple(rules[:1])


# Wrong files -------------------------------------------------------------------------------------------------------


def test_overlap_is_refused_and_named(tmp_path, monkeypatch):
    path = written(tmp_path, item(since="2026-01-01"), item(since=str(APRIL), threshold=0.6))
    (message,) = refusal(path, monkeypatch)
    assert message.startswith("rules[0] and rules[1] (demo, reply_3min_user, any_over_3min_fails_user)")
    assert "with until: 2026-04-01" in message


def test_gap_is_refused_and_named(tmp_path, monkeypatch):
    path = written(tmp_path, item(until=str(MARCH)), item(since=str(APRIL)))
    (message,) = refusal(path, monkeypatch)
    assert "ends on 2026-03-31" in message
    assert "begins on 2026-04-01" in message


EXEMPT = "exempt:\n  - {{since: {since}, until: {until}, reason: {{zh: 停, en: paused}}, source: us, grade: B}}\n"


@pytest.mark.parametrize(
    ("until", "refused"), [("2026-04-01", False), ("2026-05-01", False), ("2026-03-31", True), ("null", False)]
)
def test_a_gap_in_which_the_platform_does_not_assess_is_none(tmp_path, monkeypatch, until, refused):
    path = written(tmp_path, item(until="2026-03-01"), item(since="2026-04-01"))
    path.write_text(path.read_text(encoding="utf-8") + EXEMPT.format(since="2026-03-01", until=until), encoding="utf-8")
    if refused:
        assert "ends on 2026-03-01" in refusal(path, monkeypatch)[0]
    else:
        assert len(load_rules(path)) == 2


def test_a_short_rule_within_a_long_one_hides_neither_the_overlap_nor_makes_a_gap(tmp_path, monkeypatch):
    long, short = item(since="2026-01-01", until="2026-12-01"), item(since="2026-02-01", until="2026-03-01")
    messages = refusal(written(tmp_path, long, short, item(since="2026-06-01")), monkeypatch)
    assert [m[:21] for m in messages] == ["rules[0] and rules[1]", "rules[0] and rules[2]"]


def test_overlaps_and_gaps_of_several_metrics_are_named_at_once(tmp_path, monkeypatch):
    other = {"metric": "reply_5min_user"}
    gap = item(until=str(MARCH), **other), item(since=str(APRIL), **other)
    messages = refusal(written(tmp_path, item(), item(), *gap), monkeypatch)
    assert [m[:21] for m in messages] == ["rules[0] and rules[1]", "rules[2] ends on 2026"]


def test_an_overlap_is_named_beside_mistakes_of_other_rules(tmp_path, monkeypatch):
    misspelt = item(metric="reply_5min_user").replace("threshold:", "treshold:")
    messages = refusal(written(tmp_path, item(), misspelt, item()), monkeypatch)
    assert [m[:21] for m in messages if "treshold" not in m] == ["rules[0] and rules[2]"]
    assert len(messages) == 2


def test_rules_of_other_metrics_may_run_side_by_side(tmp_path):
    assert len(load_rules(written(tmp_path, item(), item(metric="reply_5min_user")))) == 2


def test_every_mistake_of_a_file_is_named_at_once(tmp_path, monkeypatch):
    misspelt = item().replace("threshold:", "treshold:")
    backwards = item(since=str(APRIL), until=str(MARCH))
    no_source = item().replace("    source: the backend\n", "").replace("grade: B", "grade: D")
    messages = refusal(written(tmp_path, misspelt, backwards, no_source), monkeypatch)
    assert [m.partition(":")[0] for m in messages] == [
        "rules[0].treshold",
        "rules[1]",
        "rules[2].source",
        "rules[2].grade",
    ]
    assert "threshold" in messages[0].partition("treshold")[2]
    assert "is not after since" in messages[1]


@pytest.mark.parametrize(
    ("old", "new", "place"),
    [
        ("    comparison: below\n", "", "rules[0]"),
        ("    grade: B\n", "    grade: B\n    checked_on: 2026-01-01\n", "rules[0]"),
        ("    grade: B\n", "    grade: B\n    hours: ['08:00', '25:00']\n", "rules[0].hours[1]"),
        ("    grade: B\n", "    grade: B\n    window: a while\n", "rules[0].window"),
        ("    grade: B\n", "    grade: B\n    min_volume: 0\n", "rules[0].min_volume"),
    ],
)
def test_an_incoherent_rule_is_refused(old, new, place, tmp_path, monkeypatch):
    (message,) = refusal(written(tmp_path, item().replace(old, new)), monkeypatch)
    assert message.partition(": ")[0] == place


def test_an_unknown_platform_names_the_known_ones(monkeypatch):
    (message,) = refusal("taobo", monkeypatch)
    assert "did you mean taobao" in message
    assert "pdd" in message


# The files that come along -----------------------------------------------------------------------------------------


def test_the_platforms_are_there():
    assert {f.stem for f in FILES} >= {"pdd", "taobao", "douyin", "jd", "kuaishou", "xiaohongshu", "1688"}
    assert all(rule.platform == name for name, rule in RULES)


def test_a_rule_without_a_date_or_a_line_says_so():
    silent = [(name, r.name_en) for name, r in RULES if not r.note and not r.do_not_use and r.since is None]
    assert silent == []


def test_every_rule_has_a_source_a_grade_and_both_names():
    assert all(r.source and r.grade and r.name_zh and r.name_en for _, r in RULES)


def documented_keys() -> set[str]:
    """Keys of the catalogue's list, `reply_3min_msg` `_turn` standing for two."""
    keys: set[str] = set()
    for line in (SHARED / "METRICS.md").read_text(encoding="utf-8").splitlines():
        stem = ""
        for word in re.findall(r"`(_?[a-z0-9_]+)`", line):
            keys.add(stem + word if word.startswith("_") else word)
            stem = stem if word.startswith("_") else word.rpartition("_")[0]
    return keys


def test_metrics_are_keys_of_the_catalogue():
    if not SHARED.exists():
        pytest.skip(f"no list of metrics at {SHARED}")
    assert {r.metric for _, r in RULES if r.metric} - documented_keys() == set()


def test_every_source_that_was_found_has_its_rule():
    if not SHARED.exists():
        pytest.skip(f"no list of sources at {SHARED}")
    section = (SHARED / "FIELD.md").read_text(encoding="utf-8").partition("# D. Platform rules")[2].partition("# E.")[0]
    rows = [line for line in section.splitlines() if line.startswith("| ") and "platform | metric" not in line]
    sites = {site for row in rows for site in re.findall(r"[a-z0-9.]+\.(?:com|cn)\b|id10853", row.rpartition(" | ")[2])}
    cited = " ".join(r.source for _, r in RULES)
    assert len(rows) == 30
    assert {site for site in sites if site not in cited} == set()
