"""Facts kept by chunks of days: after any change they are those of a fresh derivation, and little is done again."""

from __future__ import annotations

import datetime as dt
import errno
import os
import signal
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest
import yaml
from shops import made_shop

from csperf import hours, kept, turns
from csperf.chunks import Workers, chunks
from csperf.definitions import SETS, Definition
from csperf.engine import EngineSettings, connect
from csperf.errors import CsperfError
from csperf.kept import Kept, digest, names_in, read, share, write
from csperf.params import load_params
from csperf.run import Run
from csperf.store import Store
from csperf.turns import entries
from csperf.turns.people import bots, people

DAYS = 3
SET = SETS["shop"]


class Shop:
    """A made shop of few days whose rows and roster the tests change; chunks of one day, kept in folders."""

    def __init__(self) -> None:
        made = made_shop(100, buyers=5, length=10)
        self.days = sorted({row["day"] for row in made.messages})[:DAYS]
        self.rows = [row for row in made.messages if row["day"] in self.days]
        self.roster, self.shifts, self.hours, self.tz = made.frame("roster"), made.frame("shifts"), made.hours, made.tz
        self.made, self.con = made, connect(EngineSettings(threads=1))

    def promote(self, day: dt.date) -> None:
        """Gives the first person of the roster another level from a day on."""
        lines = self.roster.to_dict("records")
        risen = lines[0] | {"valid_from": day, "level": "senior"}
        self.roster = type(self.roster)([lines[0] | {"valid_to": day}, *lines[1:], risen])

    def facts(self, folder, until: int = DAYS, rules: Definition = SET) -> dict[str, Counter]:
        """Every fact's rows as a multiset, by way of the entries in `folder`."""
        days = self.days[:until]
        self.made.messages = [row for row in self.rows if row["day"] in days]
        messages = self.con.create_table("given", self.made.arrow("messages"), overwrite=True)
        known = turns.Shop(
            shop_id="S",
            calendar=hours.daily(self.tz, *self.hours).calendar(days[0], days[-1] + dt.timedelta(days=1)),
            people=people(self.roster, self.shifts, days),
            bots=bots(self.roster),
            covered_days=tuple(days),
        )
        content = {day: digest([row for row in self.made.messages if row["day"] == day]) for day in days}
        spans = chunks(dict.fromkeys(days, 1), EngineSettings(chunk_days=1))
        around = turns.Around.of(self.con, messages, rules, known)
        alone = Workers.alone(self.con)
        done = turns.worked_through(lambda _con: messages, around, content, spans, Kept(folder), alone)
        found = turns.whole(self.con, done, known)
        return {name: Counter(map(str, table.to_pyarrow().to_pylist())) for name, table in found.items()}


@pytest.fixture
def filled(monkeypatch) -> list:
    """The days of the chunks that were worked out."""
    done, fill = [], entries._fill

    def counted(source, part, folder):
        done.append(part.chunk.first)
        fill(source, part, folder)

    monkeypatch.setattr(entries, "_fill", counted)
    return done


def be_killed(folder: str) -> None:
    """Works all days but the last out, and is killed in the middle of the second."""
    done, fill = [], entries._fill

    def deadly(*given):
        if done:
            (given[-1] / "turns.parquet").write_bytes(b"half")
            os.kill(os.getpid(), signal.SIGKILL)
        done.append(given)
        fill(*given)

    entries._fill = deadly
    Shop().facts(Path(folder), until=DAYS - 1)


def test_after_a_kill_what_was_not_done_or_has_changed_is_worked_out_and_nothing_else(tmp_path, filled):
    """A day is added on which somebody's level rises, and a reply of the day before it is withdrawn."""
    work = "import sys, test_incremental; test_incremental.be_killed(sys.argv[1])"
    killed = subprocess.run([sys.executable, "-c", work, str(tmp_path / "kept")], cwd=Path(__file__).parent)
    assert killed.returncode == -signal.SIGKILL

    shop = Shop()
    replies = [row for row in shop.rows if row["sender"] == "human" and row["day"] == shop.days[-2]]
    shop.rows.remove(replies[0])
    shop.promote(shop.days[-1])
    changed = shop.facts(tmp_path / "kept")
    assert filled == shop.days[-2:]
    filled.clear()
    assert changed == shop.facts(tmp_path / "kept")
    shop.facts(tmp_path / "kept", rules=SET.model_copy(update={"window_h": SET.window_h + 1}))
    assert not filled, "a rule of orders does not touch what messages tell"
    assert changed == shop.facts(tmp_path / "fresh")


