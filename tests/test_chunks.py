"""Messages in pieces: days in chunks, buyers in lanes, and chats that sleep until somebody speaks to them again."""

from __future__ import annotations

import datetime as dt
import itertools
import random
import time
from itertools import cycle, repeat

import pyarrow as pa
import pytest
from adapters import engine_derive
from shops import EVENTS, Step, assemble
from test_engine import KEYS, RULES, differences

from csperf.chunks import LANE_ROWS, Chunk, Lane, chunks, side_by_side
from csperf.engine import EngineSettings, apart
from csperf.errors import CsperfError, Problem
from csperf.text import say, speaking
from csperf.turns import entries
from csperf.turns.asleep import Sleepers


def test_chunks_of_full_months_stay_when_days_are_added():
    month = {dt.date(2026, 1, 1) + dt.timedelta(days=n): 25_000 for n in range(31)}
    before = chunks(month, EngineSettings())
    after = chunks(month | {dt.date(2026, 2, 1): 20_000}, EngineSettings())
    assert before[:-1] == after[:-1]
    assert before[-1] == Chunk(dt.date(2026, 2, 1), dt.date(2026, 2, 1)), "takes what is still open"


@pytest.mark.parametrize(("daily", "lanes"), [(1_000, 1), (25_000, 2), (2_000_000, 7)])
def test_no_lane_has_more_messages_than_memory_should_hold(daily, lanes):
    days = {dt.date(2026, 1, 1) + dt.timedelta(days=n): daily for n in range(59)}
    found = [chunk for chunk in chunks(days, EngineSettings()) if chunk.first in days]
    assert {chunk.lanes for chunk in found} == {lanes}
    for chunk in found:
        assert (
            sum(n for day, n in days.items() if chunk.first <= day <= chunk.last) <= 1.5 * lanes * LANE_ROWS["duckdb"]
        )


def test_lanes_share_out_all_rows(tmp_path):
    names = [f"买家{n}" for n in range(1_000)]
    with apart() as con:
        rows = con.create_table("buyers", pa.table({"buyer_id": names}), temp=True)
        shares = [Lane(n, 3).of(rows).to_pyarrow()["buyer_id"].to_pylist() for n in range(3)]
    assert sorted(itertools.chain(*shares)) == sorted(names)
    assert min(map(len, shares)) > 250


def test_work_side_by_side_stops_when_something_fails_and_speaks_the_callers_language(monkeypatch):
    done = []

    def work(n: int) -> str:
        done.append(n)
        if n == 1:
            raise CsperfError(Problem("here", say("run.store_changed")))
        time.sleep(0.2)
        return "done"

    with speaking("en"), pytest.raises(CsperfError) as failed, side_by_side(2) as submit:
        for waiting in [submit(work, n) for n in range(20)]:
            waiting.result()
    assert len(done) < 10
    assert str(failed.value).isascii()


DAY_S = 86_400


def slow_chats(seed: int) -> list[list[Step]]:
    """Chats of few words with days of silence between them."""
    drawn = random.Random(seed)
    silences = (30, 3_600, DAY_S, 4 * DAY_S, 9 * DAY_S)
    events = ["ask", "reply", *EVENTS]
    steps = [Step(drawn.choice(silences), drawn.choice(events), drawn.choice((None, 0, 1))) for _ in range(240)]
    return [[Step(drawn.randrange(5 * DAY_S), "ask", 0), *steps[n : n + 6]] for n in range(0, 240, 6)]


@pytest.mark.parametrize(("name", "lanes"), [("shop", repeat(2)), ("jd", cycle([1, 2, 2])), ("taobao", repeat(1))])
def test_chats_that_slept_for_weeks_are_told_as_if_nobody_had_cut_them(name, lanes, monkeypatch):
    """Whoever speaks first after the silence, and also where several chunks hand sleeping chats on."""
    woken, handed = [], []
    hand_on = Sleepers.hand_on

    def noted(self, asleep, woken_now, folder):
        handed.append(len(self.woken))
        woken.append(woken_now.count().to_pyarrow().as_py())
        hand_on(self, asleep, woken_now, folder)

    monkeypatch.setattr(Sleepers, "hand_on", noted)
    monkeypatch.setattr(entries, "AT_THE_END", 0)
    shop = assemble(slow_chats(7))
    whole = engine_derive(shop, RULES[name])
    cut = engine_derive(shop, RULES[name], chunk_days=repeat(4), lanes=lanes)
    found = [line for table in KEYS if whole[table] for line in differences(table, cut[table], whole[table])]
    assert not found, "\n".join(found[:5])
    assert sum(woken) > 30
    assert max(handed) > 2 or name == "jd"  # where lanes change, what was woken is written out
