"""A small made-up shop, loaded, and its packs in both languages: made once for the tests that look at pages."""

from __future__ import annotations

from pathlib import Path

import pytest

from csperf.load import load
from csperf.params import load_params
from csperf.sample import make


@pytest.fixture(scope="session")
def small_shop(tmp_path_factory) -> Path:
    """The params file of a made-up shop of three months whose exports are loaded."""
    folder = tmp_path_factory.mktemp("shop")
    make(folder, months=3, agents=10, messages=6000)
    params_file = folder / "params.yaml"
    load(load_params(params_file).loading)
    return params_file


@pytest.fixture(scope="session")
def packs(small_shop) -> dict[str, Path]:
    """The folder of the newest month's pack in each language."""
    from csperf.report import run_pack

    return {lang: run_pack(small_shop, lang=lang) for lang in ("zh", "en")}


@pytest.fixture(scope="session")
def settled_pack(small_shop) -> Path:
    """The newest month settled before its time, in Chinese: the pages 01 and 06 and what people get."""
    from csperf.report import run_pack

    pages = "01_data_quality,06_scorecard"
    return run_pack(small_shop, month="2026-10", stage="settle", force=True, only=pages, lang="zh")
