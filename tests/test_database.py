"""Tables and queries of PostgreSQL, DuckDB and SQLite: the rows and counts of a file, and no password anywhere."""

from __future__ import annotations

import json
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
import tempfile
from pathlib import Path

import duckdb
import pytest

from csperf.errors import CsperfError
from csperf.load import load, look, store_of
from csperf.params import load_params
from csperf.report import _run_facts
from csperf.run import open_run
from csperf.stages import Pack

VARIABLE, PASSWORD = "SHOP_DB", "it's:a/secret"
QUOTED = "it%27s%3Aa%2Fsecret"
CREATE = """CREATE TABLE shop_orders (number INTEGER, buyer TEXT, ordered TIMESTAMP, paid {zoned}, yuan DECIMAL(10, 2),
            state TEXT, phone TEXT, extra {json})"""
ROWS = [
    (2, "b", "2026-08-01 09:00:00", "2026-08-01 01:05:00+00:00", "19.90", "paid", "13800000002", '{"a": 1}'),
    (1, "a", "2026-08-01 08:00:00", None, "5.00", "unpaid", "13800000001", None),
    (3, "c", "2026-08-02 08:00:00", None, "5.00", "nonsense", "13800000003", None),
    (4, "d", "2026-08-02 08:00:00", None, "5.00", "test", "13800000004", None),
]
INSERT = "INSERT INTO shop_orders VALUES ({marks})"
PARAMS = """
shop: demo
root: .
timezone: Asia/Shanghai
sources:
  - source: database
    url_env: SHOP_DB
    from: {relation}
    table: orders
    columns:
      order_id: number
      buyer_id: buyer
      created_at: ordered
      paid_at: paid
      amount_fen: {{from: yuan, unit: yuan}}
      quantity: {{const: 1}}
      status: {{from: state, values: {{paid: paid, unpaid: unpaid}}}}
      status_raw: extra
    filter:
      test: {{column: state, not_in: [test]}}
"""


@pytest.fixture(scope="module")
def postgres():
    """The address of a PostgreSQL server of this module's own, as whoever may not be root."""
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    if not programs:
        pytest.skip("no PostgreSQL server is installed (Debian: apt-get install postgresql)")
    psycopg = pytest.importorskip("psycopg", reason="psycopg is not installed (pip install 'psycopg[binary]')")
    home = Path(tempfile.mkdtemp(prefix="pg-"))
    who = {"user": "postgres"} if os.getuid() == 0 else {}
    if who:
        shutil.chown(home, "postgres")
    run = lambda *words: subprocess.run(words, check=True, capture_output=True, cwd=home, **who)  # noqa: E731
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    secret, data, bin_ = home / "secret", home / "data", programs[-1].parent
    secret.write_text(PASSWORD)
    secret.chmod(0o644)
    run(programs[-1], "-D", data, "-U", "keeper", "--auth=scram-sha-256", f"--pwfile={secret}", "-E", "UTF8", "-N")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories='' -c fsync=off"
    run(bin_ / "pg_ctl", "-D", data, "-w", "-l", home / "log", "-o", options, "start")
    try:
        url = f"postgresql://keeper:{QUOTED}@127.0.0.1:{port}/postgres"
        with psycopg.connect(url) as con:
            con.execute(CREATE.format(zoned="TIMESTAMPTZ", json="JSON"))
            con.cursor().executemany(INSERT.format(marks=", ".join(["%s"] * 8)), ROWS)
        yield url
    finally:
        run(bin_ / "pg_ctl", "-D", data, "-m", "immediate", "stop")
        shutil.rmtree(home)


def made_duckdb(folder):
    with duckdb.connect(str(folder / "shop.duckdb")) as con:
        con.execute(CREATE.format(zoned="TIMESTAMPTZ", json="JSON"))
        con.executemany(INSERT.format(marks=", ".join("?" * 8)), ROWS)
    return f"duckdb://{folder}/shop.duckdb"


def made_sqlite(folder):
    with sqlite3.connect(folder / "shop.sqlite") as con:
        con.execute(CREATE.format(zoned="TEXT", json="JSON"))
        con.executemany(INSERT.format(marks=", ".join("?" * 8)), ROWS)
    return f"sqlite://{folder}/shop.sqlite"


def settings(folder, url, monkeypatch, relation="shop_orders", text=PARAMS):
    monkeypatch.setenv(VARIABLE, url)
    (folder / "params.yaml").write_text(text.format(relation=relation), encoding="utf-8")
    return load_params(folder / "params.yaml").loading


