import os
import signal
import threading

import pytest

from catallax._interrupts import deferred_interrupt


def press():
    os.kill(os.getpid(), signal.SIGINT)


def test_the_first_press_waits_until_it_is_asked_for():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt() as obey:
        press()
        reached = True
        obey()
    assert reached
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_the_second_press_does_not_wait():
    with pytest.raises(KeyboardInterrupt), deferred_interrupt():
        press()
        press()


def test_without_a_press_nothing_happens():
    with deferred_interrupt() as obey:
        obey()


def test_a_listener_of_the_caller_stays():
    heard = []
    before = signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        with deferred_interrupt() as obey:
            press()
            obey()
    finally:
        signal.signal(signal.SIGINT, before)
    assert heard == [signal.SIGINT]


def test_other_threads_are_left_alone():
    seen = []

    def work():
        with deferred_interrupt() as obey:
            obey()
            seen.append(True)

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [True]
