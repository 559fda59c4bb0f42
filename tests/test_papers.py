"""Papers to sign: one A4 page each, nobody else's figures, names that are only text; who has signed; frozen records."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace
from importlib import import_module
from types import SimpleNamespace

import pandas as pd
import pytest

from csperf import cli
from csperf.archive import Archive, archive_path, read_archive, record, results
from csperf.definitions import SETS
from csperf.errors import CsperfError
from csperf.findings import effects, findings_path, read_findings
from csperf.papers import Terms, confirmation, credit_rule, notice, objections, read_signed, result
from csperf.scorecard import ScoreSettings, changes, scorecard
from csperf.scoring import Scored
from csperf.sheets import About, pdf, sheets
from csperf.tables import findings
from csperf.targets.appeals import correct, freeze
from csperf.targets.register import Register
from csperf.teams import ShopMonth, combined, read_team, score_team, team_sheets

ON = dt.date(2026, 10, 31)
MONTHS = ("2026-09", "2026-10")
METRICS = {"conversion_paid_user": (0.5017, 0.0111, 997), "mean_wait_turn_s": (31.3, 2.17, 911)}
NASTY = ['#panic("x") $a$ *b* _c_ <d> @e \\f ]{', "=1+1", "**" * 3, "王" * 40, "Ola~Nordmann // /* x */"]
NAMES = {f"A{i}": f"Canary{i}Zhang" for i in range(6)}
QUICK = ScoreSettings(draws=20)


@pytest.fixture(scope="module")
def card():
    """Six people of one role over two months, everybody's figures told apart in every digit that is shown."""
    rows = [
        ("S", agent, "pre", "mid", month, metric, (first + step * i + 0.003 * (month > "2026-09")) * n, n + i, n + i)
        for i, agent in enumerate(NAMES)
        for month in MONTHS
        for metric, (first, step, n) in METRICS.items()
    ]
    names = ["shop_id", "agent_id", "role", "level", "month", "metric", "numerator", "denominator", "n"]
    weights = pd.DataFrame({"metric": [*METRICS], "weight": [60, 40]})
    return scorecard(pd.DataFrame(rows, columns=names), TARGETS, weights, settings=QUICK)


TARGETS = pd.DataFrame(
    [("conversion_paid_user", "pre", 0.5, 0.55, 0.6, "publish"), ("mean_wait_turn_s", "pre", 60, 45, 30, "trial")],
    columns=["metric", "role", "base", "target", "stretch", "grade"],
).assign(level=None)
AIMS = TARGETS.assign(weight=[60.0, 40.0], id=["A0001", "A0002"])


def pages_of(made: bytes) -> int:
    return int(re.search(rb"/Type/Pages/Count (\d+)", made)[1])


def terms(**more):
    credit = credit_rule(AIMS["metric"], SETS["shop"], more.get("lang", "zh"))
    return Terms(shop="示例旗舰店", starts=dt.date(2026, 11, 1), counting="本店口径", credit=credit, **more)


def words_of(sheet):
    """Everything a sheet says, as one text."""
    cells = [cell for block in sheet.blocks for row in (block.heads, *block.rows) for cell in row]
    said = (sheet.title, *sheet.about, *sheet.sentences, *cells, *(b.title + b.note for b in sheet.blocks))
    return "\n".join([*said, *sheet.footer, sheet.stamp, *sheet.ticks, sheet.room, *sheet.signatures])


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_every_paper_is_one_upright_a4_page_and_the_same_bytes_twice(card, lang):
    many = pd.concat([AIMS] * 6, ignore_index=True)  # twelve rows: more than anybody is scored by
    pages = [
        confirmation(many, terms(lang=lang), name=NASTY[0], role="pre", level="mid", watched=("handle_min",) * 8),
        notice(AIMS, terms(lang=lang, draft=True), "pre"),
        result(card, "A3", "pre", About("S", "2026-10", lang), objections(ON, ON), name=NASTY[3]),
    ]
    for page in pages:
        made = pdf(page, on=ON)
        box = [float(side) for side in re.search(rb"/MediaBox\[([^\]]+)\]", made)[1].split()]
        assert pages_of(made) == 1 and box == pytest.approx([0, 0, 595.28, 841.89], abs=0.01)
        assert made == pdf(page, on=ON)
    assert pages_of(pdf(*pages, on=ON)) == len(pages)


@pytest.mark.parametrize("name", NASTY)
def test_a_name_is_only_text(name):
    assert pages_of(pdf(confirmation(AIMS, terms(), name=name, role="pre"), on=ON)) == 1


