"""What the studies of the zoo state and draw, on stores whose scores are known."""

import re
import sys
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pytest
import yaml
from scipy.stats import kendalltau, spearmanr
from synthetic import write_synthetic
from zoo_files import WEIGHTS, needs_weights
from zoo_study import __main__ as program
from zoo_study import doubling, figures, pairs, ranking, resolution, settling, speed, study, weights
from zoo_study.marks import Mark, draw, labelled
from zoo_study.names import parse, training_sizes
from zoo_study.words import verdict

from robustbench_seg.errors import RobustBenchError, UsageError
from robustbench_seg.store.cell import LatencyCell
from robustbench_seg.store.folder import Store
from robustbench_seg.store.record import Record, latency_key
from robustbench_seg.store.view import View
from robustbench_seg.studies.bootstrap import bootstrap
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.statistics import Interval

ZOO = Path(__file__).parents[2] / "examples/zoo"
PAIRS = [f"espnetv2_s{size}_cityscapes" for size in ("0.5", "1.0", "1.5")]
NAMES = [f"{name}_{side}" for name in PAIRS for side in ("512x256", "1024x512")]
NAMES += [f"zh320_{name}_cityscapes_crop1024" for name in ("enet", "cgnet", "edanet", "dabnet")]
CONDITIONS = {"fog": [1, 3], "brightness": [2], "contrast": [2]}
pytestmark = pytest.mark.usefixtures("few_resamples")


