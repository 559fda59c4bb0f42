"""The packs of a month: what is known on a day, what is settled by then, what is refused and how it is said."""

from __future__ import annotations

import datetime as dt
import json
import re
import shutil
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from csperf import tables
from csperf.catalogue import ENTRIES, entry
from csperf.cli import main
from csperf.definitions import SETS
from csperf.errors import CsperfError
from csperf.facts import INPUT
from csperf.report import NOTEBOOKS, run_pack
from csperf.run import days_off, exempt_days, facts, history, last_settled, measure, open_run
from csperf.scoring import score_run
from csperf.stages import PAGES, STAGES, month_inputs, open_pack, progress_so_far, register_of
from csperf.stats.rest import as_good_as
from csperf.store import Store
from csperf.tables.progress import said as progress_said
from csperf.targets.activity import COLUMNS as ACTIVITY
from csperf.targets.activity import activity_targets, last_activity, overloaded
from csperf.targets.appeals import freeze
from csperf.targets.maturity import immature, maturity_days
from csperf.targets.progress import Month, progress
from csperf.targets.register_file import save

DAY = dt.date


@pytest.fixture
def own_shop(small_shop, tmp_path):
    """A copy of the shop that a test may change."""
    return (
        shutil.copytree(small_shop.parent, tmp_path / "shop", ignore=shutil.ignore_patterns("reports")) / "params.yaml"
    )


# What is known ----------------------------------------------------------------------------------------------------


def test_nothing_that_happened_later_is_read(small_shop):
    whole, then = open_run(small_shop).store, open_run(small_shop, as_of="2026-10-15").store
    messages, orders = then_rows(then, "messages"), then_rows(then, "orders")
    assert pd.to_datetime(messages["day"]).max() == pd.Timestamp("2026-10-14")
    midnight = pd.Timestamp("2026-10-15", tz="Asia/Shanghai")
    for name in ("created_at", "paid_at", "closed_at"):
        assert orders[name].dropna().max() < midnight
    everything = then_rows(whole, "orders")
    known = everything[everything["created_at"] < midnight]
    assert set(orders["order_id"]) == set(known["order_id"])
    open_then = known["paid_at"].isna() | (known["paid_at"] >= midnight)
    assert orders["paid_at"].isna().sum() == open_then.sum()


AT = pd.Timestamp("2026-10-14 12:00", tz="UTC")
LATER = AT + pd.Timedelta(days=2)
ORDERS = [
    # paid_at, closed_at, status, paid_fen: as loaded later, and as known on the day
    ((AT, AT, "closed", 900), ("closed", 900)),
    ((AT, LATER, "closed", 900), ("paid", 900)),
    ((LATER, LATER, "closed", 900), ("unpaid", None)),
    ((None, LATER, "closed", None), ("unpaid", None)),
    ((LATER, None, "completed", 900), ("unpaid", None)),
    ((AT, None, "completed", 900), ("completed", 900)),
]


def test_what_a_later_time_brought_is_not_known_either(tmp_path):
    row = {"created_at": AT, "created_day": AT.date(), "order_id": "a", "amount_fen": 900}
    told = [row | dict(zip(("paid_at", "closed_at", "status", "paid_fen"), order, strict=True)) for order, _ in ORDERS]
    known = as_known(told, tmp_path, "orders")
    found = [(r.status, None if pd.isna(r.paid_fen) else r.paid_fen) for r in known.itertuples()]
    assert found == [then for _, then in ORDERS]
    refund = {"requested_at": AT, "day": AT.date(), "amount_fen": 900, "outcome": "succeeded"}
    refunds = as_known([refund | {"finished_at": AT}, refund | {"finished_at": LATER}], tmp_path, "refunds")
    assert refunds["outcome"].tolist() == ["succeeded", "open"]


def as_known(rows: list[dict], folder: Path, table: str) -> pd.DataFrame:
    """The rows as a store whose last known day is the 14th reads them."""
    (folder / table).mkdir()
    parquet.write_table(pa.Table.from_pylist(rows, INPUT[table].arrow), folder / table / "2026-10.parquet")
    return then_rows(Store(folder, "Asia/Shanghai", DAY(2026, 10, 14)), table)


