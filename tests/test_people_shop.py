"""The people of a shop's store: forms read back, what is open before anybody is paid, the hand-over file, the pages."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pandas as pd
import pytest
import yaml

import csperf as cs
from csperf.cli import main
from csperf.cli_people import ASKED, in_yuan
from csperf.errors import CsperfError
from csperf.personnel import personnel
from csperf.scoring import register_of_events, score_run, usual_weights
from csperf.targets.appeals import correct, freeze
from csperf.targets.register_file import read_register, save
from csperf.text import speaking, words
from csperf.weights.held import held
from csperf.weights.held import published as publish

WAIT, REPLIED = "mean_wait_turn_s", "effective_session_share"
PEOPLE = {"pay": {"bonuses": [{"yuan": 800}], "budget_yuan": 5000}}


ROLES = ("pre", "after", "mixed")


def weights(*points):
    rows = [(metric, role, weight) for role in ROLES for metric, weight in zip((WAIT, REPLIED), points, strict=False)]
    return pd.DataFrame(rows, columns=["metric", "role", "weight"])


def aims():
    rows = [
        (metric, role, None, *lines)
        for role in ROLES
        for metric, lines in ((WAIT, (120, 60, 30)), (REPLIED, (0.8, 0.9, 0.99)))
    ]
    return pd.DataFrame(rows, columns=["metric", "role", "level", "base", "target", "stretch"]).assign(grade="publish")


@pytest.fixture(scope="module")
def shop(small_shop, tmp_path_factory):
    """Settings in a folder of their own over the store that all tests share."""
    folder = tmp_path_factory.mktemp("people")
    settings = yaml.safe_load(small_shop.read_text(encoding="utf-8"))
    settings |= {"root": str(small_shop.parent), "people": PEOPLE}
    path = folder / "params.yaml"
    path.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def staff(shop):
    run = cs.open_run(shop, lang="zh")
    return personnel(run, score_run(run, targets=aims(), weights=weights(60, 40)))


def said(error):
    return "\n".join(f"{p.where}: {p.message}" for p in error.value.problems)


def form(shop, name, **columns):
    pd.DataFrame(columns).to_excel(shop.parent / f"{name}.xlsx", index=False, engine="xlsxwriter")


@pytest.fixture(scope="module")
def answers(staff):
    """What every question of the command line is answered, but for the hand-over file."""
    return {what: ASKED[what](staff) for what in ASKED if what != "handover"}


def test_every_question_has_an_answer(answers):
    assert all(isinstance(table, pd.DataFrame) for table in answers.values())
    assert len(answers["growth"]) > 5 and answers["quotas"]["n"].min() >= 0 and answers["conduct"].empty
    paid = answers["pay"]
    assert 0 < paid["bonus_fen"].sum() <= 500000 and answers["cost"]["people"].iloc[0] == len(paid)
    assert set(answers["awards"]["agent_id"]) <= set(answers["growth"]["agent_id"])


@pytest.mark.parametrize("lang", ["zh", "en"])
def test_the_tables_speak_both_languages(staff, answers, lang):
    how = {"lang": lang, "names": staff.names}
    named = ("growth", "goals", "quotas", "coaching", "suggestions", "conduct", "awards", "promotion", "pay")
    shown = [getattr(cs.tables, name)(answers[name], **how) for name in named]
    shown.append(cs.tables.promotion_steps(staff.promotion_steps(), lang=lang))
    shown.append(cs.tables.pay_cost(answers["cost"], answers["past_cost"], lang=lang))
    for table in shown:
        cells = {str(cell) for column in table.gt._tbl_data for cell in table.gt._tbl_data[column]}
        assert not cells & {"nan", "None", "NaT", "<NA>"}, table.name
        assert f"file_{table.name}" in words("tables", lang)


def test_nothing_is_handed_over_while_something_is_open(staff):
    with pytest.raises(CsperfError) as error:
        personnel(staff.run, replace(staff.scored, in_force=False)).handover()
    assert len(error.value.problems) == 3 and staff.run.month in said(error)  # targets, weights, not frozen


def test_the_hand_over_file_has_money_in_yuan_and_back_pay(shop, staff):
    run, path = staff.run, shop.parent / f"{staff.run.params.shop}.register.csv"
    register = freeze(read_register(path), run.month, {"chats.csv": "0" * 64}, on=dt.date(2027, 1, 11), who="Boss")
    before = f"{pd.Period(run.month, 'M') - 1}"
    register = freeze(register, before, {"chats.csv": "0" * 64}, on=run.first_day, who="Boss")
    register = correct(
        register, before, on=run.first_day - dt.timedelta(days=1), who="HR", agents="A01", reason="refund"
    )
    save(register)
    day = f"{pd.Timestamp(run.first_day) - pd.offsets.QuarterBegin(startingMonth=1):%Y-%m-%d}"
    rows = [f"{day},{metric},{weight},Boss," for metric, weight in ((WAIT, 60), (REPLIED, 40))]
    head = "valid_from,metric,weight,set_by,reason\n"
    (shop.parent / f"{run.params.shop}.weights.csv").write_text(head + "\n".join(rows), encoding="utf-8")
    fresh = personnel(run, staff.scored)
    with pytest.raises(CsperfError) as error:
        fresh.handover()
    assert "C0001" in said(error) and len(error.value.problems) == 1
    form(shop, "补差登记", 编号=["C0001", "C0001"], 客服=["A01", "A02"], **{"金额（元）": [12.34, -5]})
    paid = personnel(run, staff.scored).handover().set_index("agent_id")
    assert paid["correction_fen"].loc[["A01", "A02"]].tolist() == [1234, -500]
    used, sentences = usual_weights(run, staff.scored.values, aims())
    assert used["weight"].tolist() == [60, 40] and "Boss" in sentences[0]
    with speaking("zh"):
        shown = in_yuan(paid.reset_index())
    assert shown["补差（元）"].iloc[0] == 12.34 and "姓名" in shown


def test_an_amount_without_a_correction_is_refused(shop, staff):
    form(shop, "补差登记", 编号=["C0009"], 客服=["A01"], **{"金额（元）": [1]})
    with pytest.raises(CsperfError) as error:
        personnel(staff.run, staff.scored).corrections()
    assert "C0009" in said(error)


def test_the_forms_of_a_new_shop_say_nothing_until_they_are_filled(shop, staff, tmp_path):
    from csperf.filled import filled_in
    from csperf.forms import new_shop

    new_shop(tmp_path, lang="zh", today=dt.date(2026, 10, 1))
    assert [filled_in(tmp_path, name) for name in ("events", "steps", "corrections", "votes")] == [None] * 4


def test_events_are_read_from_the_form_and_there_is_one_register(shop, staff):
    row = {"客服": "A01", "事件日期": "2026-01-03", "事件类型": "服务态度引起的投诉", "证据": "17", "上报人": "x"}
    form(shop, "奖惩登记", **{name: [cell] for name, cell in row.items()})
    found = register_of_events(staff.run)
    assert found["kind"].tolist() == ["complaint"] and "confirmed_by" not in found
    csv = shop.parent / f"{staff.run.params.shop}.events.csv"
    csv.write_text("agent_id,date,kind\nA01,2026-01-03,abuse\n", encoding="utf-8")
    with pytest.raises(CsperfError) as error:
        register_of_events(staff.run)
    csv.unlink()
    assert csv.name in said(error)


def test_a_step_table_with_gaps_is_refused_by_the_form(shop, staff):
    form(shop, "绩效系数表", 分数从=[0, 60, 90], 分数到=[59, 89, None], 系数=[0, 0.8, 1.2])
    with pytest.raises(CsperfError) as error:
        _steps = personnel(staff.run, staff.scored).steps
    (shop.parent / "绩效系数表.xlsx").unlink()
    assert "59.1–59.9" in said(error) and "89.1–89.9" in said(error)


@pytest.mark.parametrize(("what", "code"), [("awardz", 2), ("growth,goals", 2)])
def test_the_command_knows_its_questions(shop, what, code, capsys):
    with pytest.raises(SystemExit) as left:
        main(["people", str(shop), what])
    assert left.value.code == code and "growth" in capsys.readouterr().err


# Weights that hold for a quarter ----------------------------------------------------------------------------------


def published(*rows):
    return pd.DataFrame(rows, columns=["valid_from", "role", "metric", "weight", "set_by", "reason"])


def test_the_newest_published_weights_of_each_role_hold():
    rows = published(
        ("2026-07-01", None, WAIT, 100, "Boss", None),
        ("2026-10-01", None, WAIT, 60, "Boss", None),
        ("2026-10-01", None, REPLIED, 40, "Boss", None),
    )
    assert held(rows, "2026-09")["weight"].tolist() == [100]
    assert held(rows, "2026-12")["weight"].tolist() == [60, 40] and held(rows, "2026-06").empty


def test_weights_changed_within_a_quarter_need_a_written_reason():
    with pytest.raises(CsperfError) as error:
        held(published(("2026-11-01", None, WAIT, 100, "Boss", " ")), "2026-12")
    assert "2026-11-01" in said(error) and len(error.value.problems) == 1
    held(published(("2026-11-01", None, WAIT, 100, "Boss", "the platform changed its rule")), "2026-12")


def test_every_fault_of_published_weights_is_named():
    rows = published(("2026-10-05", "pre", WAIT, 50, None, None), ("2026-10-05", "pre", WAIT, 40, "Boss", None))
    with pytest.raises(CsperfError) as error:
        held(rows, "2026-12", "shop.weights.csv")
    assert len(error.value.problems) == 4 and "shop.weights.csv 2026-10-05" in said(error)


def test_weights_are_published_beside_those_before_and_never_twice():
    before = published(("2026-07-01", "pre", WAIT, 100, "Boss", None))
    fresh = weights(60, 40)[lambda rows: rows["role"] == "pre"]
    rows = publish(before, fresh, start="2026-10-01", who="Li")
    assert held(rows, "2026-09")["weight"].tolist() == [100] and held(rows, "2026-10")["weight"].tolist() == [60, 40]
    with pytest.raises(CsperfError) as error:
        publish(rows, fresh.assign(weight=[60, 30]), start="2026-10-01", who=" ")
    assert len(error.value.problems) == 3 and "90" in said(error)


def test_weights_are_published_and_shown_on_the_command_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    (tmp_path / "params.yaml").write_text("shop: S\ntimezone: Asia/Shanghai\n", encoding="utf-8")
    weights(60, 40).to_csv(tmp_path / "w.csv", index=False)

    def review(*words):
        with pytest.raises(SystemExit) as left:
            main(["review", str(tmp_path / "params.yaml"), *words])
        return left.value.code, "".join(capsys.readouterr())

    asked = ("publish-weights", "--from", str(tmp_path / "w.csv"), "--month")
    assert review(*asked, "2026-11", "--by", "李主管")[0] == 1 and not (tmp_path / "S.weights.csv").exists()
    code, told = review(*asked, "2026-10", "--by", "李主管")
    assert code == 0 and "售前：" in told and "60、" in told and "李主管" in told
    assert told.splitlines()[1:] == review("weights", "--month", "2026-12")[1].splitlines()
    assert "publish-weights" in review("weights", "--month", "2026-09")[1]