def test_the_confirmation_says_what_is_signed_and_a_draft_is_not_signed():
    paper = confirmation(AIMS, terms(), name="王小美", role="pre", level="mid", watched=("handle_min",))
    said = words_of(paper)
    for word in (
        "55.0%",
        "45.0秒",
        "A0001",
        "先试行",
        "最后一个人工回复",
        "3个工作日",
        "平均接待时长",
        "本人签名",
        "11月1日",
    ):
        assert word in said
    draft = confirmation(AIMS, terms(draft=True), name="王小美", role="pre")
    assert "草案" in draft.stamp and (draft.ticks, draft.room, draft.signatures) == ((), "", ())


def test_the_notice_names_nobody_and_has_a_line_for_each_level_that_differs():
    levels = AIMS.iloc[[0, 0, 0, 1]].assign(level=["senior", "junior", "mid", None], target=[0.58, 0.55, 0.55, 45])
    rows = notice(levels, terms(), "pre").blocks[0].rows
    assert [row[2] for row in rows] == ["初级、中级", "资深", ""] and rows[1][0] == ""
    assert not [name for name in NAMES.values() if name in words_of(notice(levels, terms(), "pre"))]


def test_whose_sale_an_order_is_follows_the_counting_rules_and_the_backend():
    assert credit_rule(["mean_wait_turn_s"], SETS["shop"], "zh") == ""
    strict = SETS["shop"].model_copy(update={"credit_needs": "substantive", "attribution": "split", "window_h": 48})
    said = credit_rule(["conversion_paid_user"], strict, "zh")
    assert "48小时" in said and "平分" in said and "至少两条有内容的回复" in said
    assert "拼多多后台" in credit_rule(["conversion_paid_user"], strict, "zh", "pdd")


def test_objections_end_after_three_working_days_of_the_chinese_calendar():
    national = objections(dt.date(2026, 9, 30), dt.date(2026, 10, 1))  # the 6th is a holiday, the 10th is worked
    assert (national.published, national.until) == (dt.date(2026, 10, 8), dt.date(2026, 10, 12))
    late = objections(ON, dt.date(2026, 11, 20))
    assert (late.published, late.until) == (dt.date(2026, 11, 20), dt.date(2026, 11, 25))


def test_nobody_finds_another_persons_name_or_figures_on_their_pages(card):
    about = About("S", "2026-10", "zh")
    own = {file: words_of(sheet) for file, sheet in sheets(card, about, NAMES).items()}
    parts = card.parts[card.parts["month"] == "2026-10"]
    for agent, name in NAMES.items():
        page = words_of(result(card, agent, "pre", about, objections(ON, ON), name=name))
        for said in (own[name], page):
            others = [other for other in NAMES.values() if other != name and other in said]
            foreign = [
                shown
                for row in parts[parts["agent_id"] != agent].itertuples()
                for shown in (f"{row.value:.1%}" if row.value < 1 else f"{row.value:.1f}秒",)
                if re.search(rf"(?<![\d.]){re.escape(shown)}", said)
            ]
            assert (others, foreign) == ([], [])
        assert f"{card.scores.set_index(['month', 'agent_id']).loc[('2026-10', agent), 'score']:.1f}分" in page
    assert not [name for name in NAMES.values() if name in own["团队单"]]


def test_a_result_shows_pay_to_the_fen_and_leaves_out_what_nobody_knows(card):
    pay = pd.Series({"bonus_fen": 123456, "commission_fen": None})
    about = About("S", "2026-10", "zh")
    card = replace(card, days={("A1", "2026-10"): 22.0})
    about = replace(about, days_off=(dt.date(2026, 10, 1),), speed_off=(dt.date(2026, 10, 8),))
    said = words_of(result(card, "A1", "pre", about, objections(ON, ON), name="小美", pay=pay, stamp="暂估"))
    assert "上班22天" in said and "活动日10月1日" in said and "10月8日接待量超出计划" in said
    assert "上班22天" in words_of(sheets(card, about, NAMES)[NAMES["A1"]])
    assert "1,234.56元" in said and "提成" not in said and "暂估" in said and "11月11日" in said