def said(folder, monkeypatch, url="", **changes):
    with pytest.raises(CsperfError) as error:
        load(settings(folder, url, monkeypatch, **changes))
    return str(error.value)


@pytest.fixture(params=["postgres", "duckdb", "sqlite"])
def url(request, tmp_path):
    if request.param == "postgres":
        return request.getfixturevalue("postgres")
    return {"duckdb": made_duckdb, "sqlite": made_sqlite}[request.param](tmp_path)


def orders(shop):
    from csperf.engine import connect

    con = connect()
    rows = store_of(shop).read(con, "orders").order_by("source_line").to_pyarrow().to_pylist()
    con.disconnect()
    return rows


def test_every_row_of_a_table_is_accounted_for_and_reads_alike_from_each_database(url, tmp_path, monkeypatch):
    shop = settings(tmp_path, url, monkeypatch)
    report = load(shop)
    (file,) = report.files.to_dict("records")
    assert (file["file"], file["read"], file["kept"], file["filtered"], file["rejected"]) == (
        "orders.database",
        4,
        2,
        1,
        1,
    )
    (wrong,) = report.reasons[report.reasons.part == "rejected"].to_dict("records")
    assert (wrong["line"], wrong["column"], wrong["found"]) == (3, "state", "nonsense")
    rows = orders(shop)
    assert [(r["order_id"], r["source_line"], r["amount_fen"], r["status_raw"]) for r in rows] == [
        ("1", 1, 500, None),
        ("2", 2, 1990, '{"a": 1}'),
    ]
    # 9:00 on the shop's clock; 01:05 UTC, which the database tells with its zone
    assert [r["created_at"].isoformat() for r in rows] == ["2026-08-01T00:00:00+00:00", "2026-08-01T01:00:00+00:00"]
    assert rows[1]["paid_at"].isoformat() == "2026-08-01T01:05:00+00:00"


def test_no_password_is_left_in_the_store(postgres, tmp_path, monkeypatch):
    load(settings(tmp_path, postgres, monkeypatch))
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()]
    assert written
    assert not [1 for content in written for secret in (PASSWORD, QUOTED, "13800000002") if secret.encode() in content]


def test_an_address_planted_in_the_environment_is_in_no_file_and_not_in_what_a_pack_says_of_its_run(
    tmp_path, monkeypatch
):
    monkeypatch.chdir(tmp_path)
    Path("topsecret").mkdir()
    made_sqlite(Path("topsecret"))
    monkeypatch.setenv("ANOTHER_TOKEN", "topsecret")
    load(settings(tmp_path, "sqlite://topsecret/shop.sqlite", monkeypatch))
    told = _run_facts(tmp_path / "reports", Pack(open_run(tmp_path / "params.yaml"), "settle"), Path("params.yaml"))
    written = [path.read_bytes() for path in tmp_path.rglob("*") if path.is_file() and "topsecret" not in str(path)]
    assert len(written) > 2 and not [1 for content in written if b"topsecret" in content]
    assert "topsecret" not in json.dumps(told, default=str)


def test_where_the_driver_is_not_installed_its_package_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "psycopg", None)
    message = said(tmp_path, monkeypatch, "postgresql://a:topsecret@h/d")
    assert "psycopg[binary]" in message and "topsecret" not in message


def test_a_wrong_password_or_table_is_said_without_the_password(postgres, tmp_path, monkeypatch):
    wrong = postgres.replace(QUOTED, "other-secret")
    message = said(tmp_path, monkeypatch, wrong)
    assert "orders.database" in message and VARIABLE in message
    assert "other-secret" not in message
    message = said(tmp_path, monkeypatch, postgres, relation="nowhere.shop_orders")
    assert "nowhere" in message
    assert QUOTED not in message and PASSWORD not in message


def test_a_query_of_a_named_schema(postgres, tmp_path, monkeypatch):
    text = PARAMS.replace("from: {relation}", "query: SELECT * FROM public.shop_orders WHERE number = 2")
    assert load(settings(tmp_path, postgres, monkeypatch, text=text)).files.read.to_list() == [1]
    shop = settings(tmp_path, postgres, monkeypatch, relation="public.shop_orders")
    assert load(shop).files.read.to_list()[-1] == 4


