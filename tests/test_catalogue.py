"""What holds for every entry of the catalogue, whatever the facts are."""

from __future__ import annotations

import re
from collections import Counter
from functools import cache
from pathlib import Path

import made_facts
import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from csperf import dictionary
from csperf.catalogue import ENTRIES, FILES, PRESETS, TOTALS, entries, entry, keys_of
from csperf.errors import CsperfError
from csperf.facts import DERIVED
from csperf.mart import build, frame, measure, rollup, to_key_units
from csperf.metric import Metric, Told
from csperf.text import LANGUAGES, words
from csperf.text.numbers import number

ROOT = Path(__file__).parents[1]
SEEDS = st.integers(min_value=0, max_value=10_000)
# Shrinking a seed tells nobody anything.
quickly = settings(max_examples=2, deadline=None, derandomize=True, phases=[Phase.explicit, Phase.generate])
KNOWN = [e.key for e in ENTRIES.values() if not isinstance(e, Told)]  # that facts of ours add up to
SUMMABLE = [e for e in ENTRIES.values() if isinstance(e, Metric)]
GRAINS = (["agent", "day"], ["level", "week"], ["shop", "category", "month"])

# Keys that METRICS.md promises and this catalogue does not have yet: key -> what it needs first.
LATER = {
    **dict.fromkeys(["recommend_success_share"], "product ids in cards and orders"),
}


@cache
def measured(seed: int) -> list[pd.DataFrame]:
    return values(made_facts.facts(seed))


def values(made: dict[str, pa.Table], keys: list[str] | None = None) -> list[pd.DataFrame]:
    """The values of every entry at several grains."""
    facts = made_facts.tables(made)
    return [measure(facts, keys or KNOWN, by, definitions="shop") for by in GRAINS]


def same(left: pd.DataFrame, right: pd.DataFrame) -> None:
    pd.testing.assert_frame_equal(left, right, check_exact=False, rtol=1e-12, atol=0, check_dtype=False)


@quickly
@given(SEEDS)
def test_the_order_of_rows_does_not_matter(seed):
    random = np.random.default_rng(seed)
    shuffled = {n: t.take(random.permutation(t.num_rows)) for n, t in made_facts.facts(seed).items()}
    for before, after in zip(measured(seed), values(shuffled), strict=True):
        same(before, after)


@quickly
@given(SEEDS)
def test_doubling_all_rows_changes_no_ratio(seed):
    doubled = {name: pa.concat_tables([table, table]) for name, table in made_facts.facts(seed).items()}
    additive = {e.key for e in SUMMABLE if e.key not in TOTALS}
    for once, twice in zip(measured(seed), values(doubled), strict=True):
        ratios = once.metric.isin(additive)
        assert np.allclose(once.value[ratios], twice.value[ratios], rtol=1e-12, equal_nan=True)
        totals = once.metric.isin(TOTALS)
        assert np.allclose(2 * once.value[totals], twice.value[totals], rtol=1e-12, equal_nan=True)
        assert (2 * once.n.dropna() == twice.n.dropna()).all()
        extremes = once.metric.str.startswith(("wait_turn_max_s", "buyers_period"))
        assert np.allclose(once.value[extremes], twice.value[extremes], rtol=1e-12, equal_nan=True)


@quickly
@given(SEEDS)
def test_rolling_up_agent_days_equals_measuring_the_facts(seed):
    facts = made_facts.tables(made_facts.facts(seed))
    mart = build(facts, SUMMABLE, definitions="shop")
    for by, direct in zip(GRAINS, measured(seed), strict=True):
        rolled = to_key_units(frame(rollup(mart, by)))
        rolled = rolled[rolled.metric.isin(direct.metric)]  # some are of the whole shop only
        keys = [
            c for c in direct.columns if c in rolled.columns and c not in ("numerator", "denominator", "value", "n")
        ]
        both = direct.merge(rolled, on=keys, suffixes=("", "_rolled"))
        assert len(both) == len(rolled)
        for column in ("numerator", "denominator", "value"):
            assert np.allclose(both[column], both[f"{column}_rolled"], rtol=1e-12, equal_nan=True)


