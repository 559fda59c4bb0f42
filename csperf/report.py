"""The month's pack: notebooks run by Papermill, pages that need no network, tables as files, and what they came from.

The folder `<reports>/<shop>/<month>-<stage>/<lang>/` appears whole or not at all, and is the same to the byte for the
same input, interpreter and lock. How long things took goes to `<reports>/.log/`, outside everything that is hashed.
"""

from __future__ import annotations

import hashlib
import json
import logging
import platform
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cache
from importlib.metadata import version
from pathlib import Path
from threading import get_ident
from typing import Any

import nbformat
import pandas as pd
import papermill
import xlsxwriter
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from nbclient.exceptions import DeadKernelError
from nbconvert import HTMLExporter
from nbformat import NotebookNode
from papermill.exceptions import PapermillExecutionError
from traitlets.config import Config

from . import __version__
from .errors import CsperfError, Problem
from .export import write_table
from .handouts import MIME as HANDOUTS
from .handouts import Handouts
from .kernels import Kernels, clean_start, warm_kernels
from .proposal import DRAWN, Drawn
from .run import AS_OF, Run
from .stages import FIRST_PAGE as WITH_FIRST_PAGE
from .stages import Pack, open_pack
from .tables import MIME, figures
from .text import LANGUAGES, say, words
from .text.numbers import day_words, month_words

PACKAGE = Path(__file__).resolve().parent
NOTEBOOKS = PACKAGE.parent / "notebooks"
TEMPLATES = PACKAGE / "templates"
FRONT = TEMPLATES / "frontpage" / "first_page.ipynb"
NEEDS = "needs-"
PARAMETERS = ("params_file", "month", "lang")
# What a page may depend on: a change in one of these may change its bytes.
VERSIONED = (
    "ibis-framework",
    "duckdb",
    "pandas",
    "numpy",
    "matplotlib",
    "seaborn",
    "great-tables",
    "nbconvert",
    "papermill",
    "typst",
    "zhplot",
)
FIRST_PAGE = "首页"  # the name of its files in every language: it is what people look for
NARROW, WIDE_COLUMN = 8, 40  # characters of a column in Excel

Progress = Callable[[str], None]


@dataclass(frozen=True)
class Page:
    """A notebook that was run: its name, title, what it is about (its first paragraph), HTML, the tables it showed."""

    name: str
    title: str
    lead: str
    html: str
    tables: dict[str, pd.DataFrame]


def run_pack(
    params_file: str | Path,
    *,
    month: str = "",
    lang: str = "",
    stage: str = "plan",
    as_of: str = "",
    force: bool = False,
    only: str | Sequence[str] = (),
    jobs: int = 1,
    kernels: Kernels | None = None,
    progress: Progress | None = None,
) -> Path:
    """The folder of the finished pack: 首页 as HTML, PDF and PNG, index.html, a page per notebook, tables, run.json.

    `stage`, `month`, `as_of`, `force`: see stages.open_pack; `lang` defaults to the shop's; `only` names notebooks (a
    list, or names joined by commas) and writes to `<lang>.partial` beside the pack; `jobs` notebooks run at once, in
    `kernels` where packs share them; `progress` is told each page's name as it is done. CsperfError where a person's
    file or parameter is wrong, a notebook's included: nothing is written then.
    """
    pack = open_pack(params_file, stage, month=month, lang=lang, as_of=as_of, force=force)
    run = pack.run
    chosen = [name for name in (only.split(",") if isinstance(only, str) else only) if name]
    found = [path for path in find_notebooks(chosen) if chosen or pack.has(path.stem)]
    notebooks = [path for path in found if not _lacks(path, run)]
    target = Path(run.params.reports) / run.params.shop / f"{run.month}-{stage}" / (run.lang + ".partial" * bool(only))
    seconds: dict[str, float] = {}
    # Last, in a kernel that has worked out the month's targets already.
    drawing = [FRONT] if stage in WITH_FIRST_PAGE and not chosen else []
    every = [*notebooks, *drawing]
    with nullcontext(kernels) if kernels else warm_kernels(jobs) as warm:
        executed = _execute(every, Path(params_file), run, (jobs, warm), seconds, progress or (lambda _name: None))
    handouts = {path: content for notebook in executed.values() for path, content in _handouts(notebook)}
    front = _received(executed.pop(FRONT.stem)) if drawing else None
    pages = _pages(executed, pack)
    with replacing(target) as folder:
        _write_handouts(folder, handouts)
        _write(folder, pages, front, pack, Path(params_file))
    _log(run, stage, seconds)
    return target


