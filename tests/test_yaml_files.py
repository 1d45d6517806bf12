"""YAML files that users write."""

import math

import pytest
import yaml

from robustbench_seg.yaml_files import parse_yaml

MERGED_BEFORE_IT_IS_BUILT = """
base: &base {p: 1}
group:
  inner: &d
    <<: *base
    p: 2
other:
  <<: *d
"""


@pytest.mark.parametrize(
    "text",
    [
        MERGED_BEFORE_IT_IS_BUILT,
        "a: &a {p: 1, q: 2}\nb: {<<: *a, p: 3}\nc: {<<: [*a, {r: 4}], q: 5}",
        "a: [{p: 1}, {p: 2}]\nb: {p: 1}",
        "[1, 2]: x",
    ],
)
def test_what_is_no_repetition_is_read_as_pyyaml_reads_it(text: str) -> None:
    try:
        expected = yaml.safe_load(text)
    except yaml.YAMLError as error:
        with pytest.raises(yaml.YAMLError) as found:
            parse_yaml(text)
        assert str(found.value) == str(error)
    else:
        assert parse_yaml(text) == expected


@pytest.mark.parametrize(
    "text",
    [
        "{a: 1, a: 1}",
        "x: {a: 1, 'a': 2}",
        "- {b: {1: 2, 1: 3}}",
        "a: &a {b: 1, b: 2}",
        "{3: a, 0x3: b}",
        "{1: a, 1.0: b}",
    ],
)
def test_a_key_that_comes_twice_is_refused(text: str) -> None:
    with pytest.raises(yaml.YAMLError, match="comes twice"):
        parse_yaml(text)


@pytest.mark.parametrize(("text", "value"), [("1e-5", 1e-5), ("-2E3", -2e3), ("1e5x", "1e5x"), ("1.5e-3", 1.5e-3)])
def test_a_number_with_an_exponent_is_one(text: str, value: object) -> None:
    assert parse_yaml(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("000000000139", "000000000139"), ("010", "010"), ("-07", "-07"), ("0", 0), ("-12", -12), ("+3", 3),
        ("0x1F", 31), ("0o17", 15), ("1_000", "1_000"),
        ("1:30", "1:30"), ("yes", "yes"), ("no", "no"), ("On", "On"),
        ("true", True), ("False", False), ("1.5", 1.5), (".5", 0.5), ("2.", 2.0), ("-.inf", -math.inf),
        ("~", None), ("null", None),
    ],
)  # fmt: skip
def test_words_and_numbers_are_those_of_yaml_1_2_and_zeros_ahead_make_text(text: str, value: object) -> None:
    read = parse_yaml(text)
    assert (type(read), read) == (type(value), value)
