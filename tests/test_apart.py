"""Work that is done again for other rows finds its SQL and its expressions, and never the rows of before."""

from __future__ import annotations

import ibis
import ibis.expr.types as ir
import pandas as pd

from csperf.engine import DuckDB, apart, connect, expression, materialise, scratch


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
