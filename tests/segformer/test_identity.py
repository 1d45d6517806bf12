import subprocess
from pathlib import Path

from segformer.files import identity_of, sha256_of


def test_a_single_file_is_identified_by_its_own_hash(tmp_path: Path) -> None:
    file = tmp_path / "weights.safetensors"
    file.write_bytes(b"weights")
    assert identity_of([file], tmp_path) == sha256_of(file)


def test_several_files_are_identified_by_the_output_of_sha256sum(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    for name, content in (("model.onnx", b"graph"), ("data/weights", b"\0" * 8)):
        (tmp_path / name).write_bytes(content)
    listed = subprocess.run(["sha256sum", "data/weights", "model.onnx"], cwd=tmp_path, capture_output=True, check=True)
    summed = subprocess.run(["sha256sum"], input=listed.stdout, capture_output=True, check=True).stdout.split()[0]
    files = [tmp_path / "model.onnx", tmp_path / "data" / "weights"]
    assert identity_of(files, tmp_path) == identity_of(files[::-1], tmp_path) == summed.decode()
