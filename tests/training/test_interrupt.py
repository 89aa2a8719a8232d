from __future__ import annotations

import os
import signal
import threading

import pytest

from modelwright.training.interrupt import deferred_interrupt


def test_the_first_interrupt_is_deferred_and_the_second_is_not() -> None:
    before = signal.getsignal(signal.SIGINT)
    with deferred_interrupt() as check:
        check()
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            check()
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is before


def test_other_threads_are_not_changed() -> None:
    found: list[bool] = []

    def run_in_thread() -> None:
        with deferred_interrupt() as check:
            check()
            found.append(signal.getsignal(signal.SIGINT) is before)

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=run_in_thread)
    thread.start()
    thread.join()
    assert found == [True]
