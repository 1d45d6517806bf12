"""Put a report together and write it: report.md, a CSV per table, an SVG per figure."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd
from matplotlib.figure import Figure

from ..errors import StoreError
from ..files import replacing, write_text
from ..record import CLEAN
from ..store import Store
from ..studies.frame import latency_frame, quality_frame, read_plans
from ..studies.robustness import by_corruption, by_severity, clean_by_view
from . import figures, tables

__all__ = ["Section", "sections_of", "write_report"]


@dataclass(kw_only=True)
class Section:
    """One suite's part of a report. tables: (file, title, caption, for readers, in full). figures likewise."""

    suite: str
    description: str
    planned: int
    synthetic: bool = False
    findings: list[str] = field(default_factory=list)
    tables: list[tuple[str, str, str, pd.DataFrame, pd.DataFrame]] = field(default_factory=list)
    figures: list[tuple[str, str, str, Figure]] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)
    failures: list[tuple[str, str]] = field(default_factory=list)
    provenance: list[str] = field(default_factory=list)


def sections_of(folders: Sequence[Path]) -> list[Section]:
    """Compute the report of result folders, a section per suite. Raises StoreError for a folder without results."""
    return [make_section(folder, plan) for folder in folders for plan in read_plans(folder)]


def write_report(sections: Sequence[Section], out: Path) -> Path:
    """Write sections into the folder `out`; return the path of report.md."""
    rendered = []
    for number, section in enumerate(sections):
        prefix = section.suite if len(sections) == 1 else f"{number + 1}-{section.suite}"
        shown = []
        for file, title, caption, readable, full in section.tables:
            write_text(out / f"{prefix}-{file}.csv", full.to_csv(index=False, lineterminator="\n"))
            shown.append({"title": title, "caption": caption, "body": tables.markdown(readable)})
        pictures = []
        for file, title, caption, figure in section.figures:
            name = f"{prefix}-{file}.svg"
            with replacing(out / name) as temporary:
                figures.save_svg(figure, temporary)
            pictures.append({"title": title, "caption": caption, "file": name})
        rendered.append({**vars(section), "tables": shown, "figures": pictures})
    template = files(__package__).joinpath("page.md").read_text(encoding="utf-8")
    engine = jinja2.Environment(autoescape=False, undefined=jinja2.StrictUndefined, keep_trailing_newline=True)
    title = "Robustness report: " + ", ".join(dict.fromkeys(section.suite for section in sections))
    text = engine.from_string(template).render(title=title, sections=rendered)
    path = out / "report.md"
    write_text(path, re.sub(r"\n{3,}", "\n\n", text))
    return path


def make_section(folder: Path, plan: Mapping[str, Any]) -> Section:
    """Compute everything that a report says of one plan; writes nothing."""
    keys = {cell["key"]: cell["slug"] for cell in plan["cells"]}
    section = Section(suite=plan["suite"], description=plan["description"], planned=len(keys))
    quality, latency = (only(frame, keys) for frame in (quality_frame(folder), latency_frame(folder)))
    if len(quality) + len(latency) == 0 and not Store(folder).failures():
        raise StoreError(f"{folder}: no cell of suite {plan['suite']} is finished yet; run it again to go on")
    done = {*quality.get("key", ()), *latency.get("key", ())}
    section.missing = [slug for key, slug in keys.items() if key not in done]
    for name, content in Store(folder).failures().items():
        if content["record"]["key"] in keys:
            section.failures.append((name, content["traceback"].strip().splitlines()[-1]))
    if len(quality):
        add_quality(section, folder, plan, quality)
    if len(latency):
        add_speed(section, latency)
    finished = [frame for frame in (quality, latency) if len(frame)]
    if finished:
        section.provenance += provenance(pd.concat(finished))
    return section


def only(frame: pd.DataFrame, keys: Mapping[str, str]) -> pd.DataFrame:
    """The rows of a plan's cells, in the plan's order."""
    if not len(frame):
        return frame
    order = {key: place for place, key in enumerate(keys)}
    return frame[frame["key"].isin(order)].sort_values("key", key=lambda column: column.map(order))


def add_quality(section: Section, folder: Path, plan: Mapping[str, Any], cells: pd.DataFrame) -> None:
    """Add the tables and figures of quality cells."""
    conditions = {name: tuple(severities) for name, severities in plan["conditions"]}
    table = by_corruption(cells, conditions)
    section.synthetic = bool(cells["synthetic"].any())
    protocol = describe_protocol(plan["protocol"], conditions)
    for (view, precision), part in table.groupby(["view", "precision"], sort=False):
        weights = "; ".join(
            sorted(f"{m} {c[:12]}" for m, c in zip(part["model"], part["checkpoint_sha256"], strict=True))
        )
        caption = (
            f"mIoU in %, mean over the {common_value(part['classes'])} classes that occur; "
            f"dataset {common_value(part['dataset'])} {common_value(part['split'])}; {protocol}; view {view}; "
            f"precision {precision}; engine version {common_value(part['engine_version'])}; "
            f"seed {common_value(part['seed'])}; weights (sha256) {weights}."
        )
        caption += "".join(f" ⚠ {m}: {f}." for m, f in zip(part["model"], part["flags"], strict=True) if f)
        readable = tables.headline(part, conditions)
        section.tables.append((f"robustness-{view}", f"mIoU under corruption, view {view}", caption, readable, part))
        section.findings += [finding(row, conditions) for _, row in part.iterrows()]
    if cells["view"].nunique() > 1:
        compared = clean_by_view(cells)
        caption = "Clean images; % mIoU and the difference to the model's first view, in points."
        section.tables.append(("views", "What the view costs", caption, tables.views(compared), compared))
    grids, clean = {}, {}
    for row in table.itertuples():
        part = cells[(cells["model"] == row.model) & (cells["view"] == row.view) & (cells["images"] == row.images)]
        name = f"{row.model}, {row.view}" + (f", {row.images} images" if table["images"].nunique() > 1 else "")
        grids[name], clean[name] = by_severity(part, conditions), row.clean
    if conditions:
        section.figures += severity_figures(grids, clean, protocol)
    readable = tables.per_class(cells)
    section.tables.append(("classes", "IoU per class, clean images", "IoU in %.", readable, readable))
    section.figures += strips(folder, plan, cells, conditions)