def run_packs(
    params_files: Sequence[str | Path], *, jobs: int = 1, progress: Progress | None = None, **how: Any
) -> Iterator[Path]:
    """The folders of several shops' packs, in the order of the files; `jobs` kernels are shared by all.

    `how` goes to run_pack. A shop whose pack cannot be made does not stop the others: what is wrong with any of them is
    raised at the end, as one CsperfError.
    """
    if len(params_files) == 1:
        yield run_pack(params_files[0], jobs=jobs, progress=progress, **how)
        return
    problems: list[Problem] = []
    # One pack more than kernels: while a pack is written the next one has its kernel.
    with warm_kernels(jobs) as kernels, ThreadPoolExecutor(jobs + 1) as pool:
        distinct = dict.fromkeys(params_files)  # one named twice is made once: no two may write to the same place
        made = {file: pool.submit(run_pack, file, kernels=kernels, progress=progress, **how) for file in distinct}
        for file in params_files:
            try:
                yield made[file].result()
            except CsperfError as error:
                problems += error.problems
    if problems:
        raise CsperfError(problems)


def _received(notebook: NotebookNode) -> Drawn | None:
    """The first page that the notebook drew; null where there was no target to speak of."""
    data = next(o["data"][DRAWN] for c in notebook.cells for o in c.get("outputs", ()) if DRAWN in o.get("data", {}))
    drawn = Drawn.received(data)
    return drawn if drawn.title else None


def _handouts(notebook: NotebookNode) -> Iterator[tuple[str, bytes]]:
    """The files that a notebook drew for people; their outputs are taken out, for no page shows them."""
    for cell in notebook.cells:
        outputs = cell.get("outputs", ())
        for output in outputs:
            if HANDOUTS in output.get("data", {}):
                yield from Handouts.received(output["data"][HANDOUTS]).files.items()
        if outputs:
            cell.outputs = [output for output in outputs if HANDOUTS not in output.get("data", {})]


def _write_handouts(folder: Path, handouts: Mapping[str, bytes]) -> None:
    for path, content in handouts.items():
        place = folder / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content)


def find_notebooks(only: Sequence[str] = (), folder: Path | None = None) -> list[Path]:
    """The notebooks of the pack in reading order, each with exactly the parameters of PARAMETERS.

    Papermill only logs a parameter it does not know and runs on with the default: the wrong month, looking right.
    So names are compared first. CsperfError lists every wrong name and every wrong first cell.
    """
    found = {path.stem: path for path in sorted((folder or NOTEBOOKS).glob("[0-9][0-9]_*.ipynb"))}
    unknown = [name for name in only if name not in found]
    slots = {"allowed": ", ".join(found)}
    problems = [Problem("--only", say("report.notebook_unknown", name=name, **slots)) for name in unknown]
    notebooks = [path for name, path in found.items() if not only or name in only]
    problems += [problem for path in notebooks for problem in _wrong_parameters(path)]
    if problems:
        raise CsperfError(problems)
    return notebooks


@contextmanager
def replacing(target: Path) -> Iterator[Path]:
    """A new folder beside `target` to write to, which takes its place when the block ends well.

    Otherwise it vanishes and the old one stays. The old one is renamed aside before the new one is renamed in, so
    that a reader never meets half a pack.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(prefix=f".{target.name}-new-", dir=target.parent))
    aside = fresh.with_name(fresh.name.replace("-new-", "-old-"))
    try:
        fresh.chmod(0o755)  # mkdtemp makes it private; a report is for reading
        yield fresh
        if target.exists():
            target.rename(aside)
        fresh.rename(target)
    finally:
        for leftover in (fresh, aside):
            shutil.rmtree(leftover, ignore_errors=True)


def export_page(notebook: NotebookNode, name: str, *, lang: str, about: Mapping[str, Any]) -> Page:
    """One executed notebook as a page in one language. `about`: what the template says of the pack."""
    clean = _scrub(notebook, lang)
    title = _title(clean.cells) or name
    resources = {"page": {**about, "title": title, "name": name, "lang": lang, "words": words("report", lang)}}
    html, _ = _exporter(get_ident()).from_notebook_node(clean, resources=resources)
    return Page(name, title, _lead(clean), _trim(html), dict(_tables(clean)))


@cache
def _exporter(_thread: int) -> HTMLExporter:
    """A thread's own exporter, which compiles its templates once."""
    config = Config({"HTMLExporter": {"extra_template_basedirs": [str(TEMPLATES)], "template_name": "page"}})
    return HTMLExporter(config=config, exclude_anchor_links=True, embed_images=True)


