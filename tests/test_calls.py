"""Every entry about calls on a morning that can be counted by hand."""

from __future__ import annotations

import pytest

from csperf.load import load
from csperf.params import load_params
from csperf.run import measure, open_run

PARAMS = """
shop: hotline
root: .
timezone: Asia/Shanghai
min_n: 1
sources:
  - source: table
    table: calls
    files: calls.csv
    columns:
      call_id: id
      account_id: who
      direction: way
      queued_at: at
      ended_at: until
      outcome: what
      transferred: passed
      wait_us: {from: wait, unit: seconds}
      talk_us: {from: talk, unit: seconds}
      hold_us: {from: hold, unit: seconds}
      wrap_us: {from: wrap, unit: seconds}
"""
CALLS = """id,who,way,at,until,what,passed,wait,talk,hold,wrap
1,line:01,in,2026-08-03 09:00:00,2026-08-03 09:02:00,answered,no,10,60,10,20
2,line:01,in,2026-08-03 09:05:00,2026-08-03 09:08:00,answered,yes,30,120,,
3,line:02,in,2026-08-03 09:06:00,2026-08-03 09:07:00,answered,no,0,30,0,10
4,,in,2026-08-03 09:10:00,2026-08-03 09:10:45,abandoned,,45,,,
5,,in,2026-08-03 09:11:00,2026-08-03 09:11:15,abandoned,,15,,,
6,,in,2026-08-03 09:12:00,2026-08-03 09:12:01,blocked,,,,,
7,line:02,out,2026-08-03 09:20:00,2026-08-03 09:22:00,answered,no,,110,0,0
8,,in,2026-08-03 09:25:00,2026-08-03 09:25:30,abandoned,,30,,,
9,,in,2026-08-03 09:26:00,2026-08-03 09:26:30,abandoned,,30,,,
"""
EXPECTED = {  # value, n
    "calls_per_day": (9, 1),
    "abandon_share": (4 / 7, 7),
    "abandon_to_connected": (4 / 3, 3),  # as the source has it: beyond 100 %
    "call_wait_s": ((10 + 30 + 45 + 15 + 30 + 30) / 6, 6),  # call 3 did not wait
    "call_answered_20s_share": (2 / 7, 7),
    "aht_s": ((90 + 120 + 40 + 110) / 4, 4),  # talk, hold and work after it
    "abandon_wait_s": ((45 + 15 + 30 + 30) / 4, 4),
    "call_transfer_share": (1 / 4, 4),
}


@pytest.fixture(scope="module")
def values(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hotline")
    (folder / "params.yaml").write_text(PARAMS, encoding="utf-8")
    (folder / "calls.csv").write_text(CALLS, encoding="utf-8")
    load(load_params(folder / "params.yaml").loading)
    run = open_run(folder / "params.yaml", month="2026-08")
    return measure(run, by=["shop"], metrics=list(EXPECTED)).set_index("metric")


@pytest.mark.parametrize("metric", EXPECTED)
def test_calls_of_a_morning(values, metric):
    value, n = EXPECTED[metric]
    assert values.loc[metric, "value"] == pytest.approx(value)
    assert values.loc[metric, "n"] == n
