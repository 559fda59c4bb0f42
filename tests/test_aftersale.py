"""Records beside the chats: the engine against plain loops on random ones, what is refused, and real data."""

from __future__ import annotations

import datetime as dt
import gzip
import random
from pathlib import Path

import ibis
import pandas as pd
import pyarrow as pa
import pytest
from made_records import derived_table, engine_records, random_records
from oracle import RECORD_METRICS, derive, purchases, record_metrics, records
from shops import made_shop

from csperf import aftersale, tables
from csperf.catalogue import ENTRIES
from csperf.definitions import SETS
from csperf.facts import DERIVED
from csperf.lists import checked_items, overdue_complaints
from csperf.mart import build, frame, measure
from csperf.sources import Shop, export
from csperf.stats.repeat import came_back, repeat_buying
from csperf.tables.table import in_words
from csperf.text.numbers import aligned, difference
from csperf.turns.around import PEOPLE

RULES = SETS["shop"].model_copy(update={"issue_gap_days": 1, "key_lost_days": 1})
FACTS = (
    *("refunds", "complaints", "ratings", "issues", "tickets", "quality_checks", "visits", "feedback", "plans"),
    *("surveys", "key_customers"),
)


@pytest.fixture(scope="module", params=[5, 8])
def answers(request) -> tuple[dict, dict]:
    """All facts of a made shop with random records: by the oracle, and the records' by the engine."""
    shop = made_shop(request.param)
    rng = random.Random(request.param)
    for row in shop.refunds:
        row |= {"platform_intervened": rng.choice([True, False]), "merchant_liable": rng.choice([True, False, None])}
    shop.records = random_records(shop, request.param)
    chats = derive(shop.messages, RULES, **shop.settings)
    chats["purchases"] = purchases(shop.messages, shop.orders, shop.refunds, chats, RULES, **shop.settings)
    made = engine_records(shop, chats, RULES)
    plain = chats | {"calls": made["calls"]}
    return plain | records(shop.records | shop.sold, plain, RULES, **shop.settings), made


def lines(rows: list[dict], columns: set[str]) -> list[str]:
    """The rows as text, in an order that does not depend on how they were found."""
    return sorted(str([(c, plain(row[c])) for c in sorted(columns)]) for row in rows)


def plain(cell: object) -> object:
    """The cell, moments as such whatever zone they are written in."""
    return cell.timestamp() if isinstance(cell, dt.datetime) else cell


@pytest.mark.parametrize("name", [*FACTS, "purchases"])
def test_facts_are_those_of_the_loops(answers, name):
    by_oracle, by_engine = answers
    wanted, found = by_oracle[name], by_engine[name]
    assert wanted
    columns = set(wanted[0]) & set(found[0]) & set(DERIVED[name].arrow.names)
    assert {"scope", "agent_id", "row_id", "day"} <= columns
    assert lines(found, columns) == lines(wanted, columns)


def test_sums_are_those_of_the_loops(answers):
    by_oracle, _by_engine = answers
    facts = {name: derived_table(name, rows) for name, rows in by_oracle.items() if name in DERIVED}
    sums = frame(build(facts, [ENTRIES[key] for key in RECORD_METRICS], definitions="any"))
    parts = ["numerator", "denominator"]
    keys = ["metric", "scope", "agent_id", "day"]
    found = sums.fillna({"agent_id": ""}).groupby(keys)[parts].sum()
    for key in RECORD_METRICS:
        wanted = record_metrics(by_oracle, key)
        assert wanted, key
        ones = [ENTRIES[key].sums[side].one if side in ENTRIES[key].sums else 1 for side in parts]
        for (scope, agent, day), (top, bottom) in wanted.items():
            row = found.loc[(key, scope, agent or "", day)]
            assert [row[side] / one for side, one in zip(parts, ones, strict=True)] == pytest.approx(
                [top, bottom or 0], rel=1e-9
            ), (key, scope, agent, day)


def test_every_entry_over_records_has_its_loops():
    over_records = {key for key, e in ENTRIES.items() if e.facts & {*FACTS}} | {"dispute_refund_share"}
    assert over_records == set(RECORD_METRICS)


# ------------------------------------------------------------------------------------------------- other people's data


def real(folder: str, name: str) -> Path:
    path = Path(__file__).parents[2] / "shared" / "data" / folder / name
    if not path.exists():
        pytest.skip(f"{path} is not here")
    return path


def test_olists_reviews(tmp_path):
    """Mean 4.080 of 5, top two 76.7 %, bottom two 14.8 %, through the format that knows the file by its header."""
    reviews = tmp_path / "reviews.csv"
    reviews.write_bytes(gzip.decompress(real("olist_reviews", "olist_order_reviews_dataset.csv.gz").read_bytes()))
    loaded = export.load(reviews, export.Settings(files="*"), Shop("olist", "America/Sao_Paulo"))
    assert (loaded.recognised.format, loaded.counts.read, loaded.counts.kept) == ("olist.reviews", 3986, 3986)
    rated = ibis.memtable(pa.table(loaded.tables["ratings"]))
    nobody = ibis.memtable(ibis.schema(PEOPLE).to_pyarrow().empty_table())
    facts = {"ratings": aftersale.ratings(rated, nobody)}
    keys = ["csat", "good_rating_share", "dissatisfied_share"]
    values = measure(facts, keys, ["shop"], definitions="shop").set_index("metric")
    assert values["n"].tolist() == [3986] * 3
    assert values.value["csat"] * 5 / 100 == pytest.approx(4.080, abs=5e-4)
    assert values.value["good_rating_share"] == pytest.approx(0.767, abs=5e-4)
    assert values.value["dissatisfied_share"] == pytest.approx(0.148, abs=5e-4)


