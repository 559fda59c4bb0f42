"""Bad rows of records are rejected with the reason and counted, and nothing is lost."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from csperf.sources import Shop, table
from csperf.sources.mapping import Settings

TICKETS = {
    "t1": [("08:00", "created", "A"), ("09:00", "closed", "A"), ("10:00", "closed", "A")],  # closed twice
    "t2": [("08:00", "closed", "A"), ("09:00", "reopened", "A"), ("10:00", "closed", "A")],  # opened in between
    "t3": [("08:00", "closed", "A"), ("08:00", "closed", "A")],  # the same event delivered twice
    "t4": [("08:00", "closed", "A"), ("09:00", "closed", "B")],  # another hand's entry, as service desks have them
    "t5": [("08:00", "lost", "A")],
}
BAD = {
    "ratings": (
        "invited_at,rated_at,score,scale_max\n2026-03-02 08:00,2026-03-02 09:00,6,5\n2026-03-02 08:00,,,5\n"
        "2026-03-02 08:00,2026-03-02 09:00,1,0\n",
        {"score_off_scale": 2},
    ),
    "surveys": (
        "survey_id,asked_at,score,scale_max,subject\ns1,2026-03-02 08:00,-1,5,x\ns2,2026-03-02 08:00,5,5,x\n",
        {"score_off_scale": 1},
    ),
    "quality_checks": (
        "check_id,account_id,at,source,item,score,checker\n"
        "q1,A,2026-03-02 08:00,qa,x,101,Q\nq2,A,2026-03-02 08:00,boss,x,90,Q\nq3,A,2026-03-02 08:00,peer,x,90,Q\n",
        {"score_off_scale": 1, "source_unknown": 1},
    ),
    "calls": (
        "call_id,direction,queued_at,ended_at,outcome\nc1,in,2026-03-02 08:00,2026-03-02 07:59,answered\n"
        "c2,in,2026-03-02 08:00,2026-03-02 08:01,answered\n",
        {"ends_before_start": 1},
    ),
    "plans": (
        "kind,period,item,planned,done\nplan,2026-13,x,1,1\nplan,2026-Q4,x,1,1\nplan,2026,x,1,-1\n",
        {"amount_negative": 1, "period_unreadable": 1},
    ),
}


def read(path: Path, name: str, text: str):
    path.write_text(text, encoding="utf-8")
    columns = {column: column for column in pd.read_csv(path, nrows=0).columns}
    settings = Settings(table=name, files="*", columns=columns)
    return table.load(path, settings, Shop("S", "Asia/Shanghai"))


def test_a_ticket_closed_twice_is_rejected(tmp_path):
    lines = [f"{t},2026-03-02 {at},{event},{who}" for t, log in TICKETS.items() for at, event, who in log]
    loaded = read(tmp_path / "log.csv", "tickets", "\n".join(["ticket_id,at,event,account_id", *lines]) + "\n")
    assert (loaded.counts.read, loaded.counts.kept) == (11, 9)
    assert loaded.counts.rejected == {"closed_twice": 1, "event_unknown": 1}
    assert loaded.rejects.to_pandas()[["line", "ticket_id"]].values.tolist() == [[4, "t1"], [12, "t5"]]


@pytest.mark.parametrize("name", BAD)
def test_bad_records_are_rejected_and_counted(name, tmp_path):
    text, rejected = BAD[name]
    loaded = read(tmp_path / "records.csv", name, text)
    assert loaded.counts.rejected == rejected
    assert loaded.counts.kept == loaded.counts.read - sum(rejected.values()) > 0