def then_rows(store: Store, table: str) -> pd.DataFrame:
    from csperf.engine import connect

    return store.read(connect(), table).to_pandas()


def test_what_is_planned_stays_known(small_shop):
    then = open_run(small_shop, as_of="2026-10-15")
    assert pd.to_datetime(then.table("shifts")["day"]).max() == pd.Timestamp("2026-10-31")
    assert then.table("benchmarks")["period_end"].dropna().max() <= pd.Timestamp("2026-10-14")


def test_without_a_day_one_looks_from_the_day_after_the_last_one(small_shop):
    assert open_run(small_shop).as_of == DAY(2026, 11, 1)
    assert open_run(small_shop, as_of="2026-10-15").as_of == DAY(2026, 10, 15)


def test_the_same_is_measured_as_from_a_store_that_ended_there(small_shop):
    then = open_run(small_shop, month="2026-09", as_of="2026-10-01")
    now = open_run(small_shop, month="2026-09")
    told = [measure(run, ["shop", "month"], ["sessions_per_day", "reply_30s_msg"]) for run in (then, now)]
    assert told[0]["n"].tolist() == told[1]["n"].tolist()


@pytest.mark.parametrize("found, said", [("2026-13-01", "2026-13-01"), ("2020-01-01", "2026-08")])
def test_a_day_that_cannot_be_is_said(small_shop, found, said):
    with pytest.raises(CsperfError, match=said):
        open_run(small_shop, as_of=found)


# What is settled --------------------------------------------------------------------------------------------------


def test_maturity_follows_the_shops_rules():
    shop = SETS["shop"]
    assert maturity_days("reply_30s_msg", shop) == 1
    assert maturity_days("conversion_paid_user", shop) == 2  # 询单有效期 of a day, and one more
    assert maturity_days("conversion_paid_user", shop.model_copy(update={"window_h": 72})) == 4
    assert maturity_days("conversion_paid_user", shop.model_copy(update={"window_h": 25})) == 3
    assert maturity_days("agent_refund_share", shop.model_copy(update={"net_refund_days": 30})) == 30
    assert all(maturity_days(key, shop) == entry(key).maturity_days for key in ENTRIES)


def test_a_value_is_settled_on_the_day_it_matures_and_not_before():
    def named(day):
        return [one.metric for one in immature(["conversion_paid_user", "reply_30s_msg"], SETS["shop"], LAST, day)]

    assert named(LAST) == ["reply_30s_msg", "conversion_paid_user"]
    assert named(DAY(2026, 11, 1)) == ["conversion_paid_user"]
    assert named(DAY(2026, 11, 2)) == []


LAST = DAY(2026, 10, 31)


def test_targets_rest_on_settled_days_only(small_shop):
    run = open_run(small_shop, month="2026-10", as_of="2026-10-21")
    assert last_settled(run, "reply_30s_msg") == DAY(2026, 10, 20)
    assert last_settled(run, "conversion_paid_user") == DAY(2026, 10, 19)
    known = facts(run)
    rows = history(known, ["conversion_paid_user"])
    newest = rows[rows["month"] == "2026-10"]["denominator"].sum()
    daily = measure(known, ["agent", "role", "level", "day"], ["conversion_paid_user"])
    settled = pd.to_datetime(daily["day"]) <= pd.Timestamp("2026-10-19")
    assert 0 < newest == daily.loc[settled, "denominator"].sum() < daily["denominator"].sum()


def test_months_with_exempt_days_can_be_scored_and_looked_back_on(small_shop, monkeypatch):
    monkeypatch.setattr("csperf.run.exempt_days", lambda _run: {DAY(2026, 10, 1)})
    run = open_run(small_shop, month="2026-10")
    rows = history(run, ["mean_wait_turn_s", "wait_turn_p50_s"])
    assert rows.loc[rows["metric"] == "mean_wait_turn_s", "day"].notna().all()
    assert rows["month"].notna().all()
    assert set(rows.loc[rows["month"] == "2026-10", "metric"]) == {"mean_wait_turn_s", "wait_turn_p50_s"}
    scores = score_run(run).now()
    assert len(scores) and set(scores["month"]) == {"2026-10"}