def test_cdnows_customers():
    """Frequency, recency and T of all 2,357 customers as published (Fader, Hardie, Lee)."""
    columns = ["id", "buyer_id", "day", "items", "amount"]
    bought = pd.read_csv(real("cdnow", "CDNOW_sample.txt"), sep=r"\s+", names=columns, dtype={"day": str})
    found = repeat_buying(bought.assign(day=pd.to_datetime(bought["day"])), dt.date(1997, 9, 30))
    published = pd.read_csv(real("cdnow", "cdnow_customers_summary.csv"))
    both = found.merge(published, left_on="buyer_id", right_on="ID", suffixes=("", "_published"))
    assert len(both) == len(found) == 2357
    assert (both["frequency"] == both["frequency_published"]).all()
    assert (both["recency_days"] / 7).round(2).tolist() == both["recency"].tolist()
    assert (both["age_days"] / 7).round(2).tolist() == both["T"].tolist()


def test_only_purchases_old_enough_can_have_come_back():
    days = {"a": ["2026-01-01", "2026-01-01", "2026-01-11"], "b": ["2026-01-01"], "c": ["2026-01-28"]}
    rows = pd.DataFrame([{"buyer_id": buyer, "day": day} for buyer, own in days.items() for day in own])
    found = came_back(rows, dt.date(2026, 1, 31), [7, 10, 30])
    assert found.values.tolist() == [[7, 0, 3], [10, 1, 3], [30, 1, 2]]


# ------------------------------------------------------------------------------------------------------------ worklists


def at(hour: float, day: int = 2) -> dt.datetime:
    return dt.datetime(2026, 3, day, tzinfo=dt.UTC) + dt.timedelta(hours=hour)


def test_complaints_past_their_clock():
    """At the end of March 3 c1 lacks a result by 24 h, c2 a cause by 2; c3 is young, c4 solved, c5 has a cause."""
    rows = [("c1", at(0), at(1), None), ("c2", at(20, 3), None, None), ("c3", at(23, 3), None, None)]
    rows += [("c4", at(0), at(1), at(2)), ("c5", at(20, 3), at(21, 3), None)]
    facts = [
        {"complaint_id": one, "scope": "shop", "day": opened.date(), "opened_at": opened, "cause_at": cause}
        | {"resolved_at": solved, "causes_told": True}
        for one, opened, cause, solved in rows
    ]
    facts.append(facts[0] | {"scope": "agent", "agent_id": "Li"})
    found = overdue_complaints(derived_table("complaints", facts), dt.date(2026, 3, 3), "UTC")
    assert found[["complaint_id", "waits_for", "late_h"]].values.tolist() == [["c1", "result", 24], ["c2", "cause", 2]]
    assert found["agent_id"].tolist()[0] == "Li" and "buyer_id" not in found
    for lang, said in (("zh", "2件投诉超过时限"), ("en", "2 complaints past their clock")):
        shown = tables.overdue_complaints(found, lang=lang, names={"Li": "李"}).gt.as_raw_html()
        assert said in shown and "李" in shown


def test_days_of_two_years_are_listed_with_their_year():
    asked = pd.to_datetime(["2025-12-31T23:00:00+08:00", "2026-01-02T09:00:00+08:00"])
    rows = pd.DataFrame({"refund_id": ["R1", "R2"], "order_id": ["O1", "O2"], "agent_id": None, "requested_at": asked})
    shown = tables.open_refunds(rows, lang="zh").gt.as_raw_html()
    assert "2025年12月31日" in shown and "2026年1月2日" in shown
    assert ">1月2日<" in tables.open_refunds(rows.tail(1), lang="zh").gt.as_raw_html()


def test_a_change_that_rounds_to_nothing_has_no_sign():
    both = (difference(value, "hours", "zh") for value in (-0.04, 0.04, -0.05, 1.0))
    assert list(both) == ["0.0小时", "0.0小时", "-0.1小时", "+1.0小时"]
    assert difference(-0.0004, "share", "en") == "0.0 pp" and difference(-0.01, "share", "en") == "-1.0 pp"


def test_a_column_has_as_many_decimals_in_every_row():
    assert aligned([8, 7.5, None, 1200], "count") == ["8.0", "7.5", "–", "1,200"]
    assert aligned([8, 7, 1200], "count") == ["8", "7", "1,200"]
    shown = in_words(pd.DataFrame({"n": [8.0, 7.5]}), "zh", {"n": "count"})
    assert shown.iloc[:, 0].tolist() == ["8.0", "7.5"]


def test_checks_by_item_and_source():
    day = dt.date(2026, 3, 2)
    rows = [("promo_answer", "qa", 80, True), ("promo_answer", "qa", 60, False), ("说话", "peer", None, None)]
    facts = [
        {"item": i, "source": s, "points_ppm": p and p * 1_000_000, "passed": ok, "scope": "shop", "day": day}
        for i, s, p, ok in rows
    ]
    found = checked_items(derived_table("quality_checks", facts), day, day)
    known = found[found["item"] == "promo_answer"].iloc[0]
    assert (known["points"], known["passed"], known["n"]) == (70, 0.5, 2)
    shown = tables.checked_items(found, lang="zh").gt.as_raw_html()
    assert "促销规则解答" in shown and "说话" in shown and "质检3项次" in shown


def test_few_purchases_tell_nothing_in_a_title():
    rows = pd.DataFrame({"within_days": [7, 30], "again": [3, 1], "n": [40, 2]})
    assert "7天内再买的占7.5%" in tables.came_back(rows, lang="zh").gt.as_raw_html()
    assert "还太新" in tables.came_back(rows.tail(1), lang="zh").gt.as_raw_html()