@quickly
@given(SEEDS)
def test_values_stay_within_their_bounds(seed):
    for table in measured(seed):
        for key, found in table.dropna(subset="value").groupby("metric"):
            low, high = ENTRIES[key].bounds
            assert found.value.min() >= low
            assert high is None or found.value.max() <= high


def test_empty_facts_have_no_values():
    made = made_facts.empty() | {"agent_days": made_facts.facts(0)["agent_days"]}
    from_agent_days = {e.key for e in ENTRIES.values() if e.facts == {"agent_days"}}
    for table in values(made):
        others = table[~table.metric.isin(from_agent_days)]
        assert others.value.isna().all()
        assert (others.note == "NO_DATA").all()
    assert all(table.empty for table in values(made_facts.empty()))


def test_some_rows_count_for_every_entry():
    """Or the properties above would hold of nothing."""
    facts = made_facts.tables(made_facts.facts(1, rows=400))
    table = measure(facts, ENTRIES, ["shop"], definitions="shop")
    assert table.dropna(subset="value").metric.tolist() == KNOWN
    assert {key for key, why in table.attrs["unavailable"].items() if why == "NO_FACT"} == set(ENTRIES) - set(KNOWN)
    assert (table.n.dropna() > 0).all()


def test_excluded_rows_never_count():
    made = made_facts.facts(2, rows=60)
    marked = {name for name, table in DERIVED.items() if "excluded" in table.arrow.names}
    for name in marked:
        place = made[name].schema.get_field_index("excluded")
        everyone = pa.array([True] * made[name].num_rows)
        made[name] = made[name].set_column(place, made[name].schema.field(place), everyone)
    table = measure(made_facts.tables(made), ENTRIES, ["shop"], definitions="shop").set_index("metric")
    talk = [key for key in KNOWN if ENTRIES[key].facts <= marked]
    assert table.value[[k for k in talk if k not in TOTALS]].isna().all()
    assert (table.value[[k for k in talk if k in TOTALS]].fillna(0) == 0).all()


# --- the entries themselves -----------------------------------------------------------------------------------------


def test_every_key_stands_once():
    keys = Counter(e.key for question in FILES for e in question.ENTRIES)
    assert set(keys.values()) == {1}
    assert set(keys) == set(ENTRIES)


@pytest.mark.parametrize("key", ENTRIES)
def test_an_entry_has_names_a_source_and_notes_in_both_languages(key):
    found = ENTRIES[key]
    assert found.zh and found.en and found.source
    assert re.search(r"[一-鿿]", found.zh) and not re.search(r"[一-鿿]", found.en)
    assert set(found.note) in (set(), {"zh", "en"})
    assert found.maturity_days >= 1


@pytest.mark.parametrize("key", ENTRIES)
def test_a_step_can_be_read_off_the_page(key):
    found = ENTRIES[key]
    figure = number(found.step, found.unit)
    assert float(figure.rstrip("%")) / (100 if "%" in figure else 1) == pytest.approx(found.step)


def test_names_are_not_shared():
    for lang in ("zh", "en"):
        assert max(Counter(e.name(lang) for e in ENTRIES.values()).values()) == 1


@pytest.mark.parametrize("key", [e.key for e in SUMMABLE if e.unit == "share"])
def test_a_share_counts_rows_of_its_denominator(key):
    above, below = ENTRIES[key].sums.values()
    assert (above.fact, above.day, above.value, above.allday) == (below.fact, below.day, below.value, below.allday)
    assert below.among.items() <= above.among.items()


def test_what_may_exceed_one_says_so():
    for found in SUMMABLE:
        if found.unit == "ratio":
            assert "大于1" in found.note["zh"]
            assert "exceed 1" in found.note["en"]


@pytest.mark.parametrize("key", [key for key in ENTRIES if key.endswith("_allday")])
def test_an_all_day_twin_differs_only_in_hours(key):
    base, twin = ENTRIES[key.removesuffix("_allday")], ENTRIES[key]
    for side, part in base.sums.items():
        whole = twin.sums[side]
        assert (part.fact, part.value) == (whole.fact, whole.value)
        if part.fact != "agent_days":
            assert set(part.among) - set(whole.among) == {"in_hours"}
            assert whole.allday


