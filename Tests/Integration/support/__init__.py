"""What the tests share: the queue a bot sends to, the worker's binary, and the database that shows what it did."""

import time
from contextlib import contextmanager


def wait_until(condition, what, deadline=120.0, interval=0.05):
    """Returns what `condition` returns as soon as it is true; fails after `deadline` seconds, naming `what`."""
    end = time.monotonic() + deadline
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline:g} s in vain until {what}")
        time.sleep(interval)


@contextmanager
def takes_at_most(seconds, what):
    start = time.monotonic()
    yield
    took = time.monotonic() - start
    assert took <= seconds, f"{what} took {took:.1f} s, and {seconds:g} s at most are promised"
