"""A worker that is known to work, events to handle while something is wrong, and whether it caught up with them."""

from support import wait_until
from support.events import item, somebody


def start(worker, queue, prizes, **options):
    """Starts a worker, and waits until it has granted something, which does not count."""
    running = worker.start(**options)
    queue.send(item(somebody(0)))
    prizes.wait_for(somebody(0))
    queue.wait_until_empty()
    return running


def send_events(queue, count=20):
    """To a user each: to the first one item, to the second two."""
    for number in range(1, count + 1):
        queue.send(item(somebody(number), number))


def check_granted(prizes, count=20):
    rows = prizes.query("SELECT pending_discord_user_id, sum(quantity) FROM items GROUP BY 1")
    granted = {user: quantity for user, quantity in rows if user != somebody(0)}
    assert granted == {somebody(number): number for number in range(1, count + 1)}


def check_all(queue, prizes, running):
    """All is granted once, nothing is left or given up, and the worker is well."""
    queue.wait_until_empty()
    check_granted(prizes)
    assert queue.dead_letters() == []
    running.stop(deadline=20)


def wait_until_logged(running, word):
    what = f"the log says {word!r}"
    wait_until(lambda: word in running.log() or not running.is_running, what)
    assert word in running.log(), f"it ended without saying {word!r}\n{running.log()}"