def test_what_other_shifts_did_is_told_of_somebody_who_changed_shifts_altogether():
    """Everybody does as the shift does, days better than nights; one went from days to nights, nothing else moved."""
    cells = []
    for i in range(6):
        for month in MONTHS:
            mixed = {"day": 300, "night": 300}
            only = {"day": 600} if month == MONTHS[0] else {"night": 600}
            for shift, n in (only if i == 0 else mixed).items():
                share = 0.60 if shift == "day" else 0.50
                cells.append(("S", f"A{i}", "pre", month, "conversion_paid_user", shift, share * n, n))
    names = ["shop_id", "agent_id", "role", "month", "metric", "shift", "numerator", "denominator"]
    by_shift = pd.DataFrame(cells, columns=names)
    whole = by_shift.groupby(names[:5], as_index=False)[["numerator", "denominator"]].sum()
    whole = whole.assign(n=whole["denominator"], level="mid")
    weights = pd.DataFrame({"metric": ["conversion_paid_user"], "weight": [100]})
    made = scorecard(whole, TARGETS[:1].assign(stretch=0.65), weights, settings=QUICK)
    found = changes(made, made, MONTHS, by_shift=by_shift).set_index("agent_id")
    assert found.loc["A0", "change"] < -40 and found.loc["A0", "own"] == pytest.approx(0, abs=0.5)
    assert found.loc["A0", "mix"] == pytest.approx(found.loc["A0", "change"], abs=0.5)
    assert found.loc["A1", ["own", "mix"]].tolist() == [0, 0]


# Signatures -------------------------------------------------------------------------------------------------------


def test_the_newest_state_of_a_paper_holds_and_is_read_back(tmp_path):
    path = tmp_path / "S.signed.csv"
    how = {"month": "2026-11", "paper": "targets", "on": ON, "who": "李主管"}
    signed = read_signed(path).with_state(["A1", "A2"], "waiting", **how)
    signed = signed.with_state(["A2"], "refused", reason="=目标太高", **how).with_state(["A1"], "signed", **how)
    signed.save()
    now = read_signed(path).now("2026-11", "targets").set_index("agent_id")
    assert now["state"].to_dict() == {"A2": "refused", "A1": "signed"} and now.loc["A1", "reason"] is None
    assert len(read_signed(path).lines) == 4 and read_signed(path).now("2026-12").empty


def test_a_refusal_without_reason_and_an_unknown_state_are_said_together(tmp_path):
    with pytest.raises(CsperfError) as told:
        read_signed(tmp_path / "no.csv").with_state([], "refused", month="2026-11", paper="goals", on=ON, who=" ")
    assert len(told.value.problems) == 4
    bad = tmp_path / "bad.csv"
    bad.write_text("date,month,paper,agent_id,state,who\n2026-11-01,2026-11,targets,A1,maybe,Li\n")
    with pytest.raises(CsperfError, match="maybe"):
        read_signed(bad)


# Records ----------------------------------------------------------------------------------------------------------


def frozen(path) -> Register:
    empty = Register(path)
    return freeze(empty, "2026-10", {"chats.csv": "0"}, on=dt.date(2026, 11, 11), who="老板")


def test_a_frozen_month_is_kept_and_never_changed(card, tmp_path):
    scored = Scored(card, "2026-10", pd.DataFrame(), TARGETS, pd.DataFrame(), NAMES, True, ())
    empty = read_archive(archive_path(tmp_path, "S"))
    kept = empty.with_month(results(scored), Register(tmp_path / "r.csv"))
    kept.save()
    again, register = read_archive(kept.path), frozen(tmp_path / "r.csv")
    assert again.with_month(results(scored), register) is again  # as a file gives it back: nothing to change
    row = again.of("A2").iloc[0]
    assert row["score"] == pytest.approx(card.scores.set_index(["month", "agent_id"]).loc[("2026-10", "A2"), "score"])
    other = results(replace(scored, card=replace(card, scores=card.scores.assign(score=1.0))))
    with pytest.raises(CsperfError, match="2026-10"):
        again.with_month(other, register)
    assert again.with_month(other, Register(tmp_path / "r.csv")).of("A2").iloc[0]["score"] == 1  # not frozen yet
    with pytest.raises(CsperfError, match="A5"):
        again.of("nobody")


def test_a_record_shows_months_metrics_corrections_and_signature_of_one_person(card, tmp_path):
    scored = Scored(card, "2026-10", pd.DataFrame(), TARGETS, pd.DataFrame(), NAMES, True, ())
    archive = Archive(tmp_path / "a.csv", results(scored))
    register = frozen(tmp_path / "r.csv")
    register = correct(register, "2026-10", on=dt.date(2026, 11, 20), who="李", agents="A2", reason="退款撤销")
    signed = read_signed(tmp_path / "s.csv")
    signed = signed.with_state(["A2"], "signed", month="2026-10", paper="results", on=ON, who="李")
    page = record(archive, "A2", register, signed, shop="S")
    said = words_of(page)
    for word in ("Canary2Zhang", "2026年10月", "已签", "退款撤销", "2026-12", "(999)"):
        assert word in said
    assert "Canary1Zhang" not in said and pages_of(pdf(page, on=ON)) == 1
    assert "退款撤销" not in words_of(record(archive, "A1", register, signed, shop="S"))