def test_all_day_twins_read_all_day_columns():
    """A buyer whose only late message came at night fails all day, and in hours only if asked late in hours too."""
    made = made_facts.facts(3)
    row = made["buyer_days"].slice(0, 1).to_pylist()[0] | {
        "scope": "shop",
        "in_hours": True,
        "excluded": False,
        "max_wait_us": 10_000_000,
        "max_wait_allday_us": 600_000_000,
        "unanswered": False,
        "unanswered_allday": False,
    }
    made["buyer_days"] = pa.Table.from_pylist([row], schema=DERIVED["buyer_days"].arrow)
    keys = ["reply_3min_user", "reply_3min_user_allday"]
    table = measure(made_facts.tables(made), keys, ["shop"], definitions="shop")
    assert table.value.tolist() == [1, 0]


def test_every_key_of_the_catalogue_page_is_there_or_has_a_reason():
    page = ROOT.parent / "shared" / "METRICS.md"
    if not page.exists():
        pytest.skip(f"{page} is not here: it lists the promised keys")
    promised = _promised(page.read_text(encoding="utf-8"))
    assert {"reply_3min_user", "abandon_to_connected", "net_sales_yuan"} <= promised
    assert promised - set(ENTRIES) == set(LATER)


@pytest.mark.parametrize(
    ("as_written", "mended"),
    [
        ("abandon_to_connected", "abandon_share"),  # S4-25: can exceed 100 %
        ("complaint_solve_h", "complaint_solved_share"),  # S4-13: a mean time, called a percentage
        ("key_customers_lost", "key_customer_loss_share"),  # S4-15: a count, written with a %
    ],
)
def test_a_faulty_formula_is_there_as_written_says_so_and_names_the_mended_one(as_written, mended):
    assert ENTRIES[as_written].unit != "share" and ENTRIES[mended].unit == "share"
    assert all(mended in ENTRIES[as_written].note[lang] for lang in ("zh", "en"))


def _promised(text: str) -> set[str]:
    """Keys in the first column of the table of entries and in the paragraph of further keys."""
    rows = [line.split("|")[1] for line in text.splitlines() if line.startswith("| `") and line.count("|") > 7]
    further = next(line for line in text.splitlines() if line.startswith("Further keys"))
    keys: set[str] = set()
    for cell in [*rows, further]:
        stem = ""
        for name in re.findall(r"`(\w+)`", cell):
            stem = stem if name.startswith("_") else name
            keys.add(stem.rsplit("_", 1)[0] + name if name.startswith("_") else name)
    return keys - {"conversion_"}


def test_every_condition_and_fact_has_words():
    named = words("catalogue", "en")
    parts = [part for found in ENTRIES.values() for part in found.sums.values()]
    for name in {name for part in parts for name in part.among}:
        assert {name, f"not_{name}"} <= set(named), name
    assert {f"fact_{part.fact}" for part in parts} <= set(words("dictionary", "en"))


def test_only_what_was_said_counts_as_an_agents_message():
    """The fact holds a human's notes, recalls, transfers, closings and invitations too."""
    made = made_facts.facts(1)
    row = made["agent_messages"].slice(0, 1).to_pylist()[0] | {"scope": "shop", "excluded": False, "has_emoji": False}
    kinds = ["text", "card", "sticker", "note", "recall", "close", "transfer", "rating_invite"]
    rows = [row | {"row_id": kind, "kind": kind} for kind in kinds]
    made["agent_messages"] = pa.Table.from_pylist(rows, schema=DERIVED["agent_messages"].arrow)
    counting = {e.key: side for e in ENTRIES.values() for side, part in e.sums.items() if part.fact == "agent_messages"}
    table = measure(made_facts.tables(made), counting, ["shop"], definitions="shop").set_index("metric")
    assert {key: table[side][key] for key, side in counting.items()} == dict.fromkeys(counting, 3)


