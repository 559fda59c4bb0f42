"""`csperf score`: from tables alone, from a shop's store, what bad input gets, and sheets that tell on nobody."""

from __future__ import annotations

import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest

MONTHS = ("2026-09", "2026-10")
NAMES = [f"Canary-{i:02}-Zhang" for i in range(12)]
BANNED = "置信区间 预测区间 p值 收缩 后验 贝叶斯 自助法 回测 显著 方差 分位数 达成率 OK THIN NEW".split()


def figures(i, month):
    """Everybody's own figures, told apart in every digit that is shown."""
    shift = 0.003 * (month == "2026-10")
    return {
        "conversion_paid_user": (0.5017 + 0.0111 * i + shift, 997 + 10 * i),
        "mean_wait_turn_s": (31.3 + 2.17 * i, 911 + 7 * i),
    }


@pytest.fixture
def folder(tmp_path):
    rows = [
        (NAMES[i], "pre", "mid", month, metric, round(value * n, 4), n, n)
        for i in range(12)
        for month in MONTHS
        for metric, (value, n) in figures(i, month).items()
    ]
    names = ["agent_id", "role", "level", "month", "metric", "numerator", "denominator", "n"]
    pd.DataFrame(rows, columns=names).to_csv(tmp_path / "values.csv", index=False)
    (tmp_path / "targets.csv").write_text(
        "metric,role,level,base,target,stretch\nconversion_paid_user,pre,,50%,55%,60%\nmean_wait_turn_s,pre,,60,45,30\n"
    )
    (tmp_path / "weights.csv").write_text("metric,weight\nconversion_paid_user,60\nmean_wait_turn_s,40%\n")
    return tmp_path


def given(folder):
    return ["--values", folder / "values.csv", "--targets", folder / "targets.csv", "--weights", folder / "weights.csv"]


def test_tables_alone_are_enough(run, folder):
    code, _out, err = run("score", *given(folder), "--month", "2026-10", "-o", folder / "scores.csv")
    assert code == 0, err
    scores = pd.read_csv(folder / "scores.csv")
    first = "agent_id role level month score score_low score_high band capped coefficient".split()
    assert list(scores.columns[:10]) == first and len(scores) == 12
    mine = scores.set_index("agent_id").loc[NAMES[4]]
    assert mine["conversion_paid_user_value"] == 0.549
    worth = 60 * (60 + 40 * (0.549 - 0.5) / 0.05) / 100 + 40 * (100 + 20 * (45 - 40.0) / 15) / 100
    assert mine["score"] == pytest.approx(worth) and mine["coefficient"] == pytest.approx(
        np.floor(10 * worth + 0.5) / 1000
    )
    everything = run("score", *given(folder), "-o", folder / "all.csv")
    assert everything[0] == 0 and len(pd.read_csv(folder / "all.csv")) == 24


def test_steps_cost_more_than_they_look(run, folder):
    (folder / "targets.csv").write_text(
        "metric,role,base,target,stretch\nconversion_paid_user,pre,50%,54.9%,60%\nmean_wait_turn_s,pre,60,45,30\n"
    )
    _code, out, _err = run("score", *given(folder), "--rule", "step", "--month", "2026-10", "-o", folder / "step.csv")
    assert "would jump by one case more or less, by up to 40" in out
    assert set(pd.read_csv(folder / "step.csv")["conversion_paid_user_score"]) <= {0, 60, 100, 120}


def test_the_manual_of_2010_needs_only_values(run, folder):
    code, out, err = run("score", "--values", folder / "values.csv", "--preset", "manual2010", "-o", folder / "o.csv")
    assert code == 0, err  # nothing but 15 % of the weight: nobody is scored, nobody gets a 0
    found = pd.read_csv(folder / "o.csv")
    assert found["score"].isna().all() and (found["status"] == "THIN").all()
    assert "only two of the three are free" in out


# Bad input --------------------------------------------------------------------------------------------------------