def test_what_has_not_changed_is_not_read_again_and_new_rows_are_added(tmp_path, monkeypatch):
    shop = settings(tmp_path, made_sqlite(tmp_path), monkeypatch)
    load(shop)
    with sqlite3.connect(tmp_path / "shop.sqlite") as con:  # the same rows in another order are no change
        con.execute("CREATE TABLE turned AS SELECT * FROM shop_orders ORDER BY number DESC")
        con.execute("DELETE FROM shop_orders")
        con.execute("INSERT INTO shop_orders SELECT * FROM turned")
    assert load(shop).files.skipped.to_list() == [True]
    with sqlite3.connect(tmp_path / "shop.sqlite") as con:
        con.execute(INSERT.format(marks=", ".join("?" * 8)), (5, *ROWS[0][1:]))
        con.execute("UPDATE shop_orders SET state = 'paid' WHERE number = 1")
    load(shop)
    assert {r["order_id"]: r["status"] for r in orders(shop)} == {"1": "paid", "2": "paid", "5": "paid"}


def test_another_mapping_reads_the_newest_answer_alone(tmp_path, monkeypatch):
    url = made_sqlite(tmp_path)
    load(settings(tmp_path, url, monkeypatch))
    with sqlite3.connect(tmp_path / "shop.sqlite") as con:
        con.execute("DELETE FROM shop_orders WHERE number = 2")
    shop = settings(tmp_path, url, monkeypatch, text=PARAMS.replace("const: 1", "const: 2"))
    load(shop)
    assert [(r["order_id"], r["quantity"]) for r in orders(shop)] == [("1", 2)]


def test_rows_come_in_the_order_asked_for(tmp_path, monkeypatch):
    text = PARAMS.replace("    table: orders", "    order_by: [yuan]\n    table: orders")
    shop = settings(tmp_path, made_duckdb(tmp_path), monkeypatch, text=text)
    load(shop)
    assert [(r["order_id"], r["source_line"]) for r in orders(shop)] == [("1", 1), ("2", 4)]


def test_an_order_by_what_is_not_there_is_refused(tmp_path, monkeypatch):
    text = PARAMS.replace("    table: orders", "    order_by: [nothing]\n    table: orders")
    message = said(tmp_path, monkeypatch, made_duckdb(tmp_path), text=text)
    assert "nothing" in message and "ordered" in message


def test_looking_reads_and_writes_nothing(tmp_path, monkeypatch):
    shop = settings(tmp_path, made_sqlite(tmp_path), monkeypatch)
    seen = look(shop)
    assert seen.months["orders"] == {"2026-08"}
    assert "orders.database" in [problem.where for problem in seen.problems]
    assert not (tmp_path / "store" / "manifest.json").exists()


def test_missing_columns_are_named_beside_those_there_are(tmp_path, monkeypatch):
    message = said(tmp_path, monkeypatch, made_duckdb(tmp_path), text=PARAMS.replace("yuan,", "yuans,"))
    assert "orders.database" in message
    assert "yuans" in message and "phone" in message
    assert str(tempfile.gettempdir()) not in message.replace(str(tmp_path), "")


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("", "SHOP_DB"),
        ("mysql://a:secret@h/d", "mysql"),
        ("sqlite:///nowhere/shop.db", "SHOP_DB"),
        ("secret", "SHOP_DB"),
    ],
)
def test_an_address_of_no_use_is_said_and_makes_no_file(url, expected, tmp_path, monkeypatch):
    message = said(tmp_path, monkeypatch, url)
    assert expected in message
    assert "secret" not in message


@pytest.mark.parametrize(
    "entry",
    [
        "password: topsecret",
        "url: postgresql://u:topsecret@h/d",
        "name: postgresql://u:topsecret@h/d",
        "query: SELECT * FROM dblink('password=topsecret')",
    ],
)
def test_a_password_in_the_params_is_refused_and_not_said_back(entry, tmp_path, monkeypatch):
    message = said(tmp_path, monkeypatch, text=PARAMS.replace("    table: orders", f"    {entry}\n    table: orders"))
    assert "topsecret" not in message
    assert entry.partition(":")[0] in message and "CSPERF_DB_URL" in message


def test_an_address_in_place_of_the_variables_name_is_refused(tmp_path, monkeypatch):
    text = PARAMS.replace("url_env: SHOP_DB", "url_env: topsecret")
    assert "topsecret" not in said(tmp_path, monkeypatch, text=text)
    both = PARAMS.replace("from: {relation}", "from: a\n    query: b")
    assert "query" in said(tmp_path, monkeypatch, text=both)