def test_every_column_an_entry_reads_is_in_the_contract():
    for part in (part for found in ENTRIES.values() for part in found.sums.values()):
        table = made_facts.tables(made_facts.empty())[part.fact]
        part.conditions(table)
        part.bind(part.value, table)
        assert part.day in table.columns


def test_an_unknown_key_names_the_near_ones():
    with pytest.raises(CsperfError, match=r"first_reply_s"):
        entry("first_repl_s")
    with pytest.raises(CsperfError) as caught:
        entries(["reply_30s_mgs", "zzz", "csat_x"])
    assert [p.where for p in caught.value.problems] == ["reply_30s_mgs", "zzz", "csat_x"]


# --- the dictionary -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_dictionary_on_disk_is_that_of_the_catalogue(lang):
    on_disk = (ROOT / "docs" / dictionary.PAGES[lang]).read_text(encoding="utf-8")
    assert on_disk == dictionary.page(lang), "run: make docs"


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_dictionary_names_every_key(lang):
    page = dictionary.page(lang)
    assert [key for key in ENTRIES if f"`{key}`" not in page] == []


def test_the_dictionary_can_be_written(tmp_path):
    dictionary.write(tmp_path / "docs")
    assert sorted(p.name for p in (tmp_path / "docs").iterdir()) == [
        "formats.md",
        "formats.zh-CN.md",
        "metrics.md",
        "metrics.zh-CN.md",
    ]


@pytest.mark.parametrize("lang", LANGUAGES)
@pytest.mark.parametrize("key", ENTRIES)
def test_an_article_says_everything(key, lang):
    said, found = dictionary.article(ENTRIES[key], lang), ENTRIES[key]
    named = words("dictionary", lang)
    assert said.startswith(f"### `{key}` {found.name(lang)}\n")
    assert all(named[f"{kind}_{getattr(found, kind)}"] in said for kind in ("unit", "better", "role"))
    assert all(f"- {named[f'label_{line}']}" in said for line in ("formula", "null", "matures", "step", "source"))
    assert found.source in said
    assert found.note.get(lang, "") in said


@pytest.mark.parametrize(
    ("key", "lang", "said"),
    [
        (
            "payment_share",
            "zh",
            "订单数（归属客服，每位买家每个下单日只计一次，已付款） ÷ 订单数（归属客服，每位买家每个下单日只计一次）",
        ),
        ("reply_30s_msg_allday", "en", "buyer messages (all day, answered within 30 s) ÷ buyer messages (all day)"),
        ("wait_turn_p90_s", "en", "90 % quantile of the waits of turns (in service hours, answered by a human)"),
        ("buyers_period", "en", "different buyers (in service hours)"),
        ("sales_yuan", "en", "sum of the amounts paid of orders (credited to an agent, paid)"),
    ],
)
def test_formulas_speak(key, lang, said):
    assert dictionary.formula(ENTRIES[key], lang) == said


@pytest.mark.parametrize(
    ("key", "said"),
    [
        ("reply_30s_msg", "no data, or a denominator of 0"),
        ("sessions_per_day", "no data, or a denominator of 0; who worked and has no row that counts has 0"),
        ("slow_users", "no data; who worked and has no row that counts has 0"),
        ("wait_turn_max_s", "no row counts"),
        ("order_value_yuan", "no data, or a denominator of 0; the orders do not name their buyers"),
    ],
)
def test_null_is_explained(key, said):
    assert dictionary.null_means(ENTRIES[key], "en") == said


def test_a_preset_stands_for_its_metrics_once():
    small = ["sales_yuan", "orders_per_day", "conversion_ordered_user", "order_loss_share", "mean_wait_turn_s"]
    assert keys_of(["small_shop"]) == [*small, "unanswered_sessions_per_day"]
    assert keys_of(["aht_s", "small_shop", "sales_yuan"]) == ["aht_s", *keys_of(["small_shop"])]
    assert [key for keys in PRESETS.values() for key in keys if key not in ENTRIES] == []
    assert not set(PRESETS) & set(ENTRIES)
