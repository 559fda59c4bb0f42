"""The day that is not over: whole customers to a platform's line, slow replies, and no report of it."""

from __future__ import annotations

import datetime as dt
from fractions import Fraction
from types import SimpleNamespace

import ibis
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from csperf.cli_today import watch_words
from csperf.errors import CsperfError
from csperf.rules import load_rules
from csperf.stages import not_over, open_pack
from csperf.today import is_over, slow_replies, watch, watched

TODAY = dt.date(2026, 10, 31)
EVENING = dt.datetime(2026, 10, 31, 12, tzinfo=dt.UTC)  # 20:00 in Shanghai


@pytest.fixture(scope="module")
def pdd():
    """The fine of the seed's guide: 100 customers or more, below 50 %."""
    return next(rule for rule in load_rules("pdd") if rule.fine_yuan == 1000)


def changed(rule, **how):
    return rule.model_copy(update=how)


def test_only_daily_rules_with_a_number_on_shares_are_watched(pdd):
    found = watched(load_rules("pdd"))
    assert pdd in found
    assert all(rule.window == "1d" and rule.threshold is not None for rule in found)
    assert watched([changed(pdd, window="30d"), changed(pdd, threshold=None), changed(pdd, metric=None)]) == []


@pytest.mark.parametrize(
    ("hits", "n", "broken", "to_volume", "needed", "answering", "spare"),
    [
        (49, 100, True, 0, 2, 1, 0),  # 49 %: 51 of 102 is no breach
        (50, 100, False, 0, 0, 0, 0),  # 50.0 % is no breach, one more miss is
        (60, 100, False, 0, 0, 0, 20),
        (48, 99, False, 1, 3, 2, 0),  # the next one makes it 48 or 49 of 100
        (10, 30, False, 70, 40, None, 69),  # not 100 yet: it takes 50 good ones of 100
        (0, 0, False, 100, 50, None, 99),
    ],
)
def test_how_many_more_until_the_line_is_safe(pdd, hits, n, broken, to_volume, needed, answering, spare):
    found = watch(pdd, hits, n)
    assert (found.broken, found.to_volume, found.needed, found.answering, found.spare) == (
        *(broken, to_volume, needed, answering, spare),
    )


def test_a_line_that_itself_breaks_and_a_line_from_above(pdd):
    strict = changed(pdd, comparison="at_or_below", min_volume=None)
    assert (watch(strict, 50, 100).broken, watch(strict, 50, 100).needed, watch(strict, 51, 100).spare) == (True, 1, 1)
    above = changed(pdd, comparison="above", threshold=0.1, min_volume=None)  # bad cases at most 10 %
    found = watch(above, 11, 100)
    assert (found.broken, found.good, found.needed, found.answering) == (True, 89, 10, 1)  # 11 of 110
    assert watch(above, 9, 100).spare == 1
    whole = changed(pdd, threshold=1.0, min_volume=None)
    assert (watch(whole, 99, 100).needed, watch(whole, 99, 100).answering, watch(whole, 9, 9).needed) == (None, 1, 0)
    assert watch(changed(pdd, threshold=0.0), 0, 200).spare is None


@given(
    good=st.integers(0, 300),
    bad=st.integers(0, 300),
    hundredths=st.integers(1, 99),
    volume=st.sampled_from([None, 20, 100]),
    comparison=st.sampled_from(["below", "at_or_below"]),
)
def test_it_is_exactly_so_many_counted_one_by_one(pdd, good, bad, hundredths, volume, comparison):
    rule = changed(pdd, threshold=hundredths / 100, comparison=comparison, min_volume=volume)
    line, n = Fraction(hundredths, 100), good + bad

    def kept(good: int, n: int) -> bool:
        return Fraction(good, n) >= line if comparison == "below" else Fraction(good, n) > line

    found = watch(rule, good, n)
    least = volume or 1
    assert found.broken == (n >= least and not kept(good, n))
    k = found.needed
    assert kept(good + k, max(n + k, least))
    assert k == 0 or not kept(good + k - 1, max(n + k - 1, least))
    misses = found.spare
    assert misses == 0 or n + misses < least or kept(good, n + misses)
    assert found.broken or (n + misses + 1 >= least and not kept(good, n + misses + 1))


def test_what_is_to_be_done_in_words(pdd):
    assert "".join(watch_words(watch(pdd, 49, 100), "zh")) == (
        "照现在已经跌破。再有2人在时限内回好，才稳。或者把没回好的1人补回来（还来得及的话）。"
    )
    assert "".join(watch_words(watch(pdd, 50, 100), "zh")) == "一个也不能再漏。"
    whole = changed(pdd, threshold=1.0, comparison="at_or_below")
    assert "".join(watch_words(watch(whole, 100, 100), "zh")) == "照现在已经跌破。今天怎么补都到不了。"


def test_three_replies_over_two_minutes_make_somebody_slow():
    def turns(agent, waits):
        start = pd.Timestamp("2026-10-31 01:00", tz="UTC")
        return [
            {"agent_id": agent, "started_at": start + pd.Timedelta(minutes=n), "wait_us": wait and wait * 1_000_000}
            for n, wait in enumerate(waits)
        ]

    rows = pd.DataFrame([*turns("slow", [121, 300, 10, 200, None]), *turns("quick", [120, 121, 121, 5])])
    rows = rows.assign(answered=rows["wait_us"].notna(), wait_us=rows["wait_us"].astype("Int64"))
    rows = rows.assign(scope="agent", day=TODAY, excluded=False, in_hours=True)
    (row,) = slow_replies({"turns": ibis.memtable(rows)}, TODAY).itertuples()
    assert (row.agent_id, row.slow, row.waiting, row.n, row.longest_s) == ("slow", 3, 1, 5, 300)
    assert row.at == pd.Timestamp("2026-10-31 01:01", tz="UTC")
    assert len(slow_replies({"turns": ibis.memtable(rows)}, TODAY, times=2)) == 2


def run_of(newest, until=None):
    days = pd.DataFrame({"day": [newest - dt.timedelta(days=1), newest], "n": [5, 5]})
    return SimpleNamespace(
        store=SimpleNamespace(until=until),
        coverage=lambda: days,
        params=SimpleNamespace(timezone="Asia/Shanghai"),
        first_day=TODAY.replace(day=1),
        last_day=TODAY,
    )


def test_today_is_where_the_shop_is():
    late = dt.datetime(2026, 10, 30, 17, tzinfo=dt.UTC)  # 01:00 of the 31st in Shanghai
    assert is_over(TODAY - dt.timedelta(days=1), "Asia/Shanghai", late)
    assert not is_over(TODAY, "Asia/Shanghai", late)
    assert not_over(run_of(TODAY), late) == TODAY
    assert not_over(run_of(TODAY - dt.timedelta(days=1)), late) is None
    assert not_over(run_of(TODAY, until=TODAY - dt.timedelta(days=1)), late) is None
    assert not_over(run_of(dt.date(2026, 11, 1)), dt.datetime(2026, 11, 1, 12, tzinfo=dt.UTC)) is None  # another month


def test_no_report_has_today_unless_forced(small_shop):
    with pytest.raises(CsperfError, match="--as-of 2026-10-31"):
        open_pack(small_shop, "plan", month="2026-10", now=EVENING)
    assert open_pack(small_shop, "plan", month="2026-10", now=EVENING, force=True).run.month == "2026-10"
    assert open_pack(small_shop, "plan", month="2026-10", now=EVENING, as_of="2026-10-31").run.month == "2026-10"
    assert open_pack(small_shop, "plan", month="2026-10", now=EVENING + dt.timedelta(days=1)).run.month == "2026-10"