def test_a_month_that_has_just_begun_carries_no_targets(small_shop):
    run = open_run(small_shop, month="2026-10", as_of="2026-10-05")
    assert last_settled(run, "reply_30s_msg") == DAY(2026, 9, 30)
    first = open_run(small_shop, month="2026-08", as_of="2026-08-06")  # but the first month is all there is
    assert last_settled(first, "reply_30s_msg") == DAY(2026, 8, 5)


# Which month, and what is refused ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "stage, as_of, month",
    [
        ("plan", "", "2026-10"),
        ("plan", "2026-10-21", "2026-10"),
        ("plan", "2026-10-04", "2026-09"),
        ("progress", "2026-10-15", "2026-10"),
        ("settle", "", "2026-09"),
        ("settle", "2026-11-02", "2026-10"),
    ],
)
def test_each_pack_knows_its_month(small_shop, stage, as_of, month):
    assert open_pack(small_shop, stage, as_of=as_of).run.month == month


def test_settling_too_early_is_refused_with_what_and_when_and_how(small_shop, capsys):
    for lang, words in (("zh", ["询单", "11月2日", "暂估"]), ("en", ["who paid", "2 Nov", "provisional"])):
        code, said = run_cli(capsys, lang, "run", str(small_shop), "--month", "2026-10", "--stage", "settle")
        assert code == 1
        assert [word for word in [*words, "--as-of 2026-11-02", "--force"] if word not in said] == []
        assert "Traceback" not in said


def run_cli(capsys, lang, *arguments):
    with pytest.MonkeyPatch.context() as patch, pytest.raises(SystemExit) as stopped:
        patch.setenv("CSPERF_LANG", lang)
        main(list(arguments))
    shown = capsys.readouterr()
    return stopped.value.code, shown.out + shown.err


def test_a_plan_of_a_month_to_come_says_which_month_to_name(small_shop):
    with pytest.raises(CsperfError, match="--month 2026-10 --stage plan"):
        open_pack(small_shop, "plan", month="2026-11")
    with pytest.raises(CsperfError) as told:
        open_pack(small_shop, "settle", month="2026-11")
    assert "--stage plan" not in str(told.value)


def test_a_frozen_month_is_settled_again_only_from_the_same_inputs(own_shop):
    pack = open_pack(own_shop, "settle", month="2026-09")
    register = register_of(pack.run.params)
    save(freeze(register, "2026-09", month_inputs(pack.run.params, "2026-09"), on=DAY(2026, 10, 11), who="老板"))
    assert open_pack(own_shop, "settle", month="2026-09").open == ()
    own_shop.write_text(own_shop.read_text("utf-8") + "\ndefinition: {session_gap_s: 900}\n", "utf-8")
    for force in (False, True):
        with pytest.raises(CsperfError, match=r"(?s)2026-09.*definitions shop.*csperf review params.yaml correct"):
            open_pack(own_shop, "settle", month="2026-09", force=force)
    assert open_pack(own_shop, "settle", month="2026-08").run.month == "2026-08"


# What stands in them ----------------------------------------------------------------------------------------------


def test_every_notebook_belongs_to_a_pack_and_every_name_is_a_notebook():
    names = {path.stem for path in NOTEBOOKS.glob("[0-9][0-9]_*.ipynb")}
    assert set(PAGES) <= names
    assert all(stages and set(stages) <= set(STAGES) for stages in PAGES.values())


def test_a_forced_pack_says_on_every_page_and_in_every_table_that_it_is_provisional(settled_pack):
    folder = settled_pack
    for page in folder.glob("*.html"):
        assert "暂估：询单→最终付款转化率到11月2日" in page.read_text("utf-8")
    stamps = sum(page.read_text("utf-8").count('<p class="stamp">暂估</p>') for page in folder.glob("0*.html"))
    assert stamps >= len(list((folder / "tables").glob("*.csv"))) > 0
    assert all(pd.read_csv(path)["provisional"].all() for path in (folder / "tables").glob("*.csv"))


