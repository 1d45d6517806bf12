import signal

import pytest

from robustbench_seg.cli.stopping import stoppable


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_comes_at_once_and_again_where_a_library_swallowed_it(sent: signal.Signals) -> None:
    before = signal.signal(sent, signal.default_int_handler)  # a shell's background job ignores Ctrl-C
    try:
        with pytest.raises(KeyboardInterrupt), stoppable() as check:
            check()
            try:
                signal.raise_signal(sent)
                pytest.fail("the signal raised nothing")
            except KeyboardInterrupt:
                pass
            check()
            pytest.fail("the check raised nothing")
        assert signal.getsignal(sent) is signal.default_int_handler
    finally:
        signal.signal(sent, before)


def test_a_signal_that_is_ignored_stays_so() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        with stoppable() as check:
            signal.raise_signal(signal.SIGINT)
            check()
    finally:
        signal.signal(signal.SIGINT, before)
