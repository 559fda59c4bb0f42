"""The pack: whole or not at all, the same bytes twice, one language a page, nothing that points out of it."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess
from html import unescape
from urllib.parse import unquote

import nbformat
import pandas as pd
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from csperf import report
from csperf.errors import CsperfError
from csperf.kernels import warm_kernels
from csperf.report import find_notebooks, replacing, run_pack, run_packs
from csperf.run import open_run
from csperf.targets import core_metrics
from csperf.text import words
from csperf.text.numbers import number

PAGES = ["01_data_quality", "02_metric_by_hand", "03_performance", "04_targets", "05_weights", "07_target_review"]
PAGES += ["10_aftersale", "11_staffing"]


def notebook(*cells, parameters='params_file = ""\nmonth = ""\nlang = ""'):
    first = new_code_cell(parameters, metadata={"tags": ["parameters"]})
    return new_notebook(
        cells=[first, *cells], metadata={"kernelspec": {"name": "python3", "display_name": "P", "language": "python"}}
    )


def hashes(folder):
    return {
        p.relative_to(folder).as_posix(): hashlib.sha256(p.read_bytes()).hexdigest()
        for p in folder.rglob("*")
        if p.is_file()
    }


def test_the_pack_is_complete(packs):
    folder = packs["zh"]
    assert folder.parts[-3:] == ("demo", "2026-10-plan", "zh")
    assert sorted(p.stem for p in folder.glob("*.html")) == sorted([*PAGES, "index", "首页"])
    assert {p.name for p in folder.iterdir()} >= {"tables", "pack.xlsx", "run.json", "公示.pdf", "确认单"}
    assert len(list((folder / "确认单").glob("*.pdf"))) == len(list((packs["en"] / "confirmations").glob("*.pdf"))) > 0
    assert {"shop_day.csv", "agent_day.csv", "targets.csv", "three_sources.csv", "loading.csv"} <= {
        p.name for p in (folder / "tables").iterdir()
    }


def test_the_index_links_to_every_page_and_table_and_all_are_there(packs):
    for folder in packs.values():
        links = re.findall(r'href="([^"#:]+)"', (folder / "index.html").read_text("utf-8"))
        assert {f"{page}.html" for page in PAGES} <= set(links)
        assert [link for link in links if not (folder / unquote(link)).is_file()] == []


def test_the_index_names_each_table_in_words_and_shows_the_month(packs):
    for lang, folder in packs.items():
        html = (folder / "index.html").read_text("utf-8")
        links = re.findall(r'href="tables/(\w+)\.csv">([^<]+)</a> <small>(\w+)\.csv', html)
        assert sorted(name for name, _, _ in links) == sorted(path.stem for path in (folder / "tables").iterdir())
        assert all(name == small != said for name, said, small in links)
        assert f"<b>{number(sessions(folder), 'count')}</b>" in html and "n=" in html
        assert words("report", lang)["set_shop"] in unescape(html)


def sessions(folder):
    return pd.read_csv(folder / "tables" / "shop_day.csv")["sessions_per_day"].sum()


def test_pages_name_no_address_and_run_no_script(packs):
    for folder in packs.values():
        for page in folder.glob("*.html"):
            html = page.read_text("utf-8")
            assert re.findall(r"https?://[^\s\"'<]+|<script|<link[^>]+stylesheet|@import", html) == [], page.name


def test_each_pack_speaks_one_language(packs):
    zh, en = ((packs[lang] / "04_targets.html").read_text("utf-8") for lang in ("zh", "en"))
    assert "目标定多少才合理" in zh and "What is a reasonable target" not in zh
    assert "What is a reasonable target" in en and "目标定多少才合理" not in en
    assert '<html lang="zh">' in zh and '<html lang="en">' in en


def test_pages_show_no_machine_and_no_chat(packs, small_shop):
    for folder in packs.values():
        for page in [*folder.glob("*.html"), *folder.glob("*.json"), *folder.rglob("*.csv")]:
            text = page.read_text("utf-8")
            assert str(small_shop.parent) not in text, page.name
            assert "Traceback" not in text and "Warning:" not in text, page.name


@pytest.fixture(scope="module")
def buyers(small_shop) -> set[str]:
    """Who bought or asked in the shop, own accounts left out."""
    run = open_run(small_shop)
    rows = [run.table(name)["buyer_id"].dropna() for name in ("messages", "orders", "complaints", "ratings")]
    return set(pd.concat(rows)) - set(run.params.internal_accounts)


def test_no_buyer_stands_in_what_the_pack_shows(packs, buyers):
    for folder in packs.values():
        for page in [*folder.rglob("*.html"), *folder.rglob("*.json"), *folder.rglob("*.csv")]:
            text = page.read_text("utf-8")
            assert [buyer for buyer in buyers if buyer in text] == [], page.name


@pytest.mark.skipif(not shutil.which("pdftotext"), reason="reading a PDF's words needs poppler's pdftotext")
def test_no_buyer_stands_in_what_is_printed(packs, buyers):
    printed = list(packs["zh"].rglob("*.pdf"))
    texts = [subprocess.run(["pdftotext", path, "-"], capture_output=True, check=True).stdout for path in printed]
    assert all("示例旗舰店".encode() in text for text in texts)
    every = b"".join(texts).decode()
    assert [buyer for buyer in buyers if buyer in every] == []


def test_no_metric_that_nobody_asked_for_is_said_to_lack_data(packs):
    targets = pd.read_csv(packs["zh"] / "tables" / "targets.csv")
    assert set(targets.loc[targets["role"] != "shop", "metric"]) <= set(core_metrics("taobao"))


def test_warm_kernels_give_the_bytes_of_fresh_ones(packs, small_shop, tmp_path, monkeypatch):
    """Those that share kernels again do so in another order; three that work much out have one of their own."""
    run_one = report._run_one

    def apart(path, params, run, kernel, *more):
        if path.stem not in ("03_performance", "04_targets", "07_target_review"):
            return run_one(path, params, run, kernel, *more)
        with warm_kernels() as kernels, kernels.one() as fresh:
            return run_one(path, params, run, fresh, *more)

    monkeypatch.setattr(report, "_run_one", apart)
    before = hashes(packs["zh"])
    kept = shutil.copytree(packs["zh"], tmp_path / "kept")
    again = run_pack(small_shop, lang="zh")
    assert again == packs["zh"] and hashes(kept) == before
    assert {name for name, digest in hashes(again).items() if before.get(name) != digest} == set()


@pytest.fixture
def two_shops(loaded_shop, small_shop, tmp_path):
    """Their settings: each lacks the chats of another account, and of none is anything worked out yet."""

    def without(place):
        folder = shutil.copytree(loaded_shop, tmp_path / str(place), ignore=shutil.ignore_patterns("store.derived"))
        accounts = sorted(open_run(folder / small_shop.name).table("messages")["account_id"].unique())
        for path in (folder / "store" / "messages").glob("*.parquet"):
            rows = pq.read_table(path)
            pq.write_table(rows.filter(pc.not_equal(rows["account_id"], accounts[place])), path)
        return folder / small_shop.name

    return without(0), without(1)


def test_a_shop_after_another_has_the_bytes_that_it_has_in_a_fresh_kernel(two_shops):
    """What a warm kernel keeps are expressions and SQL: no row of the shop before is in them."""
    before, shop = two_shops
    page = {"only": "03_performance", "lang": "zh"}
    with warm_kernels() as kernels:
        others = hashes(run_pack(before, kernels=kernels, **page))
        after = hashes(run_pack(shop, kernels=kernels, **page))
    shutil.rmtree(shop.parent / "store.derived")
    assert hashes(run_pack(shop, **page)) == after
    assert others["03_performance.html"] != after["03_performance.html"]


def test_run_json_says_what_went_in(packs):
    facts = json.loads((packs["zh"] / "run.json").read_text("utf-8"))
    assert (facts["shop"], facts["month"], facts["stage"], facts["lang"]) == ("demo", "2026-10", "plan", "zh")
    assert facts["definitions"]["name"] == "shop" and facts["inputs"] and len(facts["notebooks"]) >= 4
    digest = hashlib.sha256((packs["zh"] / "index.html").read_bytes()).hexdigest()
    assert facts["files"]["index.html"] == digest
    assert "run.json" not in facts["files"]


def test_timings_stand_outside(packs):
    folder = packs["zh"]
    log = (folder.parents[2] / ".log" / "demo.jsonl").read_text("utf-8").splitlines()
    assert {*PAGES, "first_page"} in [set(json.loads(line)["seconds"]) for line in log]


def test_tables_and_workbook_hold_the_same(packs):
    folder = packs["en"]
    book = pd.read_excel(folder / "pack.xlsx", sheet_name=None, engine="calamine")
    assert {path.stem[:31] for path in (folder / "tables").iterdir()} == set(book)
    csv = pd.read_csv(folder / "tables" / "targets.csv")
    assert list(csv.columns) == list(book["targets"].columns)
    assert csv["target"].tolist() == pytest.approx(book["targets"]["target"].tolist(), nan_ok=True)


def test_a_hand_made_number_agrees_with_csperf(packs):
    both = pd.read_csv(packs["zh"] / "tables" / "by_hand.csv")["mean_wait_turn_s"]
    assert both[0] == pytest.approx(both[1], rel=1e-12)


def test_only_some_pages_go_beside_the_pack(packs, small_shop):
    before = hashes(packs["zh"])
    folder = run_pack(small_shop, lang="zh", only="01_data_quality")
    assert folder.name == "zh.partial" and [p.stem for p in folder.glob("0*.html")] == ["01_data_quality"]
    assert hashes(packs["zh"]) == before


def test_wrong_words_on_the_command_line_are_named(small_shop):
    with pytest.raises(CsperfError, match=r"05_nothing.*01_data_quality"):
        run_pack(small_shop, lang="en", only=["05_nothing"])
    with pytest.raises(CsperfError, match=r"settled.*plan, progress, settle"):
        run_pack(small_shop, stage="settled")


def test_a_notebook_whose_parameters_differ_is_refused(tmp_path):
    nbformat.write(notebook(parameters='params = ""\nmonth = ""\nlang = ""'), tmp_path / "01_wrong.ipynb")
    with pytest.raises(CsperfError, match=r"(?s)01_wrong.*lang, month, params.*params_file"):
        find_notebooks(folder=tmp_path)


@pytest.fixture
def failing(tmp_path, monkeypatch):
    def use(source):
        nbformat.write(notebook(new_code_cell(source)), tmp_path / "01_failing.ipynb")
        monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)

    return use


def test_a_persons_mistake_in_a_notebook_comes_out_as_one_and_nothing_is_written(packs, small_shop, failing):
    failing(
        "from csperf.errors import CsperfError, Problem\nraise CsperfError(Problem('orders.csv', 'no such column'))"
    )
    before = hashes(packs["en"])
    with pytest.raises(CsperfError, match="no such column"):
        run_pack(small_shop, lang="en")
    assert hashes(packs["en"]) == before
    assert [path.name for path in packs["en"].parent.iterdir() if path.name.startswith(".")] == []


def test_a_defect_in_a_notebook_keeps_its_traceback(small_shop, failing):
    failing("1 / 0")
    with pytest.raises(report.PapermillExecutionError, match="ZeroDivisionError"):
        run_pack(small_shop, lang="en")


def test_notebooks_share_a_kernel_but_no_names(small_shop, tmp_path, monkeypatch):
    nbformat.write(notebook(new_code_cell("left = 1")), tmp_path / "01_first.ipynb")
    nbformat.write(notebook(new_code_cell("assert 'left' not in globals()")), tmp_path / "02_second.ipynb")
    monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)
    assert run_pack(small_shop, lang="en", only="01_first,02_second").is_dir()


def test_a_notebook_whose_tables_are_missing_is_left_out(small_shop, tmp_path, monkeypatch):
    pages = {"01_here": [], "02_phone": ["calls"]}
    for name, needs in pages.items():
        page = notebook(new_markdown_cell(f"# {name}"))
        page.metadata["csperf"] = {"needs": needs}
        nbformat.write(page, tmp_path / f"{name}.ipynb")
    monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)
    folder = run_pack(small_shop, lang="en", only="01_here,02_phone")
    assert [p.stem for p in folder.glob("0*.html")] == ["01_here"]


def test_replacing_keeps_the_old_folder_when_writing_fails(tmp_path):
    target = tmp_path / "pack"
    with replacing(target) as folder:
        (folder / "a").write_text("old")
    with pytest.raises(ValueError, match="half"), replacing(target) as folder:
        (folder / "a").write_text("new")
        raise ValueError("half")
    assert (target / "a").read_text() == "old" and [p.name for p in tmp_path.iterdir()] == ["pack"]
    with replacing(target) as folder:
        (folder / "b").write_text("new")
    assert [p.name for p in target.iterdir()] == ["b"]


def test_shops_share_kernels_and_the_wrong_one_does_not_stop_the_others(small_shop, tmp_path, monkeypatch):
    nbformat.write(notebook(new_code_cell("import os\nprint(os.getcwd())\nsix = 6")), tmp_path / "01_where.ipynb")
    monkeypatch.setattr(report, "NOTEBOOKS", tmp_path)
    missing = tmp_path / "missing.yaml"
    pages: list[str] = []
    made = run_packs([small_shop, missing, small_shop], jobs=1, progress=pages.append, lang="en", only="01_where")
    assert next(made).is_dir() and next(made).is_dir()
    with pytest.raises(CsperfError, match="missing"):
        next(made)
    assert len(pages) == 1, "a shop that is named twice is made once"