def test_the_settled_month_holds_a_sheet_and_a_result_for_everybody_scored(settled_pack):
    scores = pd.read_csv(settled_pack / "tables" / "scores.csv")
    sheets, papers = (sorted(p.name for p in (settled_pack / name).iterdir()) for name in ("个人单", "结果单"))
    assert len(sheets) == len(scores) > 0 and sheets == papers and (settled_pack / "团队单.pdf").is_file()
    index = (settled_pack / "index.html").read_text("utf-8")
    links = [unquote(link) for link in re.findall(r'href="([^"#:]+\.pdf)"', index)]
    assert {f"个人单/{name}" for name in sheets} | {"团队单.pdf"} <= set(links)
    assert [link for link in links if not (settled_pack / link).is_file()] == []
    listed = json.loads((settled_pack / "run.json").read_text("utf-8"))["files"]
    assert {f"结果单/{name}" for name in papers} <= set(listed)


def test_the_progress_pack_has_its_page_and_no_targets_of_next_month(small_shop):
    for lang, title, only in (("zh", "还差多少", ""), ("en", "how much is still missing", "08_progress")):
        folder = run_pack(small_shop, stage="progress", as_of="2026-10-15", lang=lang, only=only)
        assert folder.parts[-2:] == ("2026-10-progress", lang + ".partial" * bool(only))
        others = set() if only else {"01_data_quality"}
        assert {path.stem for path in folder.glob("*.html")} == {"index", "08_progress"} | others
        html = (folder / "08_progress.html").read_text("utf-8")
        assert title in html and ('class="stamp"' in html) is False
        people = pd.read_csv(folder / "tables" / "progress_people.csv")
        assert not {"score", "coefficient"} & set(people.columns) and len(people)


# Activity days ----------------------------------------------------------------------------------------------------


def by_day(metric, cells):
    rows = [
        {"role": "pre", "day": day, "metric": metric, "numerator": a, "denominator": b, "n": b} for day, a, b in cells
    ]
    return pd.DataFrame(rows)


def test_activity_targets_follow_the_last_activity_and_are_on_trial():
    days = [(DAY(2026, 6, 16), 80, 100), (DAY(2026, 6, 18), 120, 200), (DAY(2026, 6, 20), 80, 100)]
    found = activity_targets(by_day("reply_30s_msg", days), aim("reply_30s_msg", 0.84), "618", *[DAY(2026, 6, 18)] * 2)
    row = found.iloc[0]
    assert (row["n"], row["days"], row["grade"]) == (200, 1, "trial")
    assert row["factor"] == pytest.approx(0.60 / 0.80) and row["target_then"] == pytest.approx(0.63)
    slow = by_day("mean_wait_turn_s", [(DAY(2026, 6, 16), 3000, 100), (DAY(2026, 6, 18), 9000, 200)])
    found = activity_targets(slow, aim("mean_wait_turn_s", 31.0), "618", *[DAY(2026, 6, 18)] * 2)
    assert found["target_then"].tolist() == [47.0]  # 46.5 rounded towards easier


def test_what_was_done_at_the_last_peak_is_the_other_target():
    span = [DAY(2026, 6, 18), DAY(2026, 6, 19)]
    days = [(DAY(2026, 6, 16), 80, 100), *((day, 120, 200) for day in span)]
    found = activity_targets(by_day("reply_30s_msg", days), aim("reply_30s_msg", 0.84), "618", *span, volume=1.5).iloc[
        0
    ]
    assert found["by_peak"] == 0.6 and found["planned"] == 300  # a share is no larger for more cases
    days = [(DAY(2026, 6, 16), 40, 1), (DAY(2026, 6, 17), 40, 1), *((day, 80, 1) for day in span)]
    counts = by_day("sessions_per_day", days * 10)
    found = activity_targets(counts, aim("sessions_per_day", 42), "618", *span, volume=1.5).iloc[0]
    assert (found["value"], found["by_peak"]) == (80, 120)


