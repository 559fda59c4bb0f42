"""The same expressions on Spark give the same rows and the same sums; the machine's own time zone has no say in it."""

from __future__ import annotations

import pickle
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
import spark_answers

from csperf.engine import EngineSettings, connect
from csperf.errors import CsperfError
from csperf.kept import Kept, read, write

pytest.importorskip("pyspark", reason="pyspark is not installed: make spark")
if not shutil.which("java"):
    pytest.skip("Spark needs Java, and there is none", allow_module_level=True)

with socket.socket() as free:
    free.bind(("127.0.0.1", 0))
    ADDRESS = free.getsockname()

# Another zone than UTC outside, small plans without compiled code: thousands of rows are not worth a compiler. The
# session also answers as a Spark Connect server.
SPARK = EngineSettings(
    backend="spark",
    master="local[2]",
    spark={
        "spark.driver.extraJavaOptions": "-Duser.timezone=America/New_York -XX:TieredStopAtLevel=1",
        "spark.sql.shuffle.partitions": "2",
        "spark.sql.codegen.wholeStage": "false",
        "spark.sql.codegen.factoryMode": "NO_CODEGEN",
        "spark.log.level": "ERROR",
        "spark.plugins": "org.apache.spark.sql.connect.SparkConnectPlugin",
        "spark.connect.grpc.binding.address": ADDRESS[0],
        "spark.connect.grpc.binding.port": str(ADDRESS[1]),
    },
)


def in_order(rows: list[dict]) -> list[list[tuple[str, str]]]:
    return sorted([(name, repr(row[name])) for name in sorted(row)] for row in rows)


@pytest.fixture(scope="module")
def spark():
    return connect(SPARK)


@pytest.fixture(scope="module", params=["in this process", "by Spark Connect"])
def answers(request, spark, tmp_path_factory):
    """What Spark says: the derived rows, and the sums of the catalogue."""
    if request.param == "in this process":
        return spark_answers.rows(SPARK), spark_answers.sums(SPARK)
    pytest.importorskip("grpc", reason="Spark Connect's client is not installed: make spark")
    said = tmp_path_factory.mktemp("connect") / "answers"
    asks = Path(spark_answers.__file__)
    subprocess.run([sys.executable, asks, "sc://{}:{}".format(*ADDRESS), said], check=True, cwd=asks.parent.parent)
    return pickle.loads(said.read_bytes())


def test_every_derived_row_is_the_same(answers):
    ours, theirs = spark_answers.rows(EngineSettings()), answers[0]
    assert ours.keys() == theirs.keys()
    for name, rows in ours.items():
        assert rows, name
        assert in_order(rows) == in_order(theirs[name]), name


def test_every_sum_of_the_catalogue_is_the_same(answers):
    ours, theirs = spark_answers.sums(EngineSettings()), answers[1]
    assert ours["metric"].nunique() > 50
    one, other = (values.set_index(["metric", "month"]).sort_index() for values in (ours, theirs))
    for counts in ("numerator", "denominator", "n", "note"):
        pd.testing.assert_series_equal(one[counts], other[counts], check_exact=True)
    pd.testing.assert_series_equal(one["value"], other["value"], rtol=1e-12)


def test_whole_numbers_with_gaps_keep_every_digit(spark):
    big = pa.table({"n": pa.array([2**60 + 1, None], pa.int64())})
    assert spark.create_table("big", big, temp=True).to_pyarrow().column("n").to_pylist() == [2**60 + 1, None]


def test_rows_that_lie_with_their_buyers_are_not_moved_again(spark):
    rows = spark.sql("SELECT id % 7 AS buyer, id FROM range(100)")
    numbered = rows.mutate(ord=ibis.row_number().over(group_by="buyer", order_by="id"))
    kept = spark.create_table("kept_by_buyer", numbered, temp=True)
    counts = kept.group_by("buyer", "ord").agg(n=kept.count())
    planned = {
        name: spark.raw_sql(f"EXPLAIN {spark.compile(table)}").collect()[0][0]
        for name, table in {"made": numbered, "kept": counts}.items()
    }
    assert "Exchange hashpartitioning(buyer" in planned["made"]
    assert "Exchange" not in planned["kept"]


def test_a_connection_that_is_closed_leaves_the_others_their_tables(spark):
    kept = spark.create_table("kept_for_later", pa.table({"n": [1]}), temp=True)
    connect(SPARK).disconnect()
    assert kept.to_pyarrow()["n"].to_pylist() == [1]


def test_what_spark_refuses_is_said(spark, tmp_path):
    broken = tmp_path / "broken.parquet"
    broken.write_bytes(b"PAR1 this is no table PAR1")
    with pytest.raises(CsperfError, match="Spark"):
        spark.read_parquet([str(broken)])


def test_a_job_that_fails_half_way_is_said_and_leaves_nothing(spark, tmp_path):
    fails = spark.sql("SELECT CAST(if(id = 3, raise_error('the disk of a worker'), id) AS BIGINT) AS n FROM range(4)")
    kept = Kept(tmp_path, "pyspark")
    with pytest.raises(CsperfError, match="the disk of a worker"):
        kept.entry("a", lambda folder: write(spark, fails, folder, "rows"))
    assert not list(kept.folder.iterdir())
    folder = kept.entry("a", lambda folder: write(spark, spark.sql("SELECT 1 AS n"), folder, "rows"))
    assert read(spark, [folder], "rows").to_pyarrow()["n"].to_pylist() == [1]


def test_without_java_the_message_says_what_to_do(monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda name: None)
    monkeypatch.delenv("JAVA_HOME", raising=False)
    with pytest.raises(CsperfError, match="JAVA_HOME"):
        connect(SPARK)


def test_an_address_where_nobody_answers_is_said_at_once():
    with pytest.raises(CsperfError, match=r"sc://127\.0\.0\.1:1\b.*refused"):
        connect(EngineSettings(backend="spark", master="sc://127.0.0.1:1"))
