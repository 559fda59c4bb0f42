"""`csperf review` as a newcomer meets it: a target from proposal to freeze, and every step taken wrongly."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest
from python_calamine import CalamineWorkbook
from xlsxwriter import Workbook

from csperf import cli
from csperf.cli_review import CAUSES, OUTCOMES, review
from csperf.targets import appeals, register
from csperf.targets.register_file import read_register

COMMANDS = [command.name for command in review.registered_commands]
PARAMS = "shop: shop\ntimezone: Asia/Shanghai\n"
TARGETS = """metric,role,level,base,target,stretch,grade,half_width,attainment,attainment_low,attainment_high,team,why
conversion_paid_user,pre,mid,0.50,0.55,0.60,publish,0.01,0.6,0.4,0.8,10,own level 54.2%
first_reply_s,pre,,40,30,20,publish,1,0.6,0.4,0.8,10,own level 31 s
handle_min,pre,,9,8,7,trial,1,0.6,0.4,0.8,10,few months
"""
PROPOSE = ("propose", "--month", "2026-11", "--date", "2026-10-22", "--by", "Lin")
PUBLISH = ("publish", "--month", "2026-11", "--date", "2026-10-27", "--reason", "agreed")


@pytest.fixture(autouse=True)
def english(monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "en")


@pytest.fixture
def shop(tmp_path) -> Path:
    """A shop's settings and a table of targets beside them; no data."""
    (tmp_path / "params.yaml").write_text(PARAMS, encoding="utf-8")
    (tmp_path / "targets.csv").write_text(TARGETS, encoding="utf-8")
    return tmp_path


@pytest.fixture
def run(capsys, shop):
    """Runs `csperf review PARAMS ...` in this process: exit code, what it said, what it complained of."""

    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["review", str(shop / "params.yaml"), *map(str, arguments)])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(left.value.code or 0), said.out, " ".join(said.err.split())

    return run


@pytest.fixture
def proposed(run, shop):
    """The three targets proposed for November, and the form written."""
    code, said, complaint = run(*PROPOSE, "--targets", shop / "targets.csv")
    assert code == 0, complaint
    return said


def events(shop: Path) -> list[register.Event]:
    return list(read_register(shop / "shop.register.csv").events)


def fill(form: Path, cells: dict[tuple[int, str], object]) -> None:
    """Fills cells of the form, (row in Excel, heading) -> what is written, as a person would."""
    rows = CalamineWorkbook.from_path(form).get_sheet_by_index(0).to_python()
    book = Workbook(form)
    sheet = book.add_worksheet("Target values")
    for row, line in enumerate(rows):
        for column, cell in enumerate(line):
            sheet.write(row, column, cells.get((row + 1, str(rows[0][column])), cell))
    book.close()


# Help --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", COMMANDS)
def test_each_command_shows_an_example(run, name):
    code, said, _ = run(name, "--help")
    assert code == 0
    assert f"Example: csperf review params/demo.yaml {name}" in said


def test_the_words_of_the_options_are_those_of_the_register():
    """Kept apart so that --help imports nothing heavy."""
    assert CAUSES == register.CAUSES
    assert OUTCOMES == appeals.OUTCOMES


# The whole way -----------------------------------------------------------------------------------------------------


def test_from_proposal_to_publication_by_the_form(run, shop, proposed):
    assert "3 proposed, 0 unchanged" in proposed
    form = shop / "Target values.xlsx"
    fill(
        form,
        {(2, "Adopted by"): "Wang", (3, "Adopted"): 33, (3, "Adopted by"): "Wang", (3, "Reason for the change"): "new"},
    )
    code, said, complaint = run(*PUBLISH, "--from", "Target values.xlsx")
    assert code == 0, complaint
    assert "2 published, in force from 2026-11-01" in said
    assert "1 rows of the form are empty" in said
    assert "how many will meet the adopted value was not computed anew" in said
    in_force = register.published(read_register(shop / "shop.register.csv"), "2026-11")
    assert in_force["target"].tolist() == [0.55, 33.0]
    assert [event.act for event in events(shop)] == ["propose"] * 3 + ["publish"] * 2
    assert {event.who for event in events(shop)[3:]} == {"Wang"}
    code, said, _ = run("show", "--month", "2026-11")
    assert "A0001 published: Pre-sale Middle," in said
    code, said, _ = run("show", "--month", "2026-11", "-o", shop / "in force.csv")
    assert pd.read_csv(shop / "in force.csv")["proposed"].tolist() == [0.55, 30.0]


def test_the_form_reads_the_same_in_chinese(run, shop, monkeypatch):
    monkeypatch.setenv("CSPERF_LANG", "zh")
    run(*PROPOSE, "--targets", shop / "targets.csv")
    fill(
        shop / "目标设定.xlsx",
        {
            (2, "采用值"): "52%",
            (2, "调整原因"): "两人新来",
            (2, "采用人"): "王主管",
            (2, "季度内改动的缘由"): "平台规则",
        },
    )
    code, said, complaint = run(*PUBLISH, "--from", "目标设定.xlsx")
    assert code == 0, complaint
    assert "目标 52.0%（及格线 50.0%，挑战值 60.0%），2026-11-01 起" in said
    assert events(shop)[-1].cause == "rule"