def test_days_beyond_the_planned_volume_are_found():
    days = pd.date_range("2026-06-01", "2026-11-30").date
    cases = pd.Series(100.0, index=days)
    cases[DAY(2026, 6, 18)], cases[DAY(2026, 11, 11)], cases[DAY(2026, 11, 12)] = 200.0, 310.0, 290.0
    rows = [("618", DAY(2026, 6, 18), DAY(2026, 6, 18)), ("双11", DAY(2026, 11, 11), DAY(2026, 11, 12))]
    calendar = pd.DataFrame(rows, columns=["name", "start", "end"]).assign(phase="main")
    assert overloaded(cases, calendar) == {DAY(2026, 11, 11), DAY(2026, 11, 12)}
    assert overloaded(cases, calendar, volume=1.5) == {DAY(2026, 11, 11)}
    assert overloaded(cases, calendar, volume=2) == overloaded(cases, calendar[:1]) == set()


def test_speed_leaves_overloaded_days_out_and_the_rest_only_exempt_ones(small_shop, monkeypatch):
    run = open_run(small_shop)
    rows = [("a", DAY(2026, 9, 1), DAY(2026, 9, 1), True), ("b", DAY(2026, 10, 1), DAY(2026, 10, 31), False)]
    calendar = pd.DataFrame(rows, columns=["name", "start", "end", "exempt"]).assign(phase="main")
    whole = type(run).table
    monkeypatch.setattr(type(run), "table", lambda run, name: calendar if name == "calendar" else whole(run, name))
    off = days_off(run, ["reply_30s_msg", "conversion_paid_user"])
    assert off["conversion_paid_user"] == {DAY(2026, 9, 1)} < off["reply_30s_msg"] != exempt_days(run)
    assert {day.month for day in off["reply_30s_msg"] - {DAY(2026, 9, 1)}} == {10}
    told = history(run, ["reply_30s_msg"])
    assert not set(pd.to_datetime(told["day"].dropna()).dt.date) & off["reply_30s_msg"]


def test_few_cases_on_activity_days_give_no_target():
    days = by_day("reply_30s_msg", [(DAY(2026, 6, 16), 80, 100), (DAY(2026, 6, 18), 8, 10)])
    assert activity_targets(days, aim("reply_30s_msg", 0.8), "618", *[DAY(2026, 6, 18)] * 2).empty


def test_a_share_on_activity_days_stays_a_share():
    days = by_day("reply_30s_msg", [(DAY(2026, 6, 16), 50, 100), (DAY(2026, 6, 18), 100, 100)])
    found = activity_targets(days, aim("reply_30s_msg", 0.9), "618", *[DAY(2026, 6, 18)] * 2)
    assert found["target_then"].tolist() == [1.0]


def test_the_last_activity_is_an_exempt_one_that_is_over():
    names, exempt = ["618", "own", "双11"], [True, False, True]
    starts = [DAY(2026, 6, 18), DAY(2026, 9, 1), DAY(2026, 11, 11)]
    calendar = pd.DataFrame({"name": names, "start": starts, "end": starts, "exempt": exempt})
    assert last_activity(calendar, DAY(2026, 10, 31))[0] == "618"
    assert last_activity(calendar, DAY(2026, 6, 17)) is None


@pytest.mark.parametrize("lang, words", [("zh", ["6月18日", "10月30日"]), ("en", ["18 Jun", "30 Oct"])])
def test_the_page_says_which_days_are_used_and_which_are_not(lang, words):
    last = {"reply_30s_msg": LAST, "conversion_paid_user": DAY(2026, 10, 30)}
    html = tables.days_used(last, [DAY(2026, 6, 18)], month_end=LAST, lang=lang).gt.as_raw_html()
    assert [word for word in words if word not in html] == []
    assert tables.activity_targets(pd.DataFrame(columns=ACTIVITY), lang=lang).frame.empty


# Progress, by hand ------------------------------------------------------------------------------------------------


def so_far(metric, numerator, denominator, agent="A1"):
    cells = {"shop_id": "S", "agent_id": agent, "role": "pre", "level": None, "month": "2026-10", "metric": metric}
    return pd.DataFrame([cells | {"numerator": numerator, "denominator": denominator, "n": denominator}])