def _execute(
    notebooks: Sequence[Path],
    params_file: Path,
    run: Run,
    where: tuple[int, Kernels],
    seconds: dict[str, float],
    progress: Progress,
) -> dict[str, NotebookNode]:
    """The executed notebooks by name, so many kernels side by side, each running its share one after another."""
    jobs, kernels = where
    lanes = [notebooks[lane::jobs] for lane in range(min(jobs, len(notebooks)))]

    def work(lane: Sequence[Path]) -> dict[str, NotebookNode]:
        with kernels.one() as kernel:
            return {path.stem: _run_one(path, params_file, run, kernel, seconds, progress) for path in lane}

    with ThreadPoolExecutor(len(lanes)) as pool:
        done = {name: notebook for part in pool.map(work, lanes) for name, notebook in part.items()}
    return {path.stem: done[path.stem] for path in notebooks}


def _run_one(
    path: Path, params_file: Path, run: Run, kernel, seconds: dict[str, float], progress: Progress
) -> NotebookNode:
    """One notebook, run in the kernel as if in a new one."""
    started = time.monotonic()
    logging.getLogger("papermill").setLevel(logging.ERROR)
    given = {"params_file": params_file.name, "month": run.month, "lang": run.lang}
    notebook = nbformat.read(path, as_version=4)
    held = set(run.store.tables())
    notebook.cells = [cell for cell in notebook.cells if _needs(cell) <= held]
    as_of = run.as_of.isoformat() if run.store.until else ""
    begun = clean_start(params_file.resolve().parent, {"CSPERF_LANG": run.lang, AS_OF: as_of})
    # Before the first cell, so that nothing of the notebook before is left; papermill keeps it as a cell of ours.
    notebook.cells.insert(0, nbformat.v4.new_code_cell(begun, id="reset", metadata={"tags": ["hidden"]}))
    try:
        return papermill.execute_notebook(notebook, None, given, km=kernel, progress_bar=False)
    except PapermillExecutionError as error:
        raise _stopped(path, error) from error
    except DeadKernelError as error:
        raise CsperfError(Problem(path.name, say("report.kernel_died"))) from error
    finally:
        seconds[path.stem] = time.monotonic() - started
        progress(path.stem)


def _stopped(path: Path, error: PapermillExecutionError) -> Exception:
    """People's mistakes come out as they went in; anything else is a defect and keeps its traceback."""
    if error.ename != "CsperfError":
        return error
    return CsperfError(Problem(path.name, say("report.notebook_stopped", cell=error.cell_index, message=error.evalue)))


def _lacks(path: Path, run: Run) -> set[str]:
    """Tables that the notebook says it needs and the shop has not: such a page would be empty and is left out."""
    about, held = nbformat.read(path, as_version=4).metadata.get("csperf", {}), set(run.store.tables())
    any_of = set(about.get("any_of", ()))  # of these one will do
    return set(about.get("needs", ())) - held or (any_of if not any_of & held else set())


def _needs(cell: NotebookNode) -> set[str]:
    """Tables without which a cell has nothing to say, from its tags `needs-<table>`."""
    return {tag.removeprefix(NEEDS) for tag in cell.metadata.get("tags", ()) if tag.startswith(NEEDS)}


def _wrong_parameters(path: Path) -> Iterator[Problem]:
    found = sorted(papermill.inspect_notebook(str(path)))
    if found != sorted(PARAMETERS):
        slots = {"found": ", ".join(found) or "–", "allowed": ", ".join(PARAMETERS)}
        yield Problem(path.name, say("report.parameters_wrong", **slots))


def _scrub(notebook: NotebookNode, lang: str) -> NotebookNode:
    """The notebook in one language without what differs between runs: ids, timings, counters, warnings."""
    cells = [_scrub_cell(cell, number) for number, cell in enumerate(_in_language(notebook, lang))]
    plain = nbformat.v4.new_notebook(cells=cells)
    plain.metadata["language_info"] = {"name": "python", "pygments_lexer": "ipython3"}
    return plain


