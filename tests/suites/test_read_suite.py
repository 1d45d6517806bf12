"""Paths in a suite's file are relative to it."""

from pathlib import Path

import pytest
import torch
import yaml

from robustbench_seg.errors import UsageError
from robustbench_seg.models import BUILTIN_WEIGHTS, load_source
from robustbench_seg.suites import read_suite, with_weights

CPU = torch.device("cpu")


def written(folder: Path, *models: dict[str, str]) -> Path:
    path = folder / "mine.yaml"
    folder.mkdir(parents=True, exist_ok=True)
    content = {"name": "mine", "description": "", "models": list(models), "latency": {"sizes": [[32, 32]]}}
    path.write_text(yaml.safe_dump(content), encoding="utf-8")
    return path


def weights_in(path: str | Path) -> list[str | None]:
    return [model.weights for model in read_suite(str(path)).models]


@pytest.fixture
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory that is not the suite's folder."""
    folder = tmp_path / "elsewhere"
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.mark.parametrize("text", ["w.pth", "runs/w.pth", "../w.pth", "./w.pth"])
def test_weights_are_looked_for_from_the_suites_folder(text: str, tmp_path: Path, elsewhere: Path) -> None:
    path = written(tmp_path / "suites", {"name": "segformer-b0", "weights": text})
    for given in (path, "../suites/mine.yaml"):
        (found,) = weights_in(given)
        assert (elsewhere / found).resolve() == (tmp_path / "suites" / text).resolve()


def test_an_absolute_path_and_a_home_are_what_they_are(
    tmp_path: Path, elsewhere: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", "/home/ann")
    path = written(
        tmp_path, {"name": "segformer-b0", "weights": "/a/b.pth"}, {"name": "segformer-b1", "weights": "~/b.pth"}
    )
    assert weights_in(path) == ["/a/b.pth", "/home/ann/b.pth"]


def test_words_and_names_on_the_hub_stay_as_they_are(tmp_path: Path, elsewhere: Path) -> None:
    words = ["random", *BUILTIN_WEIGHTS, "hf:someone/b0"]
    models = [{"name": f"m{k}", "model": "segformer-b0", "weights": word} for k, word in enumerate(words)]
    assert weights_in(written(tmp_path / "suites", *models, {"name": "constant"})) == [*words, None]


def test_whether_a_name_is_a_path_is_decided_in_the_suites_folder(tmp_path: Path, elsewhere: Path) -> None:
    name = "nvidia/segformer-b0-finetuned-ade-512-512"
    path = written(tmp_path / "suites", {"name": "segformer-b0", "weights": name})
    (elsewhere / "nvidia").mkdir()
    assert weights_in(path) == [f"hf:{name}"]
    (path.parent / "nvidia").mkdir()
    assert weights_in(path) == [str(path.parent / name)]


def test_the_hub_has_no_weights_of_other_models(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="weights hf:someone/net: the hub is for hf:, smp: and SegFormers alone"):
        read_suite(str(written(tmp_path, {"name": "onnx", "weights": "hf:someone/net"})))


def test_what_looks_like_a_name_on_the_hub_is_a_path_where_its_folder_is(tmp_path: Path, elsewhere: Path) -> None:
    models = [
        {"name": "segformer-b0", "weights": "runs/b0"},
        {"name": "onnx", "weights": "absent/graph"},  # only SegFormer's weights come from the hub
    ]
    path = written(tmp_path / "suites", *models)
    (tmp_path / "suites" / "runs").mkdir()
    assert weights_in(path) == [f"{tmp_path}/suites/runs/b0", f"{tmp_path}/suites/absent/graph"]


@pytest.mark.parametrize("name", ["segformer-b0", "deeplabv3plus-mobilenet_v2", "onnx"])
def test_a_file_that_is_in_the_working_directory_alone_is_missing_where_it_was_looked_for(
    name: str, tmp_path: Path, elsewhere: Path
) -> None:
    path = written(tmp_path / "suites", {"name": name, "weights": "runs/w.pth"})
    (elsewhere / "runs").mkdir()
    (elsewhere / "runs" / "w.pth").write_bytes(b"")
    (spec,) = with_weights(read_suite(str(path)), {})
    with pytest.raises(UsageError, match=rf"^weights of {name}: {tmp_path}/suites/runs/w\.pth: no such file"):
        load_source(spec.source, spec.name, ("a", "b"), CPU)


def test_weights_on_the_command_line_are_relative_to_the_working_directory(tmp_path: Path) -> None:
    suite = read_suite(str(written(tmp_path, {"name": "segformer-b0", "weights": "w.pth"})))
    (spec,) = with_weights(suite, {"segformer-b0": "here/w.pth"})
    assert spec.weights == "here/w.pth"


def test_shipped_suites_keep_their_words() -> None:
    words = ["builtin:streets-b0", "builtin:streets-b0-learned", "builtin:streets-deeplabv3plus"]
    assert weights_in("demo") == words
    assert set(weights_in("latency")) == {"random"}


def test_a_suite_is_found_at_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    written(tmp_path / "suites", {"name": "segformer-b0", "weights": "w.pth"})
    assert weights_in("~/suites/mine.yaml") == [f"{tmp_path}/suites/w.pth"]


def test_a_misspelt_field_is_named_before_the_protocol_that_lacks_it(tmp_path: Path) -> None:
    path = written(tmp_path)
    path.write_text(f"{path.read_text()}protocol: mine\ncondition: {{fog: [1]}}\n", encoding="utf-8")
    with pytest.raises(UsageError, match=r"condition: unknown field, .*; the nearest is conditions$"):
        read_suite(str(path))
