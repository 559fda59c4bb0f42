"""Every page in a real browser with the network off: nothing asked for, nothing complained of, everything drawn."""

from __future__ import annotations

import pytest

PAGES = [
    "index",
    "01_data_quality",
    "02_metric_by_hand",
    "03_performance",
    "04_targets",
    "05_weights",
    "07_target_review",
    "10_aftersale",
    "11_staffing",
]


@pytest.fixture(params=[390, 1280], ids=["phone", "desk"])
def width(request):
    return request.param


@pytest.fixture(params=["zh", "en"])
def folder(request, packs):
    return packs[request.param]


@pytest.mark.parametrize("name", PAGES)
def test_page(browser, folder, width, name):
    looks_right(browser, folder / f"{name}.html", width)


def test_page_of_scores(browser, settled_pack, width):
    looks_right(browser, settled_pack / "06_scorecard.html", width)


def looks_right(browser, file, width):
    context = browser.new_context(viewport={"width": width, "height": 900}, offline=True)
    page, asked, said = context.new_page(), [], []
    page.on("request", lambda request: asked.append(request.url))
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.goto(file.as_uri())
    assert [url for url in asked if not url.startswith(("file:", "data:"))] == []
    assert said == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.locator("h1").count() == 1 and page.locator("h1").bounding_box()["width"] > 0
    assert page.evaluate("[...document.images].filter(i => !i.complete || !i.naturalWidth || !i.alt).length") == 0
    context.close()


def test_chinese_is_drawn_and_not_boxes(browser, packs):
    """Different characters have different shapes; without a Chinese font all are the same box."""
    page = browser.new_context(offline=True).new_page()
    page.goto((packs["zh"] / "index.html").as_uri())
    drawn = page.evaluate(
        """["客", "服", "一"].map(word => {
            const canvas = Object.assign(document.createElement("canvas"), {width: 40, height: 40});
            const pen = canvas.getContext("2d");
            pen.font = "32px " + getComputedStyle(document.body).fontFamily;
            pen.fillText(word, 2, 34);
            return pen.getImageData(0, 0, 40, 40).data.reduce((sum, part) => sum + part, 0);
        })"""
    )
    if len(set(drawn)) == 1:
        pytest.skip("no Chinese font on this machine (Debian: apt install fonts-noto-cjk)")
    assert min(drawn) > 0


def test_wide_tables_scroll_inside_their_box(browser, packs):
    page = browser.new_context(viewport={"width": 390, "height": 900}, offline=True).new_page()
    page.goto((packs["zh"] / "04_targets.html").as_uri())
    inner = page.evaluate(
        "Math.max(...[...document.querySelectorAll('.box > div')].map(b => b.scrollWidth - b.clientWidth))"
    )
    assert inner > 0
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
