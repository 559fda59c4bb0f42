"""Real data of others, through mappings in YAML alone; skipped where the data is absent."""

from pathlib import Path

import ibis
import pytest

from csperf import tickets
from csperf.engine import connect
from csperf.load import LoadSettings, load, store_of
from csperf.settings import read_yaml
from csperf.turns.around import PEOPLE

ROOT = Path(__file__).parents[1]
EXAMPLES = ROOT / "params" / "examples"


def loaded(name, store):
    content = read_yaml(EXAMPLES / f"{name}.yaml")
    root = (EXAMPLES / content["root"]).resolve()
    if not root.exists():
        pytest.skip(f"{root} is not here")
    given = {key: content[key] for key in ("shop", "timezone", "sources")}
    settings = LoadSettings(root=root, store=store, **given)
    return load(settings), store_of(settings)


@pytest.fixture(scope="module")
def bank(tmp_path_factory):
    report, store = loaded("anonymous_bank", tmp_path_factory.mktemp("bank") / "store")
    return report, store.read(ibis.duckdb.connect(), "calls").to_pandas()


def test_the_bank_is_accounted_for(bank):
    report, _calls = bank
    (row,) = report.files.to_dict("records")
    assert (row["read"], row["kept"], row["filtered"], row["rejected"]) == (33_344, 33_066, 278, 0)
    assert report.reasons[["reason", "n"]].values.tolist() == [["phantom", 278]]


def test_the_banks_calls(bank):
    _report, calls = bank
    assert calls.outcome.value_counts().to_dict() == {"answered": 27_162, "abandoned": 5_904}
    assert (calls.outcome == "abandoned").mean() == pytest.approx(0.178552, abs=5e-7)
    assert calls.account_id.nunique() == 24
    assert calls[calls.outcome == "answered"].account_id.isna().sum() == 491
    waited = calls[calls.wait_us > 0].wait_us
    assert (len(waited), round(waited.mean() / 1e6, 3)) == (18_028, 75.838)
    assert calls.customer_id.isna().all()


def test_the_banks_clocks_pass_midnight(bank):
    _report, calls = bank
    assert (calls.ended_at >= calls.queued_at).all()
    assert (calls.ended_at - calls.queued_at).dt.total_seconds().max() < 2 * 3600
    assert str(calls.day.min())[:10] == "1999-02-01"
    assert str(calls.day.max())[:10] == "1999-02-28"


@pytest.fixture(scope="module")
def tweets(tmp_path_factory):
    report, store = loaded("twitter_support", tmp_path_factory.mktemp("tweets") / "store")
    return report, store.read(ibis.duckdb.connect(), "messages").to_pandas()


def test_the_tweets_are_accounted_for(tweets):
    report, messages = tweets
    (row,) = report.files.to_dict("records")
    assert (row["read"], row["kept"], row["rejected"]) == (4_999, 4_997, 2)
    assert report.reasons["reason"].tolist() == ["thread_without_buyer"]
    assert messages.sender.value_counts().to_dict() == {"buyer": 2_778, "human": 2_219}


def test_accounts_are_found_along_the_reply_links_and_nobody_is_dropped(tweets):
    _report, messages = tweets
    asked = messages[messages.sender == "buyer"]
    assert (len(asked), asked.account_id.notna().sum()) == (2_778, 2_433)
    assert messages.buyer_id.notna().all()


def test_the_plain_count_of_replies_is_reproduced(tweets):
    _report, messages = tweets
    asked = messages[messages.sender == "buyer"].set_index("message_id").sent_at
    replies = messages[(messages.sender == "human") & messages.reply_to.isin(asked.index)]
    waited = (replies.sent_at - replies.reply_to.map(asked)).dt.total_seconds()
    assert (len(waited), waited.median()) == (2_187, 720)
    shares = [round((waited <= limit).mean() * 100, 2) for limit in (30, 180, 300)]
    assert shares == [0.09, 14.27, 24.51]


def test_the_manuals_sample_chat_loads(tmp_path):
    report, store = loaded("wangwang_manual", tmp_path / "store")
    assert report.files[["read", "kept"]].values.tolist() == [[6, 6]]
    assert store.months() == ["2010-06"]


def test_the_event_log_becomes_tickets(tmp_path):
    """BPI Challenge 2013: 65,533 events of 7,554 cases with 9,454 hand-offs between support teams."""
    report, store = loaded("bpi2013", tmp_path / "store")
    (row,) = report.files.to_dict("records")
    assert (row["read"], row["kept"], row["rejected"]) == (65_533, 65_533, 0)
    con = connect()
    nobody = ibis.memtable(ibis.schema(PEOPLE).to_pyarrow().empty_table())
    found = tickets.derive(con, store.read(con, "tickets"), nobody)["tickets"]
    cases = found.filter(found.scope == "shop").to_pandas()
    assert (len(cases), cases["events"].sum(), cases["hand_offs"].sum()) == (7_554, 65_533, 9_454)
    assert cases["complete"].all()
    once = cases[cases["resolved"] & (cases["reopened"] == 0)]
    assert (once["waiting_us"] + once["working_us"] == once["solve_us"]).all()