def test_every_fault_of_every_file_is_said_at_once(run, folder):
    (folder / "weights.csv").write_text("metric,weight\nconversion_paid,60\nmean_wait_turn_s,\n")
    (folder / "targets.csv").write_text("metric,role,base,target\nmean_wait_turn_s,presale,60,fast\n")
    code, out, err = run("score", *given(folder))
    assert code == 1 and out == ""
    for said in ("conversion_paid", "did you mean", "must not be empty", "presale", "fast"):
        assert said in err
    assert "Traceback" not in err


def test_what_is_not_handed_over_is_named(run, folder):
    code, _out, err = run("score", "--values", folder / "values.csv")
    assert code == 1 and "--targets" in err and "--weights" in err
    assert run("score")[0] == 2
    code, _out, err = run("score", *given(folder), "--rule", "steps")
    assert code == 1 and "linear" in err


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        ("weights.csv", "metric,weight\nconversion_paid_user,60\nmean_wait_turn_s,30\n", "sum to 90"),
        ("targets.csv", "metric,role,base,target,stretch\nconversion_paid_user,pre,50%,55%,60%\n", "no target"),
        ("targets.csv", "metric,role,target\nconversion_paid_user,pre,55%\nmean_wait_turn_s,pre,45\n", "no base"),
    ],
)
def test_tables_that_do_not_fit_one_another_are_refused(run, folder, file, text, said):
    (folder / file).write_text(text)
    code, _out, err = run("score", *given(folder), "-o", folder / "o.csv")
    assert code == 1 and said in err and "Traceback" not in err
    assert not (folder / "o.csv").exists()


def test_somebody_without_level_is_named(run, folder):
    values = pd.read_csv(folder / "values.csv")
    values.loc[values["agent_id"] == NAMES[3], "level"] = None
    values.to_csv(folder / "values.csv", index=False)
    (folder / "targets.csv").write_text(
        "metric,role,level,base,target,stretch\nconversion_paid_user,pre,中级,50%,55%,60%\nmean_wait_turn_s,pre,中级,60,45,30\n"
    )
    code, _out, err = run("score", *given(folder))
    assert code == 1 and NAMES[3] in err and NAMES[4] not in err


def test_only_confirmed_events_cap(run, folder):
    head = "客服,事件日期,事件类型,证据,上报人,复核人,申诉\n"
    rows = [f"{NAMES[11]},2026-10-05,辱骂客户,聊天17,甲,乙,无", f"{NAMES[10]},2026-10-05,泄露信息,,甲,乙,"]
    (folder / "events.csv").write_text(head + "\n".join(rows) + "\n", encoding="utf-8")
    code, out, err = run(
        "score", *given(folder), "--events", folder / "events.csv", "--month", "2026-10", "-o", folder / "o.csv"
    )
    assert code == 0, err
    scores = pd.read_csv(folder / "o.csv").set_index("agent_id")
    assert scores.loc[NAMES[11], "score"] == 60 and list(scores.index[scores["capped"]]) == [NAMES[11]]
    assert NAMES[10] in out and "no evidence" in out


# Sheets -----------------------------------------------------------------------------------------------------------


def read(path):
    """What people read on a page: HTML without its pictures, the words of a PDF."""
    if path.suffix == ".pdf":
        return subprocess.run(["pdftotext", "-layout", path, "-"], capture_output=True, check=True).stdout.decode()
    return plain(path.read_text(encoding="utf-8"))


def plain(page):
    body = re.sub(r"<style>.*?</style>|data:image[^\"]*", " ", page, flags=re.DOTALL)
    return re.sub(r"<[^>]+>", " ", body)


