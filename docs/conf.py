"""Sphinx settings. Neither building nor reading the pages loads remote assets."""

import json
import sys
from pathlib import Path

import sktextconv
from sktextconv.estimator_checks import CHECKS
from sktextconv.estimator_checks._sklearn_checks import WITHOUT_VARIANT

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from benchmarks._render import as_list_table  # noqa: E402
from benchmarks.accuracy import samples, select, small_tables, tables  # noqa: E402
from benchmarks.speed import (  # noqa: E402
    gpu,
    growth_tables as growth,
    latency,
    many_texts,
    processes,
    serving,
    tables as speed,
    threads,
)

project = "sktextconv"
author = "The sktextconv developers"
copyright = "2026, the sktextconv developers"
version = release = sktextconv.__version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "numpydoc",
    "sphinx_gallery.gen_gallery",
]
templates_path = ["templates"]
html_static_path = ["static"]
html_css_files = ["landing.css"]
exclude_patterns = [
    "_build",
    "_public_names.rst",  # included by reference.rst
    "examples",
    "sg_execution_times.rst",
    "gallery/sg_*",
]
sphinx_gallery_conf = {
    "examples_dirs": "examples",
    "gallery_dirs": "gallery",
    "within_subsection_order": "ExampleTitleSortKey",
    "download_all_examples": False,
    "show_signature": False,
    "show_memory": False,
    "min_reported_time": 1e9,  # no page of run times
    "abort_on_example_error": True,
    "capture_repr": ("_repr_html_",),
    "matplotlib_animations": False,
    "remove_config_comments": True,
}
try:
    sktextconv.SynonymReplacer().augment(["film"], seed=0, epoch=0)
except LookupError:
    # Without WordNet, show its example but do not run it.
    sphinx_gallery_conf["filename_pattern"] = r"/plot_(?!augmentation)"
nitpicky = False
autosummary_generate = ["reference.rst", "_public_names.rst"]
numpydoc_show_class_members = False
autodoc_typehints = "none"  # the docstrings give the types
autodoc_default_options = {"members": False}

html_theme = "pydata_sphinx_theme"
html_title = "sktextconv"
html_theme_options = {"show_prev_next": False, "navigation_with_keys": False}
html_sidebars = {page: [] for page in ("index", "contributing")}
html_show_sourcelink = False

# Sections of the reference: for each package, the heading and the public names that
# users import from the package, not from `sktextconv`.
REFERENCE = {
    "networks": ("Neural network classifiers", ()),
    "baselines": ("Linear classifiers", ()),
    "feature_extraction": (
        "Feature extraction",
        ("CountScaler", "BagOfMeansVectorizer", "LogCountRatio"),
    ),
    "comparison": (
        "Comparison of models",
        ("Result", "Estimate", "Difference", "Curve", "TextErrors", "Cell", "Left"),
    ),
    "datasets": ("Data sets and files", ("join_fields",)),
    "augmentation": ("Data augmentation", ()),
    "inspection": ("Model inspection", ("Span", "DeletionCurve")),
    "persistence": ("Persistence and export", ()),
    "estimator_checks": ("Estimator checks", ()),
}


def write_public_names(app, config):
    """Write the sections of the reference that list the public names."""
    lines = []
    for package, names in sktextconv._HOMES.items():
        heading, package_names = REFERENCE.get(package, (package, ()))
        paths = [f"sktextconv.{name}" for name in names]
        paths += [f"sktextconv.{package}.{name}" for name in package_names]
        lines += autosummary(heading, paths)
    classifiers = sktextconv._HOMES["networks"]
    modules = [name.removesuffix("Classifier") for name in classifiers]
    paths = [f"sktextconv.networks.{name}" for name in modules]
    lines += autosummary("PyTorch modules", paths)
    (HERE / "_public_names.rst").write_text("\n".join(lines))


def autosummary(heading, paths):
    """Return the lines of a section that summarizes the objects at these paths."""
    lines = [heading, "-" * len(heading), ""]
    lines += [".. autosummary::", "   :toctree: generated", ""]
    return [*lines, *(f"   {path}" for path in paths), ""]