def _in_language(notebook: NotebookNode, lang: str) -> list[NotebookNode]:
    other = {f"lang-{code}" for code in LANGUAGES if code != lang}
    return [cell for cell in notebook.cells if not other & set(cell.metadata.get("tags", ()))]


def _scrub_cell(cell: NotebookNode, number: int) -> NotebookNode:
    tags = list(cell.metadata.get("tags", ()))
    if cell.cell_type != "code":
        return nbformat.v4.new_markdown_cell(cell.source, id=f"cell-{number}", metadata={"tags": tags})
    outputs = [o for o in cell.outputs if o.get("name") != "stderr"]
    for output in outputs:
        output.update({key: None for key in ("execution_count",) if key in output})
        output.update({"metadata": {}} if "metadata" in output else {})
    return nbformat.v4.new_code_cell(cell.source, id=f"cell-{number}", outputs=outputs, metadata={"tags": tags})


def _title(cells: Sequence[NotebookNode]) -> str:
    headings = (re.search(r"^# (.+)$", c.source, re.MULTILINE) for c in cells if c.cell_type == "markdown")
    return next((found[1].strip() for found in headings if found), "")


def _lead(notebook: NotebookNode) -> str:
    """The first paragraph of the page as plain text; empty where there is none."""
    said = [c.source.replace("**", "") for c in notebook.cells if c.cell_type == "markdown"]
    paragraphs = [part.strip() for part in "\n\n".join(said[:1]).split("\n\n")]
    return next((part for part in paragraphs if part and not part.startswith("#")), "")


def _trim(html: str) -> str:
    return re.sub(r"[ \t]+\n", "\n", re.sub(r"\n{3,}", "\n\n", html)).strip() + "\n"


def _tables(notebook: NotebookNode) -> Iterator[tuple[str, pd.DataFrame]]:
    """The tables that the notebook showed, as they are behind the page."""
    for cell in notebook.cells:
        for output in cell.get("outputs", ()):
            data = output.get("data", {}).get(MIME)
            if data:
                yield data["name"], pd.DataFrame(data["rows"], columns=data["columns"], dtype=object).convert_dtypes()


def _pages(executed: Mapping[str, NotebookNode], pack: Pack) -> list[Page]:
    lang = pack.run.lang
    about = _about(pack) | {"pages": [(name, _title(_in_language(nb, lang)) or name) for name, nb in executed.items()]}
    return [export_page(notebook, name, lang=lang, about=about) for name, notebook in executed.items()]


def _about(pack: Pack) -> dict[str, Any]:
    """What every page says of the pack."""
    run, lang, shop = pack.run, pack.run.lang, pack.run.params.title(pack.run.lang)
    return {
        "shop": shop,
        "pack": say("report.pack_title", lang, shop=shop, month=month_words(run.month, lang)),
        "stage": say(f"report.stage_{pack.stage}", lang),
        "as_of": say("report.known_before", lang, day=day_words(run.as_of, lang)),
        "stamp": pack.stamp(lang),
        "provisional": say("stages.provisional", lang),
        "definitions": run.definition.name,
        "definitions_words": say(f"report.set_{run.definition.name}", lang),
        "made_by": say("report.made_by", lang, version=__version__),
    }


def _write(folder: Path, pages: Sequence[Page], front: Drawn | None, pack: Pack, params_file: Path) -> None:
    """All files of the pack; run.json last, over what was written."""
    tables = {name: frame for page in pages for name, frame in page.tables.items()}
    if pack.open:
        tables = {name: frame.assign(provisional=True) for name, frame in tables.items()}
    (folder / "tables").mkdir()
    for page in pages:
        (folder / f"{page.name}.html").write_text(page.html, encoding="utf-8", newline="\n")
    for name, frame in tables.items():
        write_table(frame, folder / "tables" / f"{name}.csv")
    _workbook(folder / "pack.xlsx", tables, pack.run.last_day)
    if front:
        for ending in ("html", "pdf", "png"):
            (folder / f"{FIRST_PAGE}.{ending}").write_bytes(getattr(front, ending))
    index = _index(pages, front, pack, _for_people(folder))
    (folder / "index.html").write_text(index, encoding="utf-8", newline="\n")
    facts = _run_facts(folder, pack, params_file)
    (folder / "run.json").write_text(
        json.dumps(facts, ensure_ascii=False, indent=1) + "\n", encoding="utf-8", newline="\n"
    )