def test_signing_and_records_on_the_command_line(card, tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    (tmp_path / "params.yaml").write_text("shop: S\ntimezone: Asia/Shanghai\n")
    scored = Scored(card, "2026-10", pd.DataFrame(), TARGETS, pd.DataFrame(), NAMES, True, ())
    Archive(archive_path(tmp_path, "S"), results(scored)).save()

    def review(*arguments):
        with pytest.raises(SystemExit) as left:
            cli.main(["review", str(tmp_path / "params.yaml"), *arguments])
        return (left.value.code or 0, "".join(capsys.readouterr()))

    how = ("--month", "2026-10", "--paper", "results", "--by", "李主管", "--date", "2026-11-09")
    assert review("sign", "A1", "A2", *how)[0] == 0
    code, said = review("sign", "A3", *how, "--state", "refused")
    assert code == 1 and "拒签要写原因" in said
    assert review("sign", "A3", *how, "--state", "refused", "--reason", "退款不该算我的")[0] == 0
    said = review("signed", *how[:4])[1]
    assert "A1 绩效结果确认单：已签 2026-11-09" in said and "A3 绩效结果确认单：拒签有异议" in said
    assert "Canary2Zhang（A2）售前" in review("archive")[1]
    assert review("archive", "--agent", "A2", "-o", str(tmp_path / "A2.pdf"))[0] == 0
    assert pages_of((tmp_path / "A2.pdf").read_bytes()) == 1
    assert review("archive", "--agent", "A2", "-o", str(tmp_path / "A2.html"))[0] == 0
    assert "Canary1" not in (tmp_path / "A2.html").read_text("utf-8")
    assert review("archive", "-o", str(tmp_path / "all.pdf"))[0] == 2


# Findings ---------------------------------------------------------------------------------------------------------


def waits(n):
    """Six people's waits in two months, six seconds less in the second, of so many cases each."""
    rows = [
        {"agent_id": f"A{i}", "role": "pre", "level": None, "month": month, "metric": "mean_wait_turn_s"}
        | {"value": 40.0 + i - gain, "n": n, "denominator": float(n), "numerator": n * (40.0 + i - gain)}
        | {"sum_squares": 1.6 * n * (40 + i - gain) ** 2, "left_out": None, "by_day": False}
        for month, gain in zip(MONTHS, (0, 6), strict=True)
        for i in range(6)
    ]
    return pd.DataFrame(rows)


def test_a_finding_shows_then_and_now_with_n_and_whether_chance_moves_so_far():
    head = ["month", "finding", "metric", "role", "agent_id", "measure", "owner", "due"]
    whom = [("mean_wait_turn_s", None), ("mean_wait_turn_s", "A0"), ("csat", None)]
    found = pd.DataFrame([(MONTHS[0], "慢", m, "pre", a, "加人", "李", "2026-10-15") for m, a in whom], columns=head)
    many = effects(found, waits(400), MONTHS[1])
    assert many["moved"].tolist()[:2] == ["better", "better"] and pd.isna(many["moved"][2])
    role = many.iloc[0]
    assert (role["before"], role["after"], role["n_before"], role["n_after"]) == (42.5, 36.5, 2400, 2400)
    few = effects(found, waits(25), MONTHS[1])
    assert few["moved"].tolist()[:2] == ["better", "same"]
    assert effects(found, waits(10), MONTHS[1])["moved"].tolist()[1] == "small"
    assert "3个问题" in findings(many).gt.as_raw_html() and "没有数据" in findings(many).gt.as_raw_html()


def test_a_suggestion_becomes_a_row_of_the_register_only_when_somebody_takes_it_up(tmp_path, capsys, monkeypatch):
    whom = [("A1", 66.3, 101), (None, 71.0, 640)]
    found = pd.DataFrame(whom, columns=["agent_id", "value", "n"]).assign(
        role="pre", metric="mean_wait_turn_s", target=45.0, cause="手打", measure="补快捷短语"
    )
    staff = SimpleNamespace(suggestions=lambda: found, names=NAMES)
    params = SimpleNamespace(folder=tmp_path, shop="S")
    run = SimpleNamespace(params=params, month="2026-10", lang="zh")
    monkeypatch.setenv("CSPERF_LANG", "zh")
    monkeypatch.setattr("csperf.run.open_run", lambda *_, **__: run)
    monkeypatch.setattr(import_module("csperf.personnel"), "personnel", lambda _run: staff)

    def review(*words):
        with pytest.raises(SystemExit) as left:
            cli.main(["review", "params.yaml", "findings", *words])
        return left.value.code, "".join(capsys.readouterr())

    code, told = review()
    assert code == 0 and "1. 售前 Canary1Zhang：" in told and "66.3秒，目标45.0秒（101条）：手打 → 补快捷短语" in told
    assert "2. 售前 整个岗位" in told and not list(tmp_path.iterdir())
    refused = review("2", "7")
    assert refused[0] == 1 and all(word in refused[1] for word in ("--owner", "--due", "第7条", "3"))
    assert review("2", "--owner", "李", "--due", "2026-11-15")[0] == 0
    assert review("1", "--owner", "李", "--due", "2026-11-20")[0] == 0
    kept = read_findings(findings_path(tmp_path, "S"))
    assert kept["agent_id"].fillna("").tolist() == ["", "A1"] and "640条" in kept["finding"][0]
    assert (
        review("2", "--owner", "李", "--due", "2026-11-15")[0] == 1
        and len(read_findings(findings_path(tmp_path, "S"))) == 2
    )


# Several shops ----------------------------------------------------------------------------------------------------


def shop_month(shop, card, served):
    rows = pd.DataFrame([(agent, "pre", n) for agent, n in served.items()], columns=["agent_id", "role", "n"])
    return ShopMonth(shop, f"店{shop}", "2026-10", card, NAMES, rows)


def test_a_person_of_several_shops_has_one_score_weighted_by_the_people_served(card, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    shops = [shop_month("a", card, {"A0": 300.0, "A3": 5.0}), shop_month("b", card, {"A5": 100.0})]
    team = combined(shops, {"王小美": {"a": "A0", "b": "A5"}})
    score = card.scores[card.scores["month"] == "2026-10"].set_index("agent_id")["score"]
    mine = team.scores.set_index("person").loc["王小美"]
    assert mine["score"] == pytest.approx(0.75 * score["A0"] + 0.25 * score["A5"])
    assert (mine["served"], mine["shops"]) == (400, 2)
    alone = team.scores.set_index("person")["score"]
    assert alone["Canary3Zhang（店a）"] == pytest.approx(score["A3"]) == alone["Canary3Zhang（店b）"]
    pages = team_sheets(replace(team, shops=(shops[0], replace(shops[1], stamp="暂估"))), "zh")
    said = words_of(pages["王小美"])
    assert pages["王小美"].stamp == "店b: 暂估" and pages["Canary3Zhang_店a"].stamp == ""
    assert len(pages) == 11 and "店a 售前" in said and "75.0%" in said and "Canary" not in said


def test_people_of_one_name_are_never_taken_for_one(card, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    shops = [replace(shop_month(shop, card, {}), title="旗舰店", names=dict.fromkeys(NAMES, "王芳")) for shop in "ab"]
    team = combined(shops, {})
    assert team.scores["person"].is_unique and len(team.scores) == 12
    assert "王芳（旗舰店 b A3）" in set(team.scores["person"])


def test_a_team_that_fits_no_shop_is_refused_with_everything_wrong(monkeypatch, tmp_path):
    def opened(path, **_more):
        table = pd.DataFrame({"agent_id": ["A1", "A2"]})
        return SimpleNamespace(month="2026-10", params=SimpleNamespace(shop=path.parent.name), table=lambda _: table)

    monkeypatch.setattr("csperf.teams.open_run", opened)
    people = "{甲: {a: A1, c: A1}, 乙: {a: A1, b: A9}}"
    (tmp_path / "team.yaml").write_text(f"shops: [a/p.yaml, b/p.yaml, b/q.yaml]\npeople: {people}\n", encoding="utf-8")
    with pytest.raises(CsperfError) as told:
        score_team(tmp_path / "team.yaml")
    said = [problem.message for problem in told.value.problems]
    assert len(said) == 4 and '"b"' in said[0] and "甲" in said[1] and '"c"' in said[2] and '"A9"' in said[3]


def test_without_the_people_served_nothing_is_weighed_by_a_guess(card, tmp_path):
    with pytest.raises(CsperfError, match="王小美"):
        combined([shop_month("a", card, {"A0": 300.0}), shop_month("b", card, {})], {"王小美": {"a": "A0", "b": "A5"}})
    (tmp_path / "team.yaml").write_text("shops: []\npeopel: {}\n")
    with pytest.raises(CsperfError) as told:
        read_team(tmp_path / "team.yaml")
    assert len(told.value.problems) == 2
