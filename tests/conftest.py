"""What many tests only look at, made once in a run however many workers it has: a small made-up shop and its packs.

Whichever worker comes first makes it, the others wait for it, and each has a copy of its own to write to.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

from csperf import cli
from csperf.load import load
from csperf.params import load_params
from csperf.sample import make

Made = Callable[[str, Callable[[Path], None]], Path]
PARAMS = "params.yaml"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files that need the packs first: they take longest, and no worker should be left alone with them at the end."""
    long = {item.path for item in items if "packs" in getattr(item, "fixturenames", ())}
    items.sort(key=lambda item: item.path not in long)


@pytest.fixture(scope="session")
def made_once(tmp_path_factory, worker_id) -> Made:
    """The folder of this name, filled by the function it is given if no worker of this run has done so yet."""
    own = tmp_path_factory.getbasetemp()
    shared = own if worker_id == "master" else own.parent

    def folder(name: str, fill: Callable[[Path], None]) -> Path:
        made, unfinished = shared / f"made-{name}", shared / f"unfinished-{name}"
        with FileLock(shared / f"{name}.lock"):
            if not made.exists():
                shutil.rmtree(unfinished, ignore_errors=True)
                fill(unfinished)
                unfinished.rename(made)
        return made

    return folder


@pytest.fixture(scope="session")
def loaded_shop(made_once) -> Path:
    """The folder of a made-up shop of three months whose exports are loaded and whose facts are worked out."""
    from csperf.run import facts, open_run

    def fill(folder: Path) -> None:
        make(folder, months=3, agents=10, messages=6000)
        load(load_params(folder / PARAMS).loading)
        dict(facts(open_run(folder / PARAMS)))

    return made_once("shop", fill)


@pytest.fixture(scope="session")
def small_shop(loaded_shop, tmp_path_factory) -> Path:
    """The params file of that shop."""
    return shutil.copytree(loaded_shop, tmp_path_factory.mktemp("shop") / "shop") / PARAMS


@pytest.fixture(scope="session")
def packs(made_once, loaded_shop, small_shop) -> dict[str, Path]:
    """The folder of the newest month's pack in each language."""
    from csperf.kernels import warm_kernels
    from csperf.report import run_pack

    def fill(folder: Path) -> None:
        shutil.copytree(loaded_shop, folder)
        with warm_kernels(2) as kernels:
            for lang in ("zh", "en"):
                run_pack(folder / PARAMS, lang=lang, jobs=2, kernels=kernels)

    return copied(made_once("packs", fill), small_shop)


@pytest.fixture(scope="session")
def settled_pack(made_once, loaded_shop, small_shop) -> Path:
    """The newest month settled before its time, in Chinese: the pages 01 and 06 and what people get."""
    from csperf.report import run_pack

    def fill(folder: Path) -> None:
        shutil.copytree(loaded_shop, folder)
        pages = "01_data_quality,06_scorecard"
        run_pack(folder / PARAMS, month="2026-10", stage="settle", force=True, only=pages, lang="zh", jobs=2)

    (pack,) = copied(made_once("settled", fill), small_shop).values()
    return pack


@pytest.fixture(scope="module")
def browser():
    """A real browser, started once for a file; for the whole run its event loop would be in others' way."""
    driver = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    found = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if not found:
        pytest.skip("no Chromium on this machine (Debian: apt install chromium)")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
    with driver.sync_playwright() as started:
        chromium = started.chromium.launch(executable_path=found, args=flags)
        yield chromium
        chromium.close()


@pytest.fixture
def run(monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    """Runs csperf in this process: exit code, what it said, what it complained of."""

    def csperf(*arguments: object, lang: str = "en") -> tuple[int, str, str]:
        monkeypatch.setenv("CSPERF_LANG", lang)
        with pytest.raises(SystemExit) as left:
            cli.main([str(argument) for argument in arguments])
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return int(left.value.code or 0), said.out, said.err

    return csperf


def copied(made: Path, small_shop: Path) -> dict[str, Path]:
    """The packs that were made, in the reports of the worker's own shop, by name."""
    reports = shutil.copytree(made / "reports", small_shop.parent / "reports", dirs_exist_ok=True)
    found = [path.relative_to(made / "reports") for path in (made / "reports").glob("*/*/*")]
    return {path.name: reports / path for path in found}
