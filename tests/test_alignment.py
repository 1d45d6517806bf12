"""Model classes and data set classes that differ, against loops over pixels."""

import numpy as np
import pytest
import torch

from robustbench_seg.alignment import SHIPPED, Alignment, align
from robustbench_seg.datasets.camvid import CamVid
from robustbench_seg.datasets.cityscapes import CLASS_NAMES
from robustbench_seg.errors import UsageError


def test_the_same_classes_in_the_same_order_are_the_identity() -> None:
    alignment = align(CLASS_NAMES, CLASS_NAMES)
    assert alignment.is_identity
    assert alignment.notes("net", "cityscapes") == ()


def test_names_match_in_any_order_whatever_their_case_spaces_hyphens_and_underscores() -> None:
    alignment = align(["Traffic_Light", "SKY", "road-way"], ["road way", "sky", "traffic light"])
    assert alignment.to == (2, 1, 0)
    assert not alignment.is_identity
    assert alignment.unused == alignment.unreached == ()


def test_what_maps_to_nothing_is_reported_in_both_directions() -> None:
    alignment = align(["road", "boat", "sky"], ["sky", "road", "tree"])
    assert alignment.to == (1, 3, 0)
    assert alignment.unused == ("boat",)
    assert alignment.unreached == ("tree",)
    assert alignment.notes("net", "own") == (
        "net: 1 of its 3 classes map to nothing in own, and count as wrong where they are predicted: boat",
        "own: 1 of its 3 classes are none of net's, so their IoU is 0: tree",
    )


def test_a_table_maps_many_to_one_and_to_nothing_and_leaves_the_rest_to_names() -> None:
    alignment = align(["car", "van", "road", "sky"], ["road", "vehicle", "sky"], {"car": "vehicle", "van": "Vehicle"})
    assert alignment.to == (1, 1, 0, 2)
    assert align(["car", "sky"], ["car", "sky"], {"sky": None}).to == (0, 2)


@pytest.mark.parametrize(
    ("mine", "table", "reason"),
    [
        (["LABEL_0", "LABEL_1"], None, r"classes have no names \(LABEL_0, LABEL_1\): give a table"),
        (["0", "1"], None, "classes have no names"),
        (["boat", "ship"], None, r"no class of the model \(boat, ship\) is one of the data set's \(road, sky\)"),
        (["road", "car"], {"way": "road"}, "model has no class 'way'; the classes of the model are road, car$"),
        (["road", "car"], {"road": "way"}, "data set has no class 'way'; the classes of the data set are road, sky$"),
        (
            ["road", "car"],
            {"sky": "car"},
            "model are road, car; the data set has one, and the table is classes: {model",
        ),
        (["road", "car"], {"road": "car"}, "data set are road, sky; the model has one, and the table is classes: {mod"),
        (["road", "car"], {1: "sky"}, r"\.\.\.}: both are names, got 1 as a class of the model"),
        (["road", "car"], {"car": 1}, r"\.\.\.}: both are names, got 1 as a class of the data set"),
        (["road", "sky"], {"road": "sky", "Road": "road"}, "'road' and 'Road', which are one class of the model"),
        (["road", "sky"], "mine", "no shipped map of classes is called 'mine'; there is cityscapes-to-camvid"),
    ],
)
def test_what_can_not_be_aligned_is_refused(mine: list[str], table: dict[str, str] | None, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        align(mine, ["road", "sky"], table)


def test_a_table_means_all_classes_of_the_model_that_have_a_name() -> None:
    assert align(["screen", "sky", "screen"], ["wall", "sky"], {"screen": "wall"}).to == (0, 1, 0)


def test_classes_without_names_are_taken_by_a_table() -> None:
    assert align(["LABEL_0", "LABEL_1"], ["road", "sky"], {"LABEL_0": "sky", "LABEL_1": "road"}).to == (1, 0)


def test_a_name_that_two_classes_share_but_for_its_hyphens_matches_as_it_is_written_alone() -> None:
    alignment = align(["wall-wood", "Wall Brick"], ["wall wood", "wall-wood", "wall-brick"])
    assert alignment.to == (1, 2)
    assert align(["WALL WOOD", "wall-brick"], ["wall wood", "wall-wood", "wall-brick"]).to == (3, 2)


def test_cityscapes_models_get_the_shipped_map_to_camvid() -> None:
    alignment = align(CLASS_NAMES, CamVid.class_names)
    assert alignment.how == "by cityscapes-to-camvid"
    assert alignment.unused == alignment.unreached == ()
    named = {name: CamVid.class_names[index] for name, index in zip(CLASS_NAMES, alignment.to, strict=True)}
    assert named == SHIPPED["cityscapes-to-camvid"]
    assert (named["terrain"], named["train"], named["wall"]) == ("tree", "car", "building")
    # any order of the model's classes
    assert align(CLASS_NAMES[::-1], CamVid.class_names).to == alignment.to[::-1]


def test_the_strict_map_to_camvid_is_chosen_by_its_name_and_differs_in_terrain_and_train_alone() -> None:
    usual, strict = (align(CLASS_NAMES, CamVid.class_names, name) for name in (None, "cityscapes-to-camvid-strict"))
    assert strict.how == "by cityscapes-to-camvid-strict"
    assert strict.unused == ("terrain", "train")
    differing = [name for name, a, b in zip(CLASS_NAMES, usual.to, strict.to, strict=True) if a != b]
    assert differing == ["terrain", "train"]


def random_alignment(rng: np.random.Generator) -> Alignment:
    mine, theirs = rng.integers(2, 9, 2)
    return Alignment(
        tuple(f"m{k}" for k in range(mine)),
        tuple(f"d{k}" for k in range(theirs)),
        tuple(map(int, rng.integers(0, theirs + 1, mine))),
    )


@pytest.mark.parametrize("seed", range(20))
def test_predictions_and_probabilities_are_those_of_a_loop_over_pixels(seed: int) -> None:
    rng = np.random.default_rng(seed)
    alignment = random_alignment(rng)
    logits = rng.normal(size=(2, len(alignment.model_classes), 3, 4))
    grouped = alignment.grouped(torch.from_numpy(logits).softmax(dim=1)).numpy()
    predicted = alignment.predict(torch.from_numpy(logits.argmax(axis=1)))
    assert grouped.shape == (2, len(alignment.classes) + 1, 3, 4)
    for image, row, column in np.ndindex(2, 3, 4):
        exponentials = [np.exp(value) for value in logits[image, :, row, column]]
        sums = [0.0] * (len(alignment.classes) + 1)
        for model_class, value in enumerate(exponentials):
            sums[alignment.to[model_class]] += value / sum(exponentials)
        np.testing.assert_allclose(grouped[image, :, row, column], sums, atol=1e-12)
        best = max(range(len(exponentials)), key=lambda k: exponentials[k])
        assert predicted[image, row, column] == alignment.to[best]