def severity_figures(
    grids: dict[str, pd.DataFrame], clean: dict[str, float], protocol: str
) -> list[tuple[str, str, str, Figure]]:
    """The heat map and the curves."""
    return [
        ("heat-map", "Corruption by severity", f"mIoU in %; {protocol}.", figures.heat_maps(grids)),
        ("severity", "mIoU against severity", f"{protocol}.", figures.severity_curves(grids, clean)),
    ]


def strips(
    folder: Path, plan: Mapping[str, Any], cells: pd.DataFrame, conditions: Mapping[str, Sequence[int]]
) -> list[tuple[str, str, str, Figure]]:
    """A strip per gallery image, of the first model and view, at each corruption's highest severity."""
    first = cells.iloc[0]
    columns = [(CLEAN, 0), *((name, max(severities)) for name, severities in conditions.items())]
    made = []
    for image_id in plan["gallery"]:
        place = folder / "gallery" / f"{first.model}-{first.dataset}-{CLEAN}-{first.view}"
        if not (place / f"{image_id}-label.png").is_file():
            continue
        what = (
            "images above, predictions below"
            if (place / f"{image_id}-image.png").is_file()
            else ("predictions only, since the data set's terms do not allow showing images")
        )
        figure = figures.strip(folder / "gallery", first.model, first.dataset, first.view, image_id, columns)
        caption = f"{first.model}, view {first.view}, {first.dataset} {image_id}: {what}."
        made.append((f"strip-{image_id}", f"What the model saw and said: {image_id}", caption, figure))
    return made


def add_speed(section: Section, latency: pd.DataFrame) -> None:
    """Add the table of speed cells."""
    caption = "One batch from uint8 pixels to logits, after warm-up; " + "; ".join(
        sorted({json.loads(text)["machine"] for text in latency["environment"]})
    )
    section.tables.append(
        ("speed", "Latency", caption + ".", tables.speed(latency), latency.drop(columns="environment"))
    )


def finding(row: pd.Series, conditions: Mapping[str, Sequence[int]]) -> str:
    """Say the main result of a row in one sentence."""
    who = f"{row['model']} ({row['view']}, {row['images']} of {row['of']} images)"
    if not conditions:
        return f"{who} has a clean mIoU of {tables.percent(row[CLEAN])} %."
    if row["missing"]:
        return (
            f"{who}: {row['missing']} cells are missing, so there is no headline; clean {tables.percent(row[CLEAN])} %."
        )
    worst = min(conditions, key=lambda name: float(row[name]))
    return (
        f"{who} has {tables.percent(row[CLEAN])} % mIoU on clean images and {tables.percent(row['mean'])} % on "
        f"average over {len(conditions)} corruptions: it keeps {tables.percent(row['retention'])} %. Worst is "
        f"{worst.replace('_', ' ')} with {tables.percent(row[worst])} %."
    )


def describe_protocol(name: str, conditions: Mapping[str, Sequence[int]]) -> str:
    """Name a protocol and its size."""
    cells = sum(len(severities) for severities in conditions.values())
    return f"protocol {name} ({len(conditions)} corruptions, {cells} conditions and clean)"


def provenance(cells: pd.DataFrame) -> list[str]:
    """Say which commands, code, machines, versions and weights made the numbers."""
    lines = []
    about = [json.loads(text) for text in dict.fromkeys(cells["environment"])]
    for command in dict.fromkeys(a["command"] for a in about):
        lines.append(f"command: `{command}`")
    for build in dict.fromkeys((a["robustbench_seg"], a["commit"] or "unknown", a["python"]) for a in about):
        lines.append("robustbench-seg {}, commit {}, Python {}".format(*build))
    for versions in dict.fromkeys(json.dumps(a["packages"]) for a in about):
        lines.append(", ".join(f"{name} {version}" for name, version in json.loads(versions).items()))
    lines += [f"machine: {machine}" for machine in dict.fromkeys(a["machine"] for a in about)]
    weights = cells[["model", "checkpoint_sha256", "licence", "parameters"]].drop_duplicates()
    for model, sha256, licence, parameters in weights.itertuples(index=False):
        lines.append(f"weights of {model}: sha256 {sha256}; {parameters:,} parameters; licence: {licence}")
    if any(model.startswith("deeplabv3plus") for model in cells["model"]):
        lines.append(
            "DeepLabV3+ is segmentation-models-pytorch's construction, not that of the SegFormer paper's rows, whose "
            "MobileNetV2 variant has 15.4 M parameters"
        )
    return lines


def common_value(column: pd.Series) -> str:
    return " / ".join(map(str, dict.fromkeys(column)))
