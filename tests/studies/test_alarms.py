"""Models that no number tells apart."""

from pathlib import Path

import pandas as pd
from synthetic import write_synthetic

from robustbench_seg.datasets import DATASETS
from robustbench_seg.protocols import PROTOCOLS
from robustbench_seg.studies.alarms import alarms_of_scores, identical_models, same_counts
from robustbench_seg.studies.frame import quality_frame
from robustbench_seg.studies.published import TABLES, OwnRun, published_rows

ANY = OwnRun(protocol="semsegbench", view="whole", dataset="cityscapes", split="val", images=500, of=500)
CLASSES = TABLES["semsegbench_all"].classes


def copied(cells: pd.DataFrame, source: str, name: str, **changes: object) -> pd.DataFrame:
    """The cells of a model, once more under another name."""
    return cells[cells["model"] == source].assign(model=name, checkpoint_sha256="other", **changes)


def test_only_models_with_equal_counts_in_all_shared_cells_are_named(tmp_path: Path) -> None:
    write_synthetic(tmp_path, lambda model, *_: 0.5 + 0.1 * len(model), models=["m", "nn"], conditions={"fog": [1, 2]})
    cells = quality_frame(tmp_path)
    assert same_counts(cells) == {}
    twice = pd.concat([cells, copied(cells, "m", "again")])
    assert same_counts(twice) == {("m", "again"): 3}
    (line,) = identical_models(twice)
    assert line.startswith("m and again have equal counts in each image of the 3 cells that both have")
    fog = copied(cells, "m", "fog")
    fog.loc[fog["severity"] == 2, "content"] = "one image is another's"
    assert same_counts(pd.concat([cells, fog])) == {}
    part = copied(cells, "m", "part")
    assert same_counts(pd.concat([cells, part[part["severity"] == 1]])) == {("m", "part"): 1}
    elsewhere = copied(cells, "m", "elsewhere", fingerprint="of other images")
    assert same_counts(pd.concat([cells, elsewhere])) == {}
    assert same_counts(cells.iloc[:0]) == {}


def semsegbench() -> pd.DataFrame:
    """All 76 rows, in %, by row."""
    return published_rows("semsegbench_all", ANY).set_index("row")


def test_the_three_known_faults_of_semsegbench_and_no_others_raise_alarms() -> None:
    rows = semsegbench()
    scores = rows[list(PROTOCOLS["semsegbench"])] / 100
    alarms = alarms_of_scores(scores, rows["dataset"].map(CLASSES).to_dict(), (rows["gam"] / 100).to_dict())
    size = "512x1024"
    broken = f"deeplabv3plus, resnet18, cityscapes, {size}"
    copies = [f"deeplabv3, resnet{depth}, ade20k, 512x512" for depth in (50, 101)]
    minima = {
        f"segformer, mit-b{k}, cityscapes, {size}": f"segformer, mit-b{k}, cityscapes, 1024x1024" for k in range(4)
    }
    assert alarms.keys() == {broken, *copies, *minima}
    assert alarms[broken] == ["no better than one class for every pixel under any corruption: a broken run"]
    assert alarms[copies[0]] == [f"the same 15 scores as {copies[1]}"]
    assert alarms[copies[1]] == [f"the same 15 scores as {copies[0]}"]
    for row, source in minima.items():
        (line,) = alarms[row]
        assert line.startswith(
            f"its stated minimum {rows.loc[row, 'gam']:.2f} is the minimum of {source}; its scores have "
        )
        assert rows.loc[row, "gam"] == rows.loc[source, list(scores)].min()


def test_a_sound_table_raises_no_alarm_and_each_fault_its_own() -> None:
    rows = semsegbench()
    sound = (rows[list(PROTOCOLS["semsegbench"])] / 100).iloc[14:20]
    classes = dict.fromkeys(sound.index, 19)
    least = sound.min(axis=1).to_dict()
    assert alarms_of_scores(sound, classes, least) == alarms_of_scores(sound, classes) == {}
    one, other = sound.index[:2]
    assert alarms_of_scores(sound, classes, {**least, one: least[one] - 0.001})[one] == [
        f"its stated minimum {100 * least[one] - 0.1:.2f} is no row's; its scores have {100 * least[one]:.2f}"
    ]
    partly = sound.copy()
    partly.loc[one, partly.columns[0]] = float("nan")
    partly.loc[other] = sound.loc[one]
    assert alarms_of_scores(partly, classes).keys() == {one, other}, "equal wherever both have a score"
    low = sound.copy()
    low.loc[one] = 1 / 19
    assert alarms_of_scores(low, classes).keys() == {one}
    low.loc[one, "fog"] = 1 / 19 + 1e-9
    assert alarms_of_scores(low, classes) == {}


def test_the_classes_of_published_data_sets_are_those_of_ours() -> None:
    assert {name: len(DATASETS[name].load().class_names) for name in CLASSES} == dict(CLASSES)