def shown(row, i, seconds):
    """The figures that only this person has, as a sheet shows them."""
    conversion, wait = row["conversion_paid_user_value"], row["mean_wait_turn_s_value"]
    cases = figures(i, "")["conversion_paid_user"][1]
    return {f"{100 * conversion:.1f}%", f"{wait:.1f}{seconds}", f"{cases:,}", f"{row['coefficient']:.3f}"}


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_no_sheet_holds_another_persons_name_or_number(run, folder, lang):
    code, _out, err = run(
        "score",
        *given(folder),
        "--month",
        "2026-10",
        "--sheets",
        folder / "sheets",
        "-o",
        folder / "o.csv",
        "--lang",
        lang,
    )
    assert code == 0, err
    scores = pd.read_csv(folder / "o.csv").set_index("agent_id")
    files = sorted((folder / "sheets").iterdir())
    assert [path.suffix for path in files] == [".html", ".pdf"] * 13
    pages = {path: read(path) for path in files if path.suffix == ".html" or shutil.which("pdftotext")}
    seconds = {"zh": "秒", "en": " s"}[lang]
    own = {name: shown(scores.loc[name], i, seconds) for i, name in enumerate(NAMES)}
    for page, text in pages.items():
        for name, numbers in own.items():
            found = {number for number in numbers if re.search(rf"(?<![\d.,]){re.escape(number)}(?!\d)", text)}
            assert (name in text, found) == ((True, numbers) if name == page.stem else (False, set())), (page, name)
    team = pages[folder / "sheets" / {"zh": "团队单.html", "en": "team.html"}[lang]]
    assert not any(name in team for name in NAMES)


def test_sheets_speak_plainly(run, folder):
    run("score", *given(folder), "--month", "2026-10", "--sheets", folder / "sheets", "-o", folder / "o.csv", lang="zh")
    for path in (folder / "sheets").glob("*.html"):
        text = read(path)
        assert [word for word in BANNED if word in text] == [], path.name
        assert not re.search(r"https?://", text)


def test_a_sheet_says_how_many_cases_were_too_few(run, folder):
    values = pd.read_csv(folder / "values.csv")
    few = (values["agent_id"] == NAMES[2]) & (values["metric"] == "conversion_paid_user")
    values.loc[few, ["numerator", "denominator", "n"]] = [2.0, 3, 3]
    values.to_csv(folder / "values.csv", index=False)
    run("score", *given(folder), "--month", "2026-10", "--sheets", folder / "sheets", "-o", folder / "o.csv", lang="zh")
    told = f"{NAMES[2]}本项只有3个，不够20个，本项不计分，权重分到其他项。"
    assert [path.stem for path in (folder / "sheets").glob("*.html") if told in path.read_text("utf-8")] == [NAMES[2]]


def test_a_team_of_five_shows_no_figure_of_the_others(run, folder):
    values = pd.read_csv(folder / "values.csv")
    values[values["agent_id"].isin(NAMES[:5])].to_csv(folder / "values.csv", index=False)
    run("score", *given(folder), "--month", "2026-10", "--sheets", folder / "sheets", "-o", folder / "o.csv")
    text = plain((folder / "sheets" / f"{NAMES[0]}.html").read_text(encoding="utf-8"))
    assert "Fewer than 5 others" in text


def test_names_cannot_become_markup_or_leave_the_folder(run, folder):
    values = pd.read_csv(folder / "values.csv")
    values["agent_id"] = values["agent_id"].replace({NAMES[0]: "../<script>alert(1)</script>", NAMES[1]: "=1+1"})
    values.to_csv(folder / "values.csv", index=False)
    run("score", *given(folder), "--month", "2026-10", "--sheets", folder / "sheets", "-o", folder / "o.csv")
    files = list((folder / "sheets").rglob("*.html"))
    assert len(files) == 13 and all(path.parent == folder / "sheets" for path in files)
    assert not any("<script>alert" in path.read_text(encoding="utf-8") for path in files)


# With a store -----------------------------------------------------------------------------------------------------


def test_a_shop_is_scored_from_its_store(run, small_shop, tmp_path):
    code, out, err = run("score", small_shop, "-o", tmp_path / "o.csv", "--sheets", tmp_path / "sheets")
    assert code == 0, err
    scores = pd.read_csv(tmp_path / "o.csv")
    assert scores["month"].nunique() == 1 and scores["score"].notna().any()
    assert scores["score"].dropna().between(0, 120).all()
    assert "for a trial and not for pay" in out and "no finding" in out
    assert len(list((tmp_path / "sheets").glob("*.html"))) == len(scores) + 1