def write_tables(app):
    """Write the tables of the committed benchmark results, which pages include."""
    found = tables.read_results(tables.RESULTS)
    text = tables.render(found, "rst") if found else "No results are committed yet.\n"
    overview = as_list_table(tables.make_overview(found))
    folder = HERE / "generated"
    folder.mkdir(exist_ok=True)
    (folder / "tables.txt").write_text(text)
    (folder / "overview.txt").write_text(overview)
    (folder / "comparisons.txt").write_text(select.render() or "None yet.\n")
    (folder / "precisions.txt").write_text(select.render_precisions() or "None yet.\n")
    (folder / "seeds.txt").write_text(select.render_seeds() or "None yet.\n")
    (folder / "samples.txt").write_text(samples.render() or "None yet.\n")
    tfidf = samples.render(pair="tfidf") or "None yet.\n"
    (folder / "samples_tfidf.txt").write_text(tfidf)
    found = small_tables.read_records()
    (folder / "small.txt").write_text(small_tables.render(found) or "None yet.\n")
    verdicts = small_tables.render_verdicts(found) or "None yet.\n"
    (folder / "small_verdicts.txt").write_text(verdicts)
    small_tables.draw(found).savefig(folder / "small.png", dpi=110)
    measured = json.loads(speed.RESULT.read_text())
    lines = f"{as_list_table(speed.table(measured))}\n{speed.describe(measured)}\n"
    (folder / "speed.txt").write_text(lines)
    misses = as_list_table(speed.make_reason_table(measured))
    (folder / "misses.txt").write_text(misses)
    peaks = as_list_table(speed.make_peak_table(measured))
    (folder / "peaks.txt").write_text(peaks)
    starts = as_list_table(speed.make_start_table(measured))
    (folder / "starts.txt").write_text(starts)
    measured = json.loads(growth.RESULT.read_text())
    for cost in growth.COSTS:
        rows = growth.table(measured, cost)
        (folder / f"growth_{cost}.txt").write_text(as_list_table(rows))
        growth.draw(measured, cost).savefig(folder / f"growth_{cost}.png", dpi=110)
    measured = json.loads(gpu.RESULT.read_text())
    lines = as_list_table(gpu.table(measured)) if measured["networks"] else ""
    (folder / "gpu.txt").write_text(f"{lines}\n{gpu.describe(measured)}\n")
    measured = json.loads(serving.RESULT.read_text())
    (folder / "serving.txt").write_text(serving.as_rst(measured))
    measured = json.loads(serving.RESULT_OF_WORKERS.read_text())
    lines = serving.as_rst(measured, serving.workers_table)
    (folder / "serving_workers.txt").write_text(lines)
    measured = json.loads(latency.RESULT.read_text())
    (folder / "latency.txt").write_text(latency.as_rst(measured))
    measured = json.loads(threads.RESULT.read_text())
    (folder / "threads.txt").write_text(as_list_table(threads.table(measured)))
    measured = json.loads(processes.RESULT.read_text())
    (folder / "processes.txt").write_text(as_list_table(processes.table(measured)))
    traffic = processes.traffic_table(measured)
    (folder / "traffic.txt").write_text(as_list_table(traffic))
    measured = json.loads(many_texts.RESULT.read_text())
    for cost in many_texts.COSTS:
        lines = as_list_table(many_texts.table(measured, cost))
        (folder / f"many_texts_{cost}.txt").write_text(lines)


def write_checks(app):
    """Write the lists of estimator checks, which a page includes."""
    folder = HERE / "generated"
    folder.mkdir(exist_ok=True)
    for name, strict in (("checks", False), ("strict_checks", True)):
        rows = [
            (check.name, check.description, check.replaces.split())
            for check in CHECKS
            if check.strict == strict
        ]
        (folder / f"{name}.txt").write_text(definition_list(rows))
    rows = [(name, f"{reason}.", ()) for name, reason in WITHOUT_VARIANT.items()]
    (folder / "without_variant.txt").write_text(definition_list(rows))


def definition_list(rows):
    """Return the lines of a definition list of checks.

    A row has the name of a check, its description, and the names of the checks of
    scikit-learn that it replaces.
    """
    lines = []
    for name, description, replaced in rows:
        text = description.replace("`", "``")
        others = [f"``{each}``" for each in replaced if each != name]
        if others:
            text += f" *Replaces* {', '.join(others)}."
        elif replaced:
            text += " *Unchanged from scikit-learn.*"
        lines.append(f"``{name}``\n   {text}\n")
    return "\n".join(lines)


def setup(app):
    app.connect("config-inited", write_public_names)
    app.connect("builder-inited", write_tables)
    app.connect("builder-inited", write_checks)
