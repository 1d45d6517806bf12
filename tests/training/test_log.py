from pathlib import Path

from robustbench_seg.training.log import Log


def test_rows_after_the_checkpoint_are_dropped_and_the_last_miou_is_told(tmp_path: Path) -> None:
    log = Log(tmp_path / "log.csv", 0)
    for done, miou in ((1, None), (2, 0.25), (3, None), (4, 0.5)):
        log.add(done, 1 / done, 1e-3)
        assert not log.is_scored(done)
        if miou is not None:
            log.score(done, miou)
            assert log.is_scored(done)
    assert log.last_miou == 0.5
    log.write()
    again = Log(tmp_path / "log.csv", 3)
    assert again.last_miou == 0.25
    assert not again.is_scored(3)
    assert Log(tmp_path / "log.csv", 2).is_scored(2)
    assert [row[0] for row in again.rows] == ["1", "2", "3"]


def test_a_log_of_before_there_was_validation_is_read(tmp_path: Path) -> None:
    path = tmp_path / "log.csv"
    path.write_text("iteration,loss,learning_rate\n1,2.5,0.001\n2,2.25,0.002\n3,")
    log = Log(path, 2)
    assert log.last_miou is None
    log.add(3, 2.0, 0.003)
    log.score(3, 0.125)
    log.write()
    assert path.read_text() == "iteration,loss,learning_rate,miou\n1,2.5,0.001,\n2,2.25,0.002,\n3,2,0.003,0.125\n"


def test_a_score_without_a_row_gets_one_and_a_log_without_a_file_is_never_written(tmp_path: Path) -> None:
    lost = Log(tmp_path / "log.csv", 4)
    lost.score(4, 0.5)
    lost.write()
    assert (tmp_path / "log.csv").read_text() == "iteration,loss,learning_rate,miou\n4,,,0.5\n"
    silent = Log(None, 4)
    silent.score(4, 0.5)
    silent.write()
    assert silent.last_miou == 0.5