def aim(metric, target, level=None):
    return pd.DataFrame([{"metric": metric, "role": "pre", "level": level, "target": target, "source": "published"}])


def halfway(metric, **more):
    return Month(DAY(2026, 10, 1), DAY(2026, 10, 30), {metric: DAY(2026, 10, 15)}, **more)


def of(metric, numerator, denominator, target, **more):
    rows = progress(so_far(metric, numerator, denominator), aim(metric, target), halfway(metric, **more))
    assert len(rows) == 2 and rows["agent_id"].isna().sum() == 1
    return rows[rows["agent_id"].notna()].iloc[0]


@pytest.mark.parametrize(
    "numerator, target, needed, state",
    [
        (80, 0.82, 0.84, "behind"),  # 100 cases so far, as many to come
        (80, 0.85, 0.90, "hardly"),
        (90, 0.85, 0.80, "on_track"),
        (20, 0.65, 1.10, "out_of_reach"),
        (90, 0.40, -0.10, "safe"),
        (100, 0.50, 0.0, "safe"),  # without a single further success it is exactly met
    ],
)
def test_a_share_needs_what_is_missing(numerator, target, needed, state):
    row = of("reply_30s_msg", numerator, 100, target)
    assert (row["planned"], row["days_left"], row["state"]) == (100, 15, state)
    assert row["needed"] == pytest.approx(needed)


def test_a_wait_can_be_out_of_reach_and_is_never_safe():
    lost = of("mean_wait_turn_s", 100 * 90.0, 100, 40.0)
    assert lost["state"] == "out_of_reach" and lost["needed"] < 0
    assert of("mean_wait_turn_s", 100 * 5.0, 100, 40.0)["state"] == "on_track"
    assert of("mean_wait_turn_s", 100 * 50.0, 100, 40.0)["needed"] == pytest.approx(30.0)


def test_what_is_said_to_come_less_than_once_in_ten_does():
    rng = np.random.default_rng(7)
    seen, rest = rng.exponential(40.0, (2, 2000, 60))
    sums = {"numerator": seen.sum(axis=1), "sum_squares": (seen**2).sum(axis=1), "denominator": np.full(2000, 60)}
    each = [dict(zip(sums, cells, strict=True)) for cells in zip(*sums.values(), strict=True)]
    as_short = [as_good_as("time", x, 60, y, higher=False) for x, y in zip(each, rest.mean(axis=1), strict=True)]
    assert np.mean(np.array(as_short) < 0.10) == pytest.approx(0.10, abs=0.03)
    done, more = rng.binomial(60, 0.8, (2, 2000))
    shares = [{"numerator": y, "denominator": 60, "sum_squares": np.nan} for y in done]
    as_high = [as_good_as("rate", x, 60, y / 60, higher=True) for x, y in zip(shares, more, strict=True)]
    assert np.mean(np.array(as_high) < 0.10) == pytest.approx(0.10, abs=0.03)


@pytest.mark.parametrize("kind, done, cases", [("rate", 80, 100), ("count", 400, 100)])
def test_the_chances_of_at_least_and_at_most_meet(kind, done, cases):
    seen = {"numerator": done, "denominator": cases, "sum_squares": float("nan")}
    mean = done / cases
    good = [as_good_as(kind, seen, 100, mean + step, higher=True) for step in (-0.2, 0.0, 0.2)]
    assert good == sorted(good, reverse=True) and good[1] == pytest.approx(0.5, abs=0.05)
    few = as_good_as(kind, seen, 100, mean - 0.01, higher=False)
    assert few + as_good_as(kind, seen, 100, mean, higher=True) == pytest.approx(1)  # no whole number lies between
    assert np.isnan(as_good_as("time", seen, 100, mean, higher=True))


def test_what_reaches_the_needed_value_just_meets_the_target():
    row = of("reply_30s_msg", 33, 47, 0.81)
    whole = (33 + row["needed"] * row["planned"]) / (47 + row["planned"])
    assert whole == pytest.approx(0.81)