def test_proposed_again_within_the_error_nothing_moves(run, shop, proposed):
    run(*PUBLISH, "A0001", "A0002", "--by", "Wang")
    (shop / "targets.csv").write_text(TARGETS.replace("0.50,0.55", "0.50,0.556"), encoding="utf-8")
    again = ("propose", "--month", "2027-02", "--date", "2027-01-20", "--by", "Lin", "--targets", shop / "targets.csv")
    code, said, _ = run(*again)
    assert code == 0
    assert "The new figure is 55.6%; its distance from 55.0% in force is within the error, so it stays." in said
    assert "1 proposed, 2 unchanged" in said


def test_objection_answer_and_freeze_without_data(run, shop, proposed):
    run(*PUBLISH, "A0001", "--by", "Wang")
    assert run("object", "A0001", "--by", "Mei", "--reason", "newcomers cannot reach it")[0] == 0
    code, _, complaint = run("answer", "B0001", "--by", "Wang", "--outcome", "dismissed", "--reason", "fits")
    assert code == 1
    assert "somebody else must review it" in complaint
    assert run("answer", "B0001", "--by", "Li", "--outcome", "dismissed", "--reason", "protected")[0] == 0
    code, _, complaint = run("freeze", "--month", "2026-11", "--by", "Chen", "--date", "2026-12-11")
    assert code == 1
    assert "nothing of 2026-11 is loaded" in complaint
    assert run("retire", "A0001", "--month", "2026-12", "--by", "Wang", "--reason", "not scored")[0] == 0
    assert "A0001" not in run("show")[1]


# Done wrongly ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (("publish", "--by", "Wang"), "name targets, or give the filled-in form"),
        (("publish", "A0001", "--from", "x.xlsx"), "one of the two"),
        (("publish", "A0001", "A0002", "--value", "0.5"), "--value goes with one number"),
        (("publish", "A0001", "--value", "half"), '"half" is no number'),
        (("publish", "A0001", "--cause", "mood"), "mood is not allowed; allowed: calendar, volume, rule"),
        (("propose", "--month", "2026-13"), "write YYYY-MM"),
        (("answer", "B0001", "--outcome", "ok"), "ok is not allowed; allowed: upheld, dismissed"),
        (("freeze",), "Usage:"),
        (("tryal",), "No such command"),
    ],
)
def test_wrong_usage_exits_with_2_or_shows_the_help(run, arguments, complaint):
    code, said, found = run(*arguments)
    assert code == 2
    assert complaint in found + said


def test_a_command_in_the_place_of_the_settings_is_told_apart(capsys):
    with pytest.raises(SystemExit) as left:
        cli.main(["review", "propose", "--by", "Lin"])
    assert left.value.code == 2
    assert "csperf review params/demo.yaml propose" in " ".join(capsys.readouterr().err.split())


def test_nobody_proposes(run, shop):
    code, _, complaint = run("propose", "--month", "2026-11", "--targets", shop / "targets.csv")
    assert code == 1
    assert "say who with --by" in complaint
    assert not (shop / "shop.register.csv").exists()


def test_faults_of_a_table_of_targets_are_named_by_cell(run, shop):
    (shop / "targets.csv").write_text(
        TARGETS.replace("0.55", "much").replace("handle_min", "handel_min"), encoding="utf-8"
    )
    code, _, complaint = run(*PROPOSE, "--targets", shop / "targets.csv")
    assert code == 1
    assert 'row 2 "target" "much" is no number' in complaint
    assert 'row 4 "metric" there is no metric "handel_min"' in complaint
    assert not (shop / "shop.register.csv").exists()


def test_every_wrong_cell_of_the_form_is_named(run, shop, proposed):
    wrong = {(2, "Adopted"): 52, (2, "Adopted by"): "Wang", (3, "Adopted"): 33, (3, "Proposed"): 31}
    fill(shop / "Target values.xlsx", wrong | {(4, "No."): "A9", (4, "Adopted by"): "Wang"})
    code, _, complaint = run(*PUBLISH, "--from", shop / "Target values.xlsx")
    assert code == 1
    assert "Target values.xlsx row 2 Adopted: found 52, but this is a share; write 52% or 0.52" in complaint
    assert "row 3 Proposed: found 31.0 s, the register has 30.0 s" in complaint
    assert "Adopted by: a value is adopted but nobody is named" in complaint
    assert "row 4 No.: there is no target A9" in complaint
    assert len(events(shop)) == 3


