"""What a report says, computed from the store: a section per suite, with its tables, figures and provenance."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import StoreError
from ..record import CLEAN
from ..store import Store
from ..studies.frame import NOISY_SPREAD, latency_frame, quality_frame, read_plans
from ..studies.robustness import SETTING, by_corruption, by_severity, clean_by_view
from . import figures, tables
from .content import GalleryPicture, Picture, Section, Table

__all__ = ["sections_of"]

Conditions = Mapping[str, Sequence[int]]


def sections_of(folders: Sequence[Path]) -> list[Section]:
    """Compute the report of result folders. Raises StoreError for a folder in which nothing is finished or failed."""
    sections = []
    for folder in folders:
        plans, frames = read_plans(folder), (quality_frame(folder), latency_frame(folder))
        found = [section_of(Store(folder), plan, *frames) for plan in plans]
        if not any(section.tables or section.failures for section in found):
            raise StoreError(f"{folder}: no cell is finished yet; run the suite again to go on")
        sections += found
    return sections


def section_of(store: Store, plan: Mapping[str, Any], quality: pd.DataFrame, latency: pd.DataFrame) -> Section:
    """Compute everything that a report says of one plan from all cells of its folder; writes nothing."""
    keys = {cell["key"]: cell["slug"] for cell in plan["cells"]}
    section = Section(suite=plan["suite"], description=plan["description"], planned=len(keys))
    quality, latency = only(quality, keys), only(latency, keys)
    done = {*quality.get("key", ()), *latency.get("key", ())}
    section.missing = [slug for key, slug in keys.items() if key not in done]
    for name, content in store.failures().items():
        if content["record"]["key"] in keys:
            section.failures.append((name, content["traceback"].strip().splitlines()[-1]))
    if len(quality):
        add_quality(section, store, plan, quality)
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


def add_quality(section: Section, store: Store, plan: Mapping[str, Any], cells: pd.DataFrame) -> None:
    """Add what quality cells tell, a table per setting."""
    conditions = {name: tuple(severities) for name, severities in plan["conditions"]}
    section.synthetic = bool(cells["synthetic"].any())
    protocol = describe_protocol(plan["protocol"], conditions)
    settings = [part for _, part in cells.groupby(SETTING, sort=False)]
    names = tables.unique([part["view"].iloc[0] for part in settings])
    grids: dict[str, pd.DataFrame] = {}
    clean: dict[str, float] = {}
    for name, part in zip(names, settings, strict=True):
        table = by_corruption(part, conditions)
        setting = describe_setting(part.iloc[0])
        add_headline(section, name, table, conditions, f"{protocol}; {setting}")
        for row, title in zip(table.itertuples(), tables.unique(list(table["model"])), strict=True):
            rows = part[(part["model"] == row.model) & (part["checkpoint_sha256"] == row.checkpoint_sha256)]
            grids[f"{title}, {name}"] = by_severity(rows, conditions)
            clean[f"{title}, {name}"] = row.clean
        if (part["corruption"] == CLEAN).any():
            add_classes(section, name, part, setting)
    if len(plan["views"]) > 1 and (cells["corruption"] == CLEAN).any():
        add_views(section, plan, cells)
    if conditions:
        add_curves(section, grids, clean, protocol)
    add_strips(section, store, plan["gallery"], cells, conditions)
    section.gallery += gallery_pictures(store, plan["gallery"], cells)


def add_headline(section: Section, name: str, table: pd.DataFrame, conditions: Conditions, how: str) -> None:
    """Add one setting's table in the layout of the SegFormer paper's Table 5, and what it says."""
    fewest, most = table["fewest_classes"].min(), table["most_classes"].max()
    classes = str(most) if fewest == most else f"{fewest} to {most}"
    caption = f"mIoU in %, mean over the {classes} classes that occur; {how}; weights (sha256) {weights_of(table)}."
    caption += "".join(f" ⚠ {m}: {f}." for m, f in zip(table["model"], table["flags"], strict=True) if f)
    section.tables.append(
        Table(
            file=file_name("robustness", name),
            title=f"{'mIoU under corruption' if conditions else 'Clean mIoU'}, view {name}",
            caption=caption,
            readable=tables.headline(table, conditions),
            full=table,
            main=True,
        )
    )
    section.findings += [finding(row, conditions) for _, row in table.iterrows()]


def add_classes(section: Section, name: str, part: pd.DataFrame, setting: str) -> None:
    """Add the IoU of each class on clean images."""
    table = tables.per_class(part)
    caption = f"IoU in %; {setting}; weights (sha256) {weights_of(part)}."
    title = f"IoU per class, clean images, view {name}"
    readable = tables.readable_classes(table)
    section.tables.append(
        Table(file=file_name("classes", name), title=title, caption=caption, readable=readable, full=table)
    )


def add_views(section: Section, plan: Mapping[str, Any], cells: pd.DataFrame) -> None:
    """Add what a change of view costs on clean images."""
    compared = clean_by_view(cells, plan["views"])
    first = cells.iloc[0]
    caption = (
        f"Clean images of {first['dataset']} {first['split']}, precision {first['precision']}: mIoU in %, and the "
        f"difference to the view {plan['views'][0]} in points; weights (sha256) {weights_of(cells)}."
    )
    readable = tables.views(compared)
    section.tables.append(
        Table(file="views", title="What the view costs", caption=caption, readable=readable, full=compared, main=True)
    )


def add_curves(section: Section, grids: dict[str, pd.DataFrame], clean: dict[str, float], protocol: str) -> None:
    """Add the heat map and the curves."""
    caption = f"mIoU in %; {protocol}; settings and weights as in the tables above."
    for file, title, figure in (
        ("heat-map", "Corruption by severity", figures.heat_maps(grids)),
        ("severity", "mIoU against severity", figures.severity_curves(grids, clean)),
    ):
        section.pictures.append(Picture(file=file, title=title, caption=caption, figure=figure))


def add_strips(
    section: Section, store: Store, gallery: Sequence[str], cells: pd.DataFrame, conditions: Conditions
) -> None:
    """Add a strip per gallery image: the first model and view, clean and at each corruption's highest severity."""
    first = cells.iloc[0]
    same = cells[(cells[[*SETTING, "checkpoint_sha256"]] == first[[*SETTING, "checkpoint_sha256"]]).all(axis=1)]
    wanted = [(CLEAN, 0), *((name, max(severities)) for name, severities in conditions.items())]
    slugs = {(row.corruption, row.severity): store.gallery(row.slug, row.key) for row in same.itertuples()}
    for image_id in gallery:
        places = {
            name.replace("_", " ") + (f", severity {severity}" if severity else ""): slugs[name, severity]
            for name, severity in wanted
            if (name, severity) in slugs and (slugs[name, severity] / f"{image_id}-prediction.png").is_file()
        }
        if not places:
            continue
        shown = (next(iter(places.values())) / f"{image_id}-image.png").is_file()
        what = (
            "images above, predictions below"
            if shown
            else ("label and predictions only, since the data set's terms do not allow showing its images")
        )
        caption = f"{first['model']}, view {first['view']}, {first['dataset']} {image_id}: {what}."
        title = f"What the model {'saw and ' if shown else ''}said: {image_id}"
        figure = figures.strip(places, image_id)
        section.pictures.append(
            Picture(file=f"strip-{image_id}", title=title, caption=caption, figure=figure, group="Gallery")
        )