def _for_people(folder: Path) -> dict[str, list[str]]:
    """The papers and sheets that were written, by folder ("" for the pack's own)."""
    found: dict[str, list[str]] = {}
    for path in sorted(folder.rglob("*.pdf"), key=lambda path: (path.parent != folder, path)):
        within = path.relative_to(folder).parent.as_posix().strip(".")
        if path.stem != FIRST_PAGE:
            found.setdefault(within, []).append(path.stem)
    return found


def _index(pages: Sequence[Page], front: Drawn | None, pack: Pack, handouts: Mapping[str, list[str]]) -> str:
    """The contents: the first page, the month in figures, each page's question with its tables, what people get."""
    run = pack.run
    env = Environment(loader=FileSystemLoader(TEMPLATES / "page"), autoescape=True, undefined=StrictUndefined)
    about = {**_about(pack), "name": "index", "pages": [(page.name, page.title) for page in pages]}
    slots = {"words": words("report", run.lang), "lang": run.lang, "pages": pages}
    link = {"name": FIRST_PAGE, "title": front.title} if front else None
    slots["file_words"] = {name: say(f"tables.file_{name}", run.lang) for page in pages for name in page.tables}
    key = [page.tables["key_figures"] for page in pages if "key_figures" in page.tables]
    slots["handouts"] = handouts
    slots["figures"] = [figure for frame in key for figure in figures(frame, run.lang)]
    days = f"{run.first_day.isoformat()} – {run.last_day.isoformat()}"
    return _trim(env.get_template("contents.html.j2").render(page=about, days=days, front=link, **slots))


def _workbook(path: Path, tables: Mapping[str, pd.DataFrame], created: date) -> None:
    """All tables as one xlsx, a sheet each; text never becomes a formula or a link."""
    book = xlsxwriter.Workbook(str(path), {"strings_to_formulas": False, "strings_to_urls": False})
    book.set_properties(
        {"created": datetime(created.year, created.month, created.day, tzinfo=UTC).replace(tzinfo=None)}
    )
    bold = book.add_format({"bold": True})
    for name, frame in tables.items():
        sheet = book.add_worksheet(name[:31])
        sheet.freeze_panes(1, 1)
        for column, head in enumerate(frame.columns):
            cells = [None if pd.isna(cell) else cell for cell in frame[head].astype(object)]
            longest = max([len(str(head)), *(len(str(cell)) for cell in cells)])
            sheet.set_column(column, column, min(max(longest + 2, NARROW), WIDE_COLUMN))
            sheet.write_string(0, column, str(head), bold)
            sheet.write_column(1, column, cells)
    book.close()


def _run_facts(folder: Path, pack: Pack, params_file: Path) -> dict[str, Any]:
    """What the pack was made from and what it consists of: no times, no paths of a machine."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    run = pack.run
    manifest = run.store.manifest()["files"]
    return {
        "shop": run.params.shop,
        "month": run.month,
        "stage": pack.stage,
        "as_of": run.as_of.isoformat(),
        "provisional": {one.metric: one.from_day.isoformat() for one in pack.open},
        "lang": run.lang,
        "first_day": run.first_day.isoformat(),
        "last_day": run.last_day.isoformat(),
        "definitions": run.definition.model_dump(mode="json"),
        "params": {params_file.name: _sha256(params_file)},
        "notebooks": {path.name: _sha256(path) for path in sorted(NOTEBOOKS.glob("[0-9][0-9]_*.ipynb"))},
        "inputs": {name: about["sha256"] for name, about in sorted(manifest.items())},
        "seed": None,  # nothing in these pages is drawn by chance
        "versions": {"csperf": __version__, "python": _minor(), **{name: version(name) for name in VERSIONED}},
        "files": {path.relative_to(folder).as_posix(): _sha256(path) for path in files},
    }


def _minor() -> str:
    return f"{platform.python_implementation()} {sys.version_info.major}.{sys.version_info.minor}"


def _sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _log(run: Run, stage: str, seconds: Mapping[str, float]) -> None:
    folder = Path(run.params.reports) / ".log"
    folder.mkdir(parents=True, exist_ok=True)
    at = datetime.now(UTC).isoformat(timespec="seconds")
    spent = {name: round(second, 2) for name, second in seconds.items()}
    line = {"at": at, "month": run.month, "stage": stage, "lang": run.lang, "seconds": spent}
    with (folder / f"{run.params.shop}.jsonl").open("a", encoding="utf-8") as log:
        log.write(json.dumps(line, ensure_ascii=False) + "\n")
