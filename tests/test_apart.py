"""Work that is done again for other rows finds its SQL and its expressions, and never the rows of before."""

from __future__ import annotations

from threading import Thread

import ibis
import ibis.expr.types as ir
import pandas as pd

from csperf.engine import (
    DuckDB,
    EngineSettings,
    any_row,
    apart,
    connect,
    expression,
    instant,
    materialise,
    micros,
    scratch,
)


@expression
def doubled(rows: ir.Table) -> ir.Table:
    return rows.mutate(x=rows.x * 2)


def written(folder, numbers) -> str:
    path = folder / f"{numbers[0]}.parquet"
    pd.DataFrame({"x": numbers}).to_parquet(path)
    return str(path)


def answer(con, path) -> list[int]:
    """By a view, a materialised table, a kept expression and a scratch table."""
    kept = materialise(con, doubled(con.read_parquet([path])))
    with scratch(con) as keep:
        return sorted(doubled(keep(doubled(kept))).to_pyarrow()["x"].to_pylist())


def test_the_next_work_finds_its_own_rows_and_no_new_sql(tmp_path, monkeypatch):
    one, two = written(tmp_path, [1, 2]), written(tmp_path, [10, 20])
    with apart() as con:
        assert answer(con, one) == [8, 16]
    spelled = []
    monkeypatch.setattr(DuckDB.__bases__[0], "compile", lambda *_a, **_k: spelled.append(1))
    with apart() as con:
        assert answer(con, two) == [80, 160]
    assert not spelled


def test_work_within_work_has_tables_of_its_own(tmp_path):
    one, two = written(tmp_path, [1, 2]), written(tmp_path, [10, 20])
    with apart() as outer:
        view = outer.read_parquet([one])
        before = doubled(view)
        with apart() as inner:
            assert answer(inner, two) == [80, 160]
            assert doubled(inner.read_parquet([two])).to_pyarrow()["x"].to_pylist() == [20, 40]
        assert before.to_pyarrow()["x"].to_pylist() == [2, 4]
        assert doubled(view).to_pyarrow()["x"].to_pylist() == [2, 4]


def test_a_view_is_what_was_said_last_by_the_same_sql(tmp_path):
    found = []
    with apart() as con, scratch(con) as keep:
        for numbers in ([1, 2], [10, 20]):
            rows = keep.view(con.read_parquet([written(tmp_path, numbers)]), "rows")
            found.append(doubled(rows).x.sum().to_pyarrow().as_py())
            assert any_row(rows)
            assert not any_row(rows.filter(rows.x > max(numbers)))
    assert found == [6, 60]


def test_rows_of_python_are_brought_along_each_time():
    for numbers in ([1, 2], [3, 4]):
        with apart() as con:
            assert con.to_pyarrow(ibis.memtable({"x": numbers}))["x"].to_pylist() == numbers
    same = ibis.memtable({"x": [5]})
    for _ in range(2):
        with apart() as con:
            assert materialise(con, doubled(same)).to_pyarrow()["x"].to_pylist() == [10]


def test_tables_of_connections_that_stay_are_never_called_the_same(tmp_path):
    path = written(tmp_path, [1])
    assert connect().read_parquet([path]).op().name != connect().read_parquet([path]).op().name


def test_names_that_became_numbers_keep_the_order_of_their_letters():
    names = pd.DataFrame(
        {"name": ["乙", "b", "甲", None, "a"], "nobody": pd.Series([None] * 5, dtype="str"), "n": range(5)}
    )
    with apart() as con, scratch(con) as keep:
        kept = keep.names(con.create_table("given", ibis.memtable(names), temp=True))
        held = con.raw_sql(f'SELECT typeof(name), typeof(nobody) FROM "{kept.op().name}" LIMIT 1').fetchone()
        assert held == ("ENUM('a', 'b', '乙', '甲')", "VARCHAR")
        least = kept.agg(least=kept.name.min(), last=kept.name.max(), none=kept.nobody.min())
        assert con.to_pyarrow(least).to_pylist() == [{"least": "a", "last": "甲", "none": None}]


def test_quick_words_say_what_the_slow_ones_do(tmp_path):
    """Instants before and after 1970, and the value beside an extreme, whose key or value may be missing."""
    times = pd.to_datetime(["1969-12-31 23:59:59.999999", "2026-03-08 07:00:00.000001", None], utc=True)
    with apart() as con:
        given = pd.DataFrame({"at": times, "key": [2, 1, None], "value": [20.0, None, 30.0]})
        rows = con.create_table("timed", ibis.memtable(given).cast({"at": "timestamp('UTC', 6)"}), temp=True)
        us = con.to_pyarrow(rows.select(us=micros(rows.at)))["us"].to_pylist()
        assert us == [-1, 1_772_953_200_000_001, None]
        assert con.to_pyarrow(rows.select(at=instant(micros(rows.at)) == rows.at))["at"].to_pylist() == [
            True,
            True,
            None,
        ]
        found = rows.agg(least=rows.value.argmin(rows.key), most=rows.value.argmax(rows.key))
        assert con.to_pyarrow(found).to_pylist() == [{"least": None, "most": 20.0}]


def test_another_thread_reads_what_is_open_here_and_has_tables_of_its_own_beside_it(tmp_path):
    one, two = written(tmp_path, [1, 2]), written(tmp_path, [10, 20])
    found = []

    def elsewhere(con, table) -> None:
        found.append(table.x.sum().to_pyarrow().as_py())
        with con.in_this_thread(EngineSettings(threads=1)):
            found.append(answer(con, two))
        found.append(table.x.sum().to_pyarrow().as_py())

    with apart() as con:
        table = materialise(con, con.read_parquet([one]))
        thread = Thread(target=elsewhere, args=(con, table))
        thread.start()
        thread.join()
        assert table.x.sum().to_pyarrow().as_py() == 3
    assert found == [3, [80, 160], 3]
