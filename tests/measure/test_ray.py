"""The engine of Ray: stores as those of the local one, whatever ends during a run."""

import ctypes
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Any

import pytest
import shared_runs
from drawn_models import Drawn
from processes import LINE, commands_of
from ray_workers import BEGUN, forked_workers
from shared_runs import How, begin, begin_code, begin_program, status_of, wait_until
from six_scenes import IMAGES, Scenes
from small import SUITE, assert_same_store, stored, write_suite

import robustbench_seg as rb
from robustbench_seg.cli.choice import Target, options_for
from robustbench_seg.errors import DataError, MachineError, UsageError
from robustbench_seg.measure import runner
from robustbench_seg.measure.engines import connection, crew, data
from robustbench_seg.measure.engines.data import Checked, checked
from robustbench_seg.measure.engines.parcel import Origin, Parcel
from robustbench_seg.measure.listener import Listener
from robustbench_seg.measure.plan import Options
from robustbench_seg.measure.runner import run
from robustbench_seg.store.claims import owner_of
from robustbench_seg.store.file import read_record
from robustbench_seg.studies.integrity import verify
from robustbench_seg.suites import read_suite

ray = pytest.importorskip("ray", reason="the extra ray is not installed")
pytestmark = pytest.mark.ray
CONDITIONS = {"gaussian_noise": [1], "contrast": [2]}
STATUS = Path("/proc/self/status")
CPUS = 3  # room for the actors of two drivers and a task