def gallery_pictures(store: Store, gallery: Sequence[str], cells: pd.DataFrame) -> list[GalleryPicture]:
    """List what the store shows of the gallery's images in the first view."""
    found = []
    for row in cells[cells["view"] == cells["view"].iloc[0]].itertuples():
        place = store.gallery(row.slug, row.key)
        for image_id in gallery:
            image, label, prediction = (place / f"{image_id}-{kind}.png" for kind in ("image", "label", "prediction"))
            if prediction.is_file():
                found.append(
                    GalleryPicture(
                        model=row.model,
                        view=row.view,
                        image_id=image_id,
                        corruption=row.corruption,
                        severity=row.severity,
                        image=image if image.is_file() else None,
                        label=label,
                        prediction=prediction,
                    )
                )
    return found


def add_speed(section: Section, latency: pd.DataFrame) -> None:
    """Add the table of speed cells."""
    machines = "; ".join(sorted({json.loads(text)["machine"] for text in latency["environment"]}))
    busy = ""
    if latency["noisy"].any():
        busy = f"* quartiles further apart than {NOISY_SPREAD:.0%} of the median: the machine was busy. "
    section.tables.append(
        Table(
            file="speed",
            title="Latency",
            caption=f"One batch, after warm-up: from uint8 pixels to logits (median, p90, p99 from 100 samples on), "
            f"from there to a class for each pixel of the input, and both. Images/s are to logits. {busy}{machines}.",
            readable=tables.speed(latency),
            full=latency.drop(columns="environment"),
            main=True,
        )
    )