def test_facts_depend_on_few_settings(tmp_path):
    path = tmp_path / "shop.yaml"

    def key(**settings) -> str:
        path.write_text(yaml.safe_dump({"shop": "s", "timezone": "Asia/Shanghai"} | settings), encoding="utf-8")
        params = load_params(path)
        days = dict.fromkeys(("first_day", "last_day", "as_of"), dt.date(2026, 3, 1))
        return Run(params, params.counting_rules(), Store(params.store), "2026-03", "zh", **days).facts_key

    plain = key()
    for same in ({"min_n": 7}, {"engine": {"memory_limit": "1GB"}}, {"metrics": ["first_reply_s"]}):
        assert key(**same) == plain
    for other in ({"shop": "t"}, {"listed_buyers": ["x"]}, {"definition": {"session_gap_s": 1}}, {"timezone": "UTC"}):
        assert key(**other) != plain


def test_an_interrupted_entry_leaves_nothing(tmp_path):
    entries, done = Kept(tmp_path), []

    def fill(folder):
        (folder / "rows.parquet").write_bytes(b"half")
        done.append(folder)
        if len(done) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        entries.entry("a", fill)
    assert not list(entries.folder.iterdir())
    entries.entry("a", fill)
    entries.entry("a", fill)
    assert len(done) == 2


def test_engines_do_not_read_what_another_kept(tmp_path):
    for engine in ("duckdb 1", "pyspark 4", "pyspark 5"):
        Kept(tmp_path, engine).entry("a", lambda folder, engine=engine: (folder / "of").write_text(engine))
        assert (Kept(tmp_path, engine).entry("a", pytest.fail) / "of").read_text() == engine


def test_what_workers_wrote_side_by_side_is_one_table(tmp_path):
    con, entry = connect(), tmp_path / "entry"
    for part in range(2):
        (entry / "rows.parquet").mkdir(parents=True, exist_ok=True)
        write(con, con.sql(f"SELECT {part} AS n"), entry / "rows.parquet", f"part-{part}")
    (entry / "rows.parquet" / "_SUCCESS").touch()
    (tmp_path / "shared").mkdir()
    share([entry], tmp_path / "shared", "rows")
    for folder in (entry, tmp_path / "shared"):
        assert names_in(folder) == ["rows"]
        assert sorted(read(con, [folder], "rows").to_pyarrow()["n"].to_pylist()) == [0, 1]


@pytest.mark.parametrize("number, said", [(errno.ENOSPC, "No space"), (errno.EIO, "Input/output")])
def test_a_full_disk_is_said(tmp_path, number, said):
    def fill(folder):
        raise OSError(number, f"{said} left")

    with pytest.raises(CsperfError, match=said):
        Kept(tmp_path / "store.derived").entry("a", fill)


def test_a_small_memory_limit_is_said(tmp_path):
    con = connect(EngineSettings(memory_limit="1MB", threads=1))
    con.raw_sql("SET temp_directory = ''")
    many = con.sql("SELECT range AS n, repeat('x', 100) || range AS words FROM range(1000000) ORDER BY words")
    with pytest.raises(CsperfError, match="memory_limit"):
        Kept(tmp_path).entry("a", lambda folder: write(con, many, folder, "rows"))
    assert not list(Kept(tmp_path).folder.iterdir())


def test_where_nothing_may_be_written_entries_last_for_the_process(tmp_path, monkeypatch):
    def refused(**_):
        raise PermissionError(errno.EACCES, "read-only")

    monkeypatch.setattr(kept.tempfile, "TemporaryFile", refused)
    con = connect()
    rows = con.sql("SELECT 1 AS n")
    folder = Kept(tmp_path).entry("a", lambda unfinished: write(con, rows, unfinished, "rows"))
    assert tmp_path not in folder.parents
    assert names_in(folder) == ["rows"]
    assert read(con, [folder], "rows").to_pyarrow().to_pylist() == [{"n": 1}]


def test_what_nobody_asks_for_goes(tmp_path, monkeypatch):
    entries = Kept(tmp_path)
    old = entries.entry("old", lambda folder: None)
    monkeypatch.setattr(kept, "_age_s", lambda folder: 40.0 * kept.DAY_S if folder == old else 0.0)
    entries.entry("new", lambda folder: None)
    assert not old.exists()