@pytest.fixture
def few_resamples(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(bootstrap.__kwdefaults__, "resamples", 300)


def accuracy(model: str, corruption: str, severity: int, view: View) -> float:
    """Larger training sizes keep more; jitter keeps more under colour; fog separates networks."""
    k = NAMES.index(model)
    loss = {"clean": 0, "fog": 0.05 + 0.02 * k, "brightness": 0.1, "contrast": 0.1}[corruption]
    if model.startswith("zh320_") and corruption in ("brightness", "contrast"):
        loss = 0.02
    return 0.5 + 0.03 * k - loss - 0.04 * (corruption == "fog" and model.endswith("512x256"))


def test_each_sentence_has_the_number_of_the_store(tmp_path: Path) -> None:
    size = {name: 1_000_000 + 1000 * (7 * k % 10) for k, name in enumerate(NAMES)}
    write_synthetic(tmp_path, accuracy, models=NAMES, conditions=CONDITIONS, parameters=size)
    own, lacking = study.read_study([tmp_path])
    assert (sorted(own.names), lacking) == (sorted(NAMES), [])
    cells = quality_frame(tmp_path).set_index(["model", "corruption", "severity"])["miou"]
    clean = np.array([cells[name, "clean", 0] for name in NAMES])
    fog = np.array([(cells[name, "fog", 1] + cells[name, "fog", 3]) / 2 for name in NAMES])
    colour = [np.array([cells[name, each, 2] for name in NAMES]) for each in ("brightness", "contrast")]
    mean = (fog + sum(colour)) / 3
    kept = mean / clean
    text = "\n".join(ranking.sentences(own))
    order = np.argsort(-kept)

    def share(k: int) -> str:
        ends = r"95 % interval [\d.]+ to [\d.]+"
        return rf"{NAMES[k]} \({100 * kept[k]:.1f} %, {ends}, of a clean mIoU of {100 * clean[k]:.1f} %;"

    assert re.search(rf"The largest share is kept by {share(order[0])} rank 1, 1 to \d+\)", text)
    assert re.search(rf"the smallest by {share(order[-1])} rank 10, \d+ to 10\)", text)
    best = int(mean.argmax())
    assert f"The highest mean mIoU under corruption has {NAMES[best]}: {100 * mean[best]:.1f} %, 95 %" in text
    for what, pair in {
        "clean mIoU and retention": (clean, kept),
        "clean mIoU and the points lost under corruption": (clean, clean - mean),
        "parameters and retention": ([size[name] for name in NAMES], kept),
    }.items():
        assert f"Rank correlation of {what}: {spearmanr(*pair).statistic:+.2f}, 95 % interval" in text
    pairs_alike = [(clean[a] - clean[b]) * (mean[a] - mean[b]) > 0 for a in range(10) for b in range(a)]
    tau = kendalltau(clean, mean).statistic
    assert re.search(rf"in {100 * np.mean(pairs_alike):.1f} % of pairs, .* \(Kendall's tau \{tau:+.2f}, 95 %", text)
    paired = kept[1:6:2] - kept[0:6:2]
    assert re.search(rf"In 3 pairs, .* is \{100 * paired.mean():+.1f} points, 95 % interval .*; not resolved", text)
    kept_under = {"fog": fog / clean, "brightness": colour[0] / clean, "contrast": colour[1] / clean}
    widest, second = sorted(kept_under, key=lambda name: -np.std(kept_under[name]))[:2]
    deviation = {name: 100 * np.std(kept_under[name], ddof=1) for name in (widest, second)}
    assert (
        f"under {widest}: the share that they keep has the standard deviation {deviation[widest]:.1f} points, " in text
    )
    assert f", before {second} ({deviation[second]:.1f}); it leads in " in text
    more = sum(colour) / 2 / clean - fog / clean
    assert f"6 without is {100 * (more[6:].mean() - more[:6].mean()):+.1f} points, 95 %" in text
    assert "by repository they are EdgeNets 6, zh320 4." in " ".join(ranking.heading(own))


def test_parts_rank_as_all_do_where_networks_differ_and_halves_do_not_agree_where_only_chance_does(
    tmp_path: Path,
) -> None:
    write_synthetic(tmp_path / "differ", accuracy, models=NAMES, conditions=CONDITIONS)
    own, _ = study.read_study([tmp_path / "differ"])
    parts, halves = settling.sentences(own)
    assert re.match(r"Ranked by .*: \d+ random frames of 40 rank nearly as all 40 do, .* condition", parts)
    assert least_tau(halves) > 0.6
    write_synthetic(
        tmp_path / "alike", lambda *cell: 0.6 - 0.1 * (cell[1] != "clean"), models=NAMES, conditions=CONDITIONS
    )
    own, _ = study.read_study([tmp_path / "alike"])
    assert least_tau(settling.sentences(own)[1]) < 0.5


def least_tau(sentence: str) -> float:
    return float(re.search(r"in the middle and (-?[\d.]+) or more in 95 % of draws", sentence)[1])  # type: ignore[index]


def test_halves_share_no_block() -> None:
    blocks = np.array(list("aabbccdd"))
    for one, other in (settling.half(blocks, np.random.default_rng(k)) for k in range(5)):
        assert not (one & other).any()
        assert (one | other).all()
        assert not {*blocks[one]} & {*blocks[other]}
        assert len({*blocks[one]}) == 2


def test_where_networks_fail_is_counted_and_one_that_fails_on_clean_images_is_left_out(tmp_path: Path) -> None:
    failing = {NAMES[0]: ("clean",), NAMES[1]: ("fog",)}

    def failed(model: str, corruption: str, severity: int, view: View) -> float:
        return 0.02 if corruption in failing.get(model, ()) else accuracy(model, corruption, severity, view)

    write_synthetic(tmp_path, failed, models=NAMES, conditions=CONDITIONS)
    own, left_out = study.read_study([tmp_path])
    assert left_out == [NAMES[0]]
    text = "\n".join(ranking.sentences(own))
    assert "In 2 of 45 cells a network is no better than one class for every pixel (fog 2 of 18)" in text
    assert "nan" not in text


def test_stores_of_other_images_or_suites_are_refused_and_other_weights_are_another_network(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "one", accuracy, models=NAMES[:4], conditions=CONDITIONS)
    write_synthetic(tmp_path / "few", accuracy, models=NAMES[4:], conditions=CONDITIONS, images=20)
    write_synthetic(tmp_path / "fog", accuracy, models=NAMES[4:], conditions={"fog": [1]}, suite="fog")
    write_synthetic(tmp_path / "again", accuracy, models=NAMES[:1], conditions=CONDITIONS, sha256="a" * 64)
    views = [View(), View(scale=2)]
    write_synthetic(tmp_path / "views", accuracy, models=NAMES[4:], conditions=CONDITIONS, views=views)
    for other in ("few", "fog", "views"):
        with pytest.raises(RobustBenchError):
            study.read_study([tmp_path / "one", tmp_path / other])
    own, _ = study.read_study([tmp_path / "one", tmp_path / "again"])
    assert len(own.names) == 5
    assert f"{NAMES[0]} (2)" in own.names
    assert parse(f"{NAMES[0]} (2)") == parse(NAMES[0])


def test_networks_without_all_conditions_are_left_out_and_named(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=NAMES[:5], conditions=CONDITIONS, skip=[f"{NAMES[0]}-toy-fog-3*"])
    assert study.read_study([tmp_path])[1] == NAMES[:1]
    few = tmp_path / "few"
    write_synthetic(few, accuracy, models=NAMES[:2], conditions=CONDITIONS)
    with pytest.raises(UsageError, match="2 networks have all conditions of synthetic; it takes 3"):
        study.read_study([few])


def test_a_name_states_the_architecture_and_how_it_was_trained() -> None:
    small = parse("dicenet_s1.75_cityscapes_512x256")
    assert (small.architecture, small.label, small.jitter, small.small) == ("DiCENet", "DiCENet s1.75", False, True)
    assert parse("zh320_cgnet_cityscapes_crop1024").label == "CGNet (zh320)"
    assert parse("zh320_cgnet_cityscapes_crop1024").jitter
    assert parse("my-net").label == "my-net"
    with (ZOO / "zoo-camvid-c.yaml").open(encoding="utf-8") as file:
        names = [model["name"] for model in yaml.safe_load(file)["models"]]
    assert len(training_sizes(names)) == 7
    assert all(parse(name).architecture != name for name in names)


@pytest.mark.parametrize(
    ("value", "sample", "words"),
    [
        (Interval(0.02, 0.011, 0.03), 7, "significant in itself, but exploratory"),
        (Interval(0.02, 0.011, 0.03), 5, "not resolved: 5 networks are too few"),
        (Interval(0.001, -0.009, 0.009), 7, "the same within 1 point"),
        (Interval(0.005, -0.009, 0.02), 7, "not resolved"),
    ],
)
def test_a_verdict_has_the_words_of_the_grades(value: Interval, sample: int, words: str) -> None:
    assert verdict(value, sample) == words


def test_labels_cover_neither_marks_nor_each_other_and_bytes_depend_on_the_store_alone(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    with (ZOO / "zoo-camvid-c.yaml").open(encoding="utf-8") as file:
        names = [model["name"] for model in yaml.safe_load(file)["models"]]
    x, y = rng.uniform(30, 50, len(names)), rng.uniform(15, 30, len(names))
    marks = [
        Mark(name, Interval(a, a - 1, a + 1), Interval(b, b - 1, b + 1)) for name, a, b in zip(names, x, y, strict=True)
    ]
    drawn, axes = draw(marks, "x", "y")
    boxes = list(labelled(drawn, axes, marks).values())
    assert len(boxes) == 32
    covered = [
        (one, other)
        for k, one in enumerate(boxes)
        for other in boxes[:k]
        if mpl.transforms.Bbox.intersection(one, other)
    ]
    assert not covered
    points = axes.transData.transform(np.column_stack([x, y]))
    assert not [box for box in boxes for point in points if box.contains(*point)]
    write_synthetic(tmp_path / "store", accuracy, models=NAMES, conditions=CONDITIONS)
    for out in ("one", "two"):
        run("ranking", tmp_path / "store", out=tmp_path / out)
    assert (tmp_path / "one/ranking.svg").read_bytes() == (tmp_path / "two/ranking.svg").read_bytes()
    svg = (tmp_path / "one/ranking.svg").read_text(encoding="utf-8")
    assert all(f">{parse(name).label}</text>" in svg for name in NAMES)


def run(*given: object, out: Path) -> list[str]:
    """Run the program; return the lines that it wrote."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["zoo_study", *map(str, given), "--out", str(out)])
        program.main()
    assert (out / f"{given[0]}.svg").read_bytes().startswith(b"<?xml")
    return (out / f"{given[0]}.md").read_text(encoding="utf-8").splitlines()


def test_a_network_is_placed_at_its_clean_miou_and_its_mean_under_corruption(tmp_path: Path) -> None:
    write_synthetic(tmp_path, accuracy, models=NAMES, conditions=CONDITIONS)
    own, _ = study.read_study([tmp_path])
    axes = figures.robustness(own).axes[0]
    drawn = [line for line in axes.lines if line.get_marker() not in ("None", None, "") and len(line.get_xdata()) == 1]
    cells = quality_frame(tmp_path).set_index(["model", "corruption", "severity"])["miou"]
    for name, line in zip(own.names, drawn, strict=True):
        fog = (cells[name, "fog", 1] + cells[name, "fog", 3]) / 2
        mean = (fog + cells[name, "brightness", 2] + cells[name, "contrast", 2]) / 3
        assert (line.get_xdata()[0], line.get_ydata()[0]) == pytest.approx((100 * cells[name, "clean", 0], 100 * mean))


SCALES = (0.5, 1.0, 2.0)
BEST = {"512x256": 1.0, "1024x512": 2.0}  # of networks trained at that size, in the synthetic store


def at_scale(model: str, corruption: str, severity: int, view: View) -> float:
    distance = np.log2(view.scales[0] / BEST[model.rpartition("_")[2]])
    return float(0.7 - 0.08 * distance**2)


def test_pairs_peak_where_the_store_has_them_and_lose_what_it_has_at_the_others_scale(tmp_path: Path) -> None:
    names = NAMES[:6]
    views = [View(scale=scale) for scale in SCALES]
    write_synthetic(tmp_path / "store", at_scale, models=names, conditions={}, views=views)
    write_synthetic(
        tmp_path / "arms", lambda *cell: 0.6, models=["segformer-b0-mix-s0"], conditions={},
        views=[View(mode="pad-32", scale=scale) for scale in SCALES],
    )  # fmt: skip
    lines = run("resolution", tmp_path / "store", "--arms", tmp_path / "arms", out=tmp_path / "out")
    cells = quality_frame(tmp_path / "store").set_index(["model", "view"])["miou"]
    small = [name for name in names if name.endswith("512x256")]
    lost = np.mean([cells[name, "whole"] - cells[name, "whole-x2"] for name in small])
    rows = [line for line in lines if line.startswith("| ESPNetv2")]
    assert [re.findall(r"x([\d.]+) \(", row) for row in rows] == [["1", "2"]] * 3
    assert any(f"the 3 networks trained at 512x256 lose {100 * lost:.1f} points, 95 %" in line for line in lines)
    assert any("From x1 to x2, our segformer-b0-mix, " in line for line in lines)
    both = pairs.read_pairs(tmp_path / "store")
    curves = resolution.chart(both).panels[0].curves
    assert curves[0].points[1][1].estimate == pytest.approx(100 * cells[small[0], "whole"])
    with pytest.raises(UsageError, match="0 pairs have all of 3 scales; it takes 3 pairs"):
        read_alone(tmp_path, views)


def test_what_doubling_gains_is_that_of_the_store(tmp_path: Path) -> None:
    views = [View(scale=scale) for scale in SCALES]
    write_synthetic(tmp_path / "store", at_scale, models=NAMES[:6], conditions={}, views=views)
    cells = quality_frame(tmp_path / "store").set_index(["model", "view"])["miou"]
    change = {name: 100 * (cells[name, "whole-x2"] - cells[name, "whole"]) for name in NAMES[:6]}
    mean, counts, tau = (sentence for sentence in doubling.sentences(tmp_path / "store"))
    assert re.search(rf"over 6 networks, .* frames is \{np.mean(list(change.values())):+.1f} points, 95 %", mean)
    assert counts.startswith("3 of them gain and 3 lose, ")
    assert f"The change is from {min(change.values()):+.1f} points, 95 %" in counts
    assert f", to {max(change.values()):+.1f} points" in counts
    assert "95 % interval" in tau
    with pytest.raises(UsageError, match="2 networks have clean frames at x1 and x2; it takes 3"):
        write_synthetic(tmp_path / "few", at_scale, models=NAMES[:2], conditions={}, views=views)
        doubling.sentences(tmp_path / "few")


def read_alone(folder: Path, views: list[View]) -> pairs.Pairs:
    """Read a store with networks of one size."""
    write_synthetic(folder / "alone", at_scale, models=NAMES[0:6:2], conditions={}, views=views)
    return pairs.read_pairs(folder / "alone")


def write_speed(folder: Path, model: str, milliseconds: float, machine: str = "A") -> None:
    cell = LatencyCell(model=model, num_classes=19, height=360, width=480, batch=1, precision="fp32", device="cpu")
    environment = {
        "command": "x", "commit": None, "robustbench_seg": "0", "python": "3", "machine": machine, "threads": 2,
        "packages": {"torch": "2"},
    }  # fmt: skip
    record = Record(
        kind="latency", key=latency_key(cell, checkpoint_sha256="c", machine=machine), cell=cell,
        class_names=("a",) * 19,
        checkpoint_sha256="c", licence="", about="", parameters=2_000_000, environment=environment, timings={},
        machine=machine, macs=int(1e8 * milliseconds),
    )  # fmt: skip
    Store(folder).write_latency({"latency_ms": [milliseconds] * 10, "classify_ms": [1.0] * 10}, record)


def test_the_front_has_the_networks_that_no_faster_one_beats(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "store", accuracy, models=NAMES[:6], conditions=CONDITIONS)
    own, _ = study.read_study([tmp_path / "store"])
    order = np.argsort(own.values["mean"][0])
    times = {own.names[k]: ms for k, ms in zip(order, (10, 30, 20, 40, 60, 50), strict=True)}
    for name, ms in {**times, "segformer-b0": 45}.items():
        write_speed(tmp_path / "speed", name, ms)
    lines = run("speed", tmp_path / "store", "--latency", tmp_path / "speed", out=tmp_path / "out")
    front = [own.names[order[k]] for k in (0, 2, 3, 5)]
    assert re.findall(r"(\S+) \(\d+ ms", lines[2].split("under corruption")[1]) == front
    assert "4 of 6 take less time than segformer-b0 (45 ms)" in lines[4]
    assert f"| {front[0]} | 2.00 | 1.00 | 10 |" in lines
    write_speed(tmp_path / "speed", "segformer-b1", 70, machine="B")
    with pytest.raises(UsageError, match="speed cells differ in machine; a figure needs those of one setup"):
        speed.read_speed(tmp_path / "speed")


def test_a_suite_may_lie_in_several_stores(tmp_path: Path) -> None:
    write_synthetic(tmp_path / "all", accuracy, models=NAMES, conditions=CONDITIONS)
    for k, some in enumerate((NAMES[:4], NAMES[4:])):
        write_synthetic(tmp_path / str(k), accuracy, models=NAMES, conditions=CONDITIONS)
        for name in {*NAMES} - {*some}:
            for path in (tmp_path / str(k) / "cells").glob(f"{name}-toy-*"):
                path.unlink()
    one = run("ranking", tmp_path / "all", out=tmp_path / "one")
    assert run("ranking", tmp_path / "0", tmp_path / "1", out=tmp_path / "two") == one


@needs_weights
def test_a_file_of_other_weights_than_the_stores_is_refused(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda *cell: 0.6, models=["sinet_cityscapes"], conditions={})
    with pytest.raises(UsageError, match=r"sinet_cityscapes\.pth: not what .*sinet_cityscapes-toy-clean.* is of; the"):
        weights.table([tmp_path], WEIGHTS)