def test_cases_to_come_follow_the_planned_shifts():
    worked = frozenset(DAY(2026, 10, day) for day in (1, 2, 3, 4, 20))
    assert of("reply_30s_msg", 80, 100, 0.8, shifts={"A1": worked})["planned"] == pytest.approx(25)
    away = of("reply_30s_msg", 80, 100, 0.9, shifts={"A1": frozenset([DAY(2026, 10, 1)]), "A2": worked})
    assert (away["planned"], away["state"]) == (0, "missed")  # nothing of A1 is to come


def test_activity_days_are_no_part_of_the_month():
    off = frozenset(DAY(2026, 10, day) for day in range(16, 26))
    row = of("reply_30s_msg", 80, 100, 0.8, off=off)
    assert row["days_left"] == 5 and row["planned"] == pytest.approx(100 / 3)


def test_a_month_that_is_over_is_met_or_missed():
    over = Month(DAY(2026, 10, 1), DAY(2026, 10, 31), {"reply_30s_msg": DAY(2026, 11, 5)})
    for target, state in ((0.80, "met"), (0.81, "missed")):
        rows = progress(so_far("reply_30s_msg", 80, 100), aim("reply_30s_msg", target), over)
        assert set(rows["state"]) == {state} and rows["needed"].isna().all()


def test_a_mean_without_cases_is_compared_and_nothing_more():
    rows = so_far("mean_wait_turn_s", None, None).assign(value=35.0)
    found = progress(rows, aim("mean_wait_turn_s", 40.0), halfway("mean_wait_turn_s"))
    person = found[found["agent_id"].notna()].iloc[0]
    assert person["state"] == "on_track" and pd.isna(person["needed"])
    assert set(found[found["agent_id"].isna()]["state"]) == {"not_known"}


def test_a_level_has_its_own_target_and_the_rest_the_roles():
    both = [so_far("reply_30s_msg", 80, 100, name).assign(level=level) for name, level in ((1, "junior"), (2, "mid"))]
    aims = pd.concat([aim("reply_30s_msg", 0.9), aim("reply_30s_msg", 0.7, "junior")])
    rows = progress(pd.concat(both), aims, halfway("reply_30s_msg"))
    people = rows[rows["agent_id"].notna()].set_index("agent_id")
    assert people["target"].to_dict() == {1: 0.7, 2: 0.9}


def test_the_sum_over_people_is_the_teams(small_shop):
    rows = progress_so_far(open_run(small_shop, month="2026-10", as_of="2026-10-15"))
    assert set(rows["source"]) == {"proposed"}
    one = rows[(rows["metric"] == "reply_30s_msg") & (rows["role"] == "pre")]
    team, people = one[one["agent_id"].isna()].iloc[0], one[one["agent_id"].notna()]
    assert team["n"] == people["n"].sum() and team["planned"] == pytest.approx(people["planned"].sum())
    assert not rows[rows["metric"] == "conversion_paid_user"]["until"].ne(DAY(2026, 10, 13)).any()


def test_no_month_before_and_nothing_published_is_said_and_not_invented(small_shop):
    rows = progress_so_far(open_run(small_shop, month="2026-08", as_of="2026-08-20"))
    assert rows.empty
    for lang, said in (("zh", "还没有目标"), ("en", "No targets for this month yet")):
        assert said in tables.progress(rows, lang=lang).gt.as_raw_html()
        assert tables.progress_people(rows, lang=lang).frame.empty


@pytest.mark.parametrize("lang", ["zh", "en"])
@pytest.mark.parametrize(
    "state", ["met", "missed", "safe", "out_of_reach", "on_track", "behind", "hardly", "not_known"]
)
@pytest.mark.parametrize("metric", ["reply_30s_msg", "mean_wait_turn_s"])
@pytest.mark.parametrize("needed", [0.5, float("nan")])
def test_every_state_has_its_sentence(lang, state, metric, needed):
    row = of(metric, 80, 100, 0.8).to_dict() | {"state": state, "needed": needed}
    (each,) = pd.DataFrame([row]).itertuples()
    said = progress_said(each, lang)
    assert said and "nan" not in said and "{" not in said and "–" not in said