def test_what_is_refused_names_the_row_of_the_form(run, shop, proposed):
    fill(shop / "Target values.xlsx", {(3, "Adopted"): 33, (3, "Adopted by"): "Wang", (4, "Adopted by"): "Wang"})
    code, _, complaint = run(*PUBLISH, "--from", shop / "Target values.xlsx")
    assert code == 1
    assert "Target values.xlsx row 3 the adopted value 33.0 s is not the proposed 30.0 s; write the reason" in complaint
    assert 'row 4 A0003 is graded "for trial"' in complaint
    assert len(events(shop)) == 3


def test_an_unfilled_form_publishes_nothing(run, shop, proposed):
    code, _, complaint = run(*PUBLISH, "--from", shop / "Target values.xlsx")
    assert code == 1
    assert "no row has a value or a name under Adopted" in complaint


def test_a_filled_form_is_not_overwritten(run, shop, proposed):
    fill(shop / "Target values.xlsx", {(2, "Adopted by"): "Wang"})
    before = (shop / "Target values.xlsx").read_bytes()
    code, _, complaint = run(*PROPOSE, "--targets", shop / "targets.csv")
    assert code == 1
    assert "holds 1 adopted rows that are not published" in complaint
    assert (shop / "Target values.xlsx").read_bytes() == before
    assert len(events(shop)) == 3


def test_the_example_of_a_new_shop_s_form_is_not_read(capsys, tmp_path):
    with pytest.raises(SystemExit):
        cli.main(["new", str(tmp_path / "s"), "--lang", "zh"])
    with pytest.raises(SystemExit) as left:
        cli.main(
            ["review", str(tmp_path / "s" / "params.yaml"), *PUBLISH, "--from", str(tmp_path / "s" / "目标设定.xlsx")]
        )
    assert left.value.code == 1
    assert "no row has a value" in capsys.readouterr().err


def test_a_trial_without_data_says_what_to_load(run, proposed):
    code, _, complaint = run("trial", "A0003", "--by", "Wang")
    assert code == 1
    assert "First run: csperf load" in complaint


def test_a_number_that_is_not_there(run, proposed):
    for command in ("trial", "verdict", "retire", "publish"):
        code, _, complaint = run(command, "A0009", "--by", "Wang", *(["--reason", "x"] if command[0] in "rp" else []))
        assert code == 1
        assert "there is no target A0009" in complaint


# With data ---------------------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def loaded(tmp_path_factory) -> Path:
    """The settings of a made-up shop of one metric, four months loaded."""
    from csperf.load import load
    from csperf.params import load_params
    from csperf.sample import make

    params = make(tmp_path_factory.mktemp("made"), months=4, agents=8, messages=9000).params
    params.write_text(params.read_text(encoding="utf-8") + "\nmetrics: [reply_30s_msg]\n", encoding="utf-8")
    load(load_params(params).loading)
    return params


def test_a_trial_from_its_plan_to_its_verdict_and_a_frozen_month(loaded, capsys):
    def run(*arguments: object) -> tuple[int, str, str]:
        with pytest.raises(SystemExit) as left:
            cli.main(["review", str(loaded), *map(str, arguments)])
        said = capsys.readouterr()
        return int(left.value.code or 0), said.out, said.err

    from csperf.review import open_shop

    months = open_shop(loaded).store.months()
    trial, after = months[-1], "2027-06-15"
    code, said, complaint = run("propose", "--month", trial, "--by", "Lin")
    assert code == 0, complaint
    first = events_of(loaded)[0].id
    code, said, complaint = run("trial", first, "--month", trial, "--pilots", "3", "--months", "1", "--by", "Wang")
    assert code == 0, complaint
    assert "3 people drawn at random" in said
    assert "nothing looks wrong so far" in said
    code, _, complaint = run("publish", first, "--by", "Wang", "--reason", "agreed")
    assert code == 1
    assert "still on trial without verdict" in complaint
    code, said, complaint = run("verdict", first, "--by", "Wang")
    assert code == 0, complaint
    assert "people and 1 months on trial" in said
    code, _, complaint = run("freeze", "--month", trial, "--by", "Chen", "--date", after)
    assert code == 0, complaint
    assert f"{trial} is frozen" in run("show")[1]
    chats = next(path for path in (loaded.parent / "exports" / "chats").iterdir() if trial in path.name)
    frozen = open_shop(loaded).register.frozen_inputs(trial)
    assert any(chats.name in name for name in frozen)
    assert not any("truth" in name for name in frozen)
    code, _, complaint = run("publish", first, "--month", trial, "--by", "Wang", "--reason", "agreed")
    assert f"{trial} is frozen" in complaint
    code, said, _ = run(
        "correct", "--month", trial, "--agent", "A01", "--reason", "refund", "--by", "Li", "--date", after
    )
    assert "correction C0001: A01" in said


def events_of(params: Path) -> list[register.Event]:
    from csperf.review import open_shop

    return list(open_shop(params).register.events)