def finding(row: pd.Series, conditions: Conditions) -> str:
    """Say the main result of a row in one sentence."""
    who = f"{row['model']} ({row['view']}, {row['images']} of {row['of']} images)"
    clean = tables.percent(row[CLEAN])
    if row["missing"]:
        return f"{who}: {row['missing']} cells are missing, so there is no headline; clean {clean} %."
    if not conditions:
        return f"{who} has a clean mIoU of {clean} %."
    worst = min(conditions, key=lambda name: float(row[name]))
    return (
        f"{who} has {clean} % mIoU on clean images and {tables.percent(row['mean'])} % on average over "
        f"{len(conditions)} corruptions: it keeps {tables.percent(row['retention'])} %. Worst is "
        f"{worst.replace('_', ' ')} with {tables.percent(row[worst])} %."
    )


def describe_protocol(name: str, conditions: Conditions) -> str:
    """Name a protocol and its size."""
    cells = sum(len(severities) for severities in conditions.values())
    return f"protocol {name} ({len(conditions)} corruptions, {cells} conditions and clean)"


def describe_setting(row: pd.Series) -> str:
    """Name what all numbers of a table share."""
    return (
        f"dataset {row['dataset']} {row['split']}, {row['images']} of {row['of']} images, fingerprint "
        f"{row['fingerprint'][:12]}; view {row['view']}; precision {row['precision']}; engine version "
        f"{row['engine_version']}; seed {row['seed']}"
    )


def weights_of(rows: pd.DataFrame) -> str:
    """Name models with the beginning of their checkpoints' hashes."""
    pairs = dict.fromkeys(zip(rows["model"], rows["checkpoint_sha256"], strict=True))
    return "; ".join(f"{model} {sha256[:12]}" for model, sha256 in pairs)


def provenance(cells: pd.DataFrame) -> list[str]:
    """Say which commands, code, machines, versions and weights made the numbers."""
    about = [json.loads(text) for text in dict.fromkeys(cells["environment"])]
    lines = [f"command: `{command}`" for command in dict.fromkeys(a["command"] for a in about)]
    for build in dict.fromkeys((a["robustbench_seg"], a["commit"] or "unknown", a["python"]) for a in about):
        lines.append("robustbench-seg {}, commit {}, Python {}".format(*build))
    for versions in dict.fromkeys(json.dumps(a["packages"]) for a in about):
        lines.append(", ".join(f"{name} {version}" for name, version in json.loads(versions).items()))
    lines += [f"machine: {machine}" for machine in dict.fromkeys(a["machine"] for a in about)]
    weights = cells[["model", "checkpoint_sha256", "licence", "parameters", "about"]].drop_duplicates()
    for model, sha256, licence, parameters, text in weights.itertuples(index=False):
        lines.append(f"{model}: {text}; {parameters:,} parameters; weights sha256 {sha256}; licence: {licence}")
    return lines


def file_name(kind: str, name: str) -> str:
    return f"{kind}-{name}".replace(" ", "-").replace("(", "").replace(")", "")