@pytest.fixture(scope="module")
def nodes(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Ray on this machine, once for all tests; the folder of what its processes write.

    `test_a_stop_ends_the_actors_and_a_second_run_resumes` has one with workers as Ray starts them.
    """
    folder = tmp_path_factory.mktemp("nodes")
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        patch.setenv("FRAIL", str(folder))
        stack.enter_context(forked_workers(folder))
        with pytest.MonkeyPatch.context() as cores:
            cores.setattr(connection.environment, "available_cores", lambda: CPUS)
            stack.enter_context(connection.connected(None))
        if (folder / BEGUN).exists():
            (folder / "early").touch()
        yield folder


@pytest.fixture(scope="module")
def own(nodes: Path) -> Any:
    """The models of `on_nodes`, and the corruption `frail`."""
    import frail  # noqa: F401
    import on_nodes

    return on_nodes


def measure(out: Path, models: dict[str, Any], **options: Any) -> rb.Results:
    how = {"corruptions": CONDITIONS, "progress": False, "out": out, **options}
    return rb.evaluate(models, options.pop("data", None) or Scenes(), **{**how, **options})


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Models 0 and 1 by the local engine."""
    out = tmp_path_factory.mktemp("expected")
    measure(out, {"m0": Drawn(0), "m1": Drawn(1)})
    return out


def test_no_process_of_ray_is_started_before_it_is_needed(nodes: Path) -> None:
    """If one of those that Ray starts ahead is killed, its start waits for ever."""
    assert not (nodes / "early").exists()


def test_a_suite_gives_the_store_the_pictures_and_the_records_of_the_local_engine(nodes: Path, tmp_path: Path) -> None:
    suite = read_suite(str(write_suite(tmp_path, conditions={"contrast": [2]})))
    again = {"models": SUITE["models"][1:], "batchnorm": ["stored", "reestimated"], "batchnorm_images": 3}
    more = read_suite(str(write_suite(tmp_path, conditions={"contrast": [2]}, **again)))
    for engine in ("local", "ray"):
        for one in (suite, more):
            assert not run(one, tmp_path / engine, Options(engine=engine, limit=4), Listener())
    assert_same_store(tmp_path / "local", tmp_path / "ray")
    pictures = [sorted((tmp_path / engine).glob("gallery/*/*.png")) for engine in ("local", "ray")]
    assert len(pictures[0]) == 3 * (8 + 4)
    for one, two in zip(*pictures, strict=True):
        assert one.read_bytes() == two.read_bytes()
    for path in sorted((tmp_path / "local/cells").iterdir()):
        here, there = read_record(path), read_record(tmp_path / "ray/cells" / path.name)
        assert (here.key, here.difference) == (there.key, there.difference)
        own = {"time": "", "commit": ""}  # a file may be edited meanwhile
        assert {**here.environment, **own} == {**there.environment, **own}
        assert there.timings.keys() == here.timings.keys()
        assert there.timings["model_s"] > 0


def test_an_actor_that_is_killed_is_replaced(nodes: Path, own: Any, tmp_path: Path, expected: Path) -> None:
    class Killing(Listener):
        images = 0

        def image(self) -> None:
            self.images += 1
            if self.images in (3, 20):
                os.kill(int((nodes / "process").read_text()), signal.SIGKILL)

    killing = Killing()
    models = {"m0": own.Numbered(0, nodes), "m1": own.Numbered(1, nodes)}
    measure(tmp_path, models, engine="ray", progress=killing)
    assert killing.images == 2 * 3 * IMAGES
    assert_same_store(tmp_path, expected, keys=False)


def test_so_is_a_process_that_corrupts_and_one_that_ends_each_time_fails_its_cells(
    nodes: Path, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once = {"corruptions": {"frail": [2]}}
    (nodes / "once").touch()
    measure(tmp_path / "local", {"m0": Drawn(0)}, **once)
    (nodes / "once").unlink()
    assert measure(tmp_path / "ray", {"m0": Drawn(0)}, **once, engine="ray").failures == {}
    assert (nodes / "once").exists()
    assert_same_store(tmp_path / "ray", tmp_path / "local")
    monkeypatch.setattr(data, "RETRIES", 1)
    with pytest.warns(UserWarning, match="1 cell failed: m0-streets-frail-3-whole"):
        results = measure(tmp_path / "each", {"m0": Drawn(0)}, corruptions={"frail": [3]}, limit=1, engine="ray")
    (message,) = results.failures.values()
    assert "MachineError: a process that loads and corrupts images ended each time" in message
    assert len(stored(tmp_path / "each")) == 1


def test_a_model_that_ends_its_process_fails_its_cells_alone(
    nodes: Path, own: Any, tmp_path: Path, expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(crew, "TRIES", 1)
    models = {"bad": own.Deadly(2), "m0": Drawn(0), "m1": Drawn(1)}
    with pytest.warns(UserWarning, match="3 cells failed"):
        results = measure(tmp_path, models, engine="ray")
    assert all(name.startswith("bad-") for name in results.failures)
    assert all("model bad has ended its process 1 times, at one of" in text for text in results.failures.values())
    assert_same_store(tmp_path, expected)


def test_a_model_is_not_blamed_for_an_answer_that_is_lost_with_another_portion(
    nodes: Path, own: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual_wait, usual_get, at_work = ray.wait, ray.get, []

    def wait_late(calls: list[Any], **options: Any) -> tuple[list[Any], list[Any]]:
        """An answer is here when the next portion is finished, too, as on a busy machine."""
        usual_wait(calls, num_returns=len(calls))
        at_work[:] = calls
        return calls[:1], calls[1:]

    def get_or_lose(call: Any) -> Any:
        for each in at_work if call in at_work else ():
            usual_get(each)  # raises if the actor has ended since
        return usual_get(call)

    monkeypatch.setattr(ray, "wait", wait_late)
    monkeypatch.setattr(ray, "get", get_or_lose)
    monkeypatch.setattr(crew, "TRIES", 1)
    with pytest.warns(UserWarning, match="3 cells failed"):
        results = measure(tmp_path, {"bad": own.Deadly(2), "m0": Drawn(0)}, engine="ray")
    assert all(name.startswith("bad-") for name in results.failures)


def test_all_images_are_prepared_by_one_function_of_rays(
    nodes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, made = ray.remote, []

    def remote(**options: Any) -> Any:
        made.append(options)
        return usual(**options)

    monkeypatch.setattr(ray, "remote", remote)
    measure(tmp_path, {"m0": Drawn(0)}, engine="ray")
    assert len(made) == 2, "an actor, and a task that Ray sends to each node once"


def test_an_image_that_is_refused_fails_its_condition_as_in_the_local_engine(
    nodes: Path, own: Any, tmp_path: Path
) -> None:
    scenes = Scenes()
    (nodes / "bright").write_text(str(sorted(scenes.load(each).image.mean() for each in scenes.ids)[-2] + 1e-6))
    messages = []
    for engine in ("local", "ray"):
        with pytest.warns(UserWarning, match="2 cells failed"):
            results = measure(
                tmp_path / engine, {"m0": Drawn(0), "m1": Drawn(1)}, corruptions={"frail": [4]}, engine=engine
            )
        messages.append(results.failures)
    assert messages[0] == messages[1]
    assert all("too bright" in message for message in messages[0].values())
    assert_same_store(tmp_path / "local", tmp_path / "ray")


def test_a_network_and_a_model_of_a_file_are_measured_on_nodes(nodes: Path, own: Any, tmp_path: Path) -> None:
    (tmp_path / "own_net.py").write_text("import on_nodes\n\ndef build():\n    return on_nodes.Net()\n")
    for engine in ("local", "ray"):
        models = {"handed": own.Net(), "file": f"{tmp_path}/own_net.py:build"}
        measure(tmp_path / engine, models, corruptions={}, engine=engine)
    assert_same_store(tmp_path / "local", tmp_path / "ray")


@pytest.mark.parametrize("sent", [2**30, 0])
def test_the_nodes_of_a_cluster_get_small_data_from_the_run_and_read_other_data_themselves(
    nodes: Path, camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    dataset = rb.open_dataset("camvid", camvid_folder, split="test")
    notes = []

    def drawn() -> dict[str, Drawn]:
        model = Drawn(0)
        model.class_names, model.weight = dataset.class_names, model.weight[:11]
        return {"m0": model}

    class Watching(Listener):
        def noted(self, line: str) -> None:
            notes.append(line)

    usual = data.alive_nodes
    monkeypatch.setattr(data, "alive_nodes", lambda: 2 * usual())
    monkeypatch.setattr(data, "SENT_BYTES", sent)
    rb.evaluate(drawn(), dataset, corruptions=CONDITIONS, progress=Watching(), out=tmp_path / "ray", engine="ray")
    rb.evaluate(drawn(), dataset, corruptions=CONDITIONS, progress=False, out=tmp_path / "local")
    assert_same_store(tmp_path / "ray", tmp_path / "local")
    (line,) = notes
    assert line.startswith("camvid: 3 images (0.0 GiB decoded) ")
    assert ("go to 2 nodes through Ray's object store" if sent else "each of 2 nodes from its own path") in line


@pytest.mark.parametrize("sent", [2**30, 0])
def test_a_file_that_has_changed_since_the_run_has_read_it_is_not_given_to_a_node(
    nodes: Path, camvid_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, sent: int
) -> None:
    dataset = rb.open_dataset("camvid", camvid_folder, split="test")
    (image, _), (other, _) = (dataset.files(image_id) or () for image_id in dataset.ids[:2])

    class Writing(Listener):
        def planned(self, done: int, waiting: Any) -> None:  # the fingerprint is that of the file before
            image.write_bytes(other.read_bytes())

    usual = data.alive_nodes
    monkeypatch.setattr(data, "alive_nodes", lambda: 2 * usual())
    monkeypatch.setattr(data, "SENT_BYTES", sent)
    model = Drawn(0)
    model.class_names, model.weight = dataset.class_names, model.weight[:11]
    how = {"corruptions": CONDITIONS, "out": tmp_path / "out", "engine": "ray"}
    with pytest.raises(DataError, match=rf"^'?{image}'?: changed during the run"):
        rb.evaluate({"m0": model}, dataset, progress=Writing(), **how)
    assert not list((tmp_path / "out").glob("cells/*"))


def test_a_node_whose_files_differ_or_are_missing_is_named_with_the_file(camvid_folder: Path) -> None:
    dataset = rb.open_dataset("camvid", camvid_folder, split="test")
    there = checked(dataset, dataset.ids)
    assert isinstance(there, Checked)
    for image_id in dataset.ids:
        assert (there.load(image_id).image == dataset.load(image_id).image).all()
    image, label = dataset.files("frame_1") or ()
    label.write_bytes((camvid_folder / "testannot/frame_2.png").read_bytes())
    with pytest.raises(DataError, match=rf"^node \S+: '?{label}'?: differs from the file that the run has$"):
        there.load("frame_1")
    image.unlink()
    with pytest.raises(DataError, match=rf"^node \S+: '?{image}'?: can't be read \(No such file or directory\); each"):
        there.load("frame_1")


def test_code_that_a_node_lacks_or_that_differs_there_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(tmp_path)
    (tmp_path / "mine_there.py").write_text("class Own:\n    pass\n")
    import mine_there  # type: ignore[import-not-found]

    parcel = Parcel.of(mine_there.Own(), Origin.here())
    assert isinstance(parcel.open(), mine_there.Own)
    (tmp_path / "mine_there.py").write_text("class Own:\n    other = 1\n")
    other = Parcel.of([mine_there.Own()], parcel.origin)
    with pytest.raises(MachineError, match=rf"{tmp_path}/mine_there.py differs from the run's; put the same code on"):
        other.open()
    third = Parcel.of([mine_there.Own(), 1], parcel.origin)
    monkeypatch.delitem(sys.modules, "mine_there")
    (tmp_path / "mine_there.py").unlink()
    with pytest.raises(MachineError, match="No module named 'mine_there'; each node needs the Python files of your"):
        third.open()


@pytest.mark.parametrize(
    ("options", "error", "message"),
    [
        ({"device": "cuda"}, UsageError, "--device cuda: Ray knows no node with a GPU"),
        ({"device": "cuda:1"}, UsageError, "--device must be cpu or cuda with --engine ray, which chooses the GPUs"),
    ],
)
def test_a_device_that_the_cluster_lacks_is_refused(
    nodes: Path, tmp_path: Path, options: dict[str, str], error: type[Exception], message: str
) -> None:
    with pytest.raises(error, match=message):
        measure(tmp_path, {"m0": Drawn(0)}, engine="ray", **options)


def test_without_ray_a_line_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(MachineError, match=r"^--engine ray needs Ray: pip install '\.\[ray\]' in the checkout of rob"):
        measure(tmp_path, {"m0": Drawn(0)}, engine="ray")


def test_a_ray_that_does_not_start_is_one_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**options: object) -> None:
        raise Exception("The current node\ntimed out")  # as Ray does

    monkeypatch.setattr(ray, "init", refuse)
    monkeypatch.setattr(ray, "is_initialized", lambda: False)
    with (
        pytest.raises(MachineError, match=r"^Ray can't start here \(The current node timed out\)$"),
        connection.connected(None),
    ):
        pass


@pytest.mark.skipif(not STATUS.exists(), reason="only Linux shows which signals a process catches")
def test_a_program_catches_sigterm_as_before_when_ray_has_started_and_when_it_has_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def replace(**options: object) -> None:
        """As Ray does at its start, in Python, and, in its libraries, at its end."""
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
        ctypes.CDLL(None).signal(signal.SIGTERM, None)

    for name, stand_in in {"init": replace, "shutdown": replace, "is_initialized": lambda: False}.items():
        monkeypatch.setattr(ray, name, stand_in)
    seen = []
    before = signal.signal(signal.SIGTERM, lambda number, frame: seen.append(number))
    try:
        with connection.connected(None):
            assert catches_sigterm()
            signal.raise_signal(signal.SIGTERM)
        assert catches_sigterm()
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)
    assert len(seen) == 2


def catches_sigterm() -> bool:
    caught = next(line.split()[1] for line in STATUS.read_text().splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


def test_a_signal_to_the_group_of_a_run_is_for_the_run_and_not_for_the_processes_of_ray(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    begun: list[subprocess.Popen[bytes]] = []

    def begin_one(**options: object) -> None:  # with a function to call in the process, as Ray does
        begun.append(subprocess.Popen(["sleep", "100"], preexec_fn=lambda: None))  # noqa: PLW1509

    for name, stand_in in {"init": begin_one, "shutdown": begin_one, "is_initialized": lambda: False}.items():
        monkeypatch.setattr(ray, name, stand_in)
    with connection.connected(None):
        pass
    groups = [os.getpgid(process.pid) for process in begun]
    for process in begun:
        process.kill()
        process.wait()
    assert groups == [begun[0].pid, os.getpgid(0)]


STARTING = """
import signal, sys, time
from pathlib import Path
import ray
from robustbench_seg import stopping
from robustbench_seg.measure.engines.connection import connected

folder, usual = Path(sys.argv[1]), stopping.stop
stopping.listen()

def late():
    time.sleep(1)
    usual()

def init(**options):
    if sys.argv[2] == "handler":  # of Ray's own, and faster than ours
        stopping.stop = late
        signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(number))
    (folder / "starting").touch()
    time.sleep(1)
    (folder / "started").touch()

ray.init, ray.shutdown = init, (folder / "ended").touch
with connected(None):
    time.sleep(100)
"""


@pytest.mark.parametrize(("how", "there"), [("", {"starting", "started", "ended"}), ("handler", {"starting"})])
def test_a_stop_while_ray_starts_leaves_nothing_of_it(tmp_path: Path, how: str, there: set[str]) -> None:
    process = begin_code(STARTING, str(tmp_path), how)
    assert wait_until((tmp_path / "starting").exists)
    os.kill(process.pid or 0, signal.SIGTERM)
    assert status_of(process) == 130
    assert {path.name for path in tmp_path.iterdir()} == there


def test_an_object_that_is_lost_is_an_error(nodes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def lose(calls: object, **options: object) -> None:
        raise ray.exceptions.ObjectLostError("0" * 56, None, "")

    monkeypatch.setattr(ray, "wait", lose)
    with pytest.raises(MachineError, match=r"^Ray has lost a part of the run \(.*\); the same command resumes$"):
        measure(tmp_path, {"m0": Drawn(0)}, engine="ray")


def test_a_connection_that_has_ended_is_an_error(nodes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ray, "wait", lambda calls, **options: sys.exit(0))  # as Ray does after a shutdown
    with pytest.raises(MachineError, match=r"^the connection to Ray has ended; the same command resumes$"):
        measure(tmp_path, {"m0": Drawn(0)}, engine="ray")


def test_options_of_the_other_engine_are_refused(tmp_path: Path) -> None:
    suite = read_suite(str(write_suite(tmp_path)))
    with pytest.raises(UsageError, match=r"^--workers is for --engine local"):
        options_for(Target(suite=suite, folders={}), weights=None, models=None, workers=2, device="cpu", engine="ray")
    with pytest.raises(UsageError, match=r"^--address auto: is for --engine ray$"):
        run(suite, tmp_path / "out", Options(address="auto"), Listener())
    with pytest.raises(UsageError, match=r"^--workers is for --engine local"):
        measure(tmp_path / "out", {"m0": Drawn(0)}, engine="ray", workers=2)


def test_a_stop_ends_the_actors_and_a_second_run_resumes(tmp_path: Path) -> None:
    severities = {name: [1, 2, 3, 4, 5] for name in ("gaussian_noise", "contrast", "fog")}  # more than a moment's work
    suite, cells = write_suite(tmp_path, gallery=[], views=["whole"], conditions=severities), 2 * (1 + 3 * 5)
    arguments = ["run", str(suite), "--out", str(tmp_path / "out"), "--engine", "ray"]
    process = begin_program(*arguments, errors=tmp_path / "errors")
    assert wait_until(lambda: list((tmp_path / "out/cells").glob("*.parquet")), seconds=120)
    os.kill(process.pid or 0, signal.SIGINT)
    assert status_of(process) == 130
    *rays, line = (tmp_path / "errors").read_text().splitlines(keepends=True)
    assert line == LINE
    assert all(".cc:" in each for each in rays), "on a loaded machine Ray prints what its shutdown has cut off"
    assert wait_until(lambda: not commands_of(process.pid or 0)), "Ray's processes end, too"
    done = len(stored(tmp_path / "out"))
    assert 0 < done < cells
    for name in ("out", "single"):
        assert not run(read_suite(str(suite)), tmp_path / name, Options(), Listener())
    assert len(stored(tmp_path / "out")) == cells
    assert_same_store(tmp_path / "out", tmp_path / "single")


def test_while_a_driver_waits_for_others_its_actors_leave_the_cluster(
    nodes: Path, tmp_path: Path, expected: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usual, waits = runner.claimed, []

    def waiting(*arguments: Any) -> Iterator[Any]:
        for k, unit in enumerate(usual(*arguments)):
            if k == 1:
                yield None
                waits.append(wait_until(lambda: ray.available_resources().get("CPU") == ray.cluster_resources()["CPU"]))
            yield unit

    monkeypatch.setattr(runner, "claimed", waiting)
    measure(tmp_path, {"m0": Drawn(0), "m1": Drawn(1)}, engine="ray")
    assert waits == [True]
    assert_same_store(tmp_path, expected)


def owners(out: Path) -> set[int]:
    """The processes that hold claims."""
    found = set()
    for path in out.glob(".claims/*.[0-9]*"):
        with suppress(OSError):  # it is given back at this moment
            found.add(owner_of(path.read_bytes()).get("process", 0))  # 0: it is just begun
    return found


def test_two_drivers_share_a_folder_and_one_that_is_killed_leaves_its_sweeps_to_the_other(
    nodes: Path, tmp_path: Path
) -> None:
    many = {"contrast": [1, 2, 3, 4, 5], "saturate": [1, 2, 3, 4, 5]}
    suite, out = write_suite(tmp_path, **shared_runs.SUITE, conditions=many), tmp_path / "out"
    assert not run(read_suite(str(suite)), tmp_path / "single", Options(), Listener())
    variables = {name: value for name, value in os.environ.items() if name.startswith("RAY_")}
    how = How(gate=tmp_path / "gate", address=ray.get_runtime_context().gcs_address, variables=variables)
    killed, other = (begin(suite, out, tmp_path / name, how) for name in ("killed", "other"))
    try:
        assert wait_until(lambda: owners(out) >= {killed.pid, other.pid}), "both are at work"
    finally:
        killed.kill()
        (tmp_path / "gate").touch()
        assert status_of(killed) == -signal.SIGKILL, "it was at work"
        assert status_of(other) == 0
    assert_same_store(out, tmp_path / "single")
    assert list(verify(out).faults) == []
    assert owners(out) == set()
    assert not list((out / "failed").glob("*"))
