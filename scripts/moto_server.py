"""moto's server, in which a queue does one thing at a time.

    moto_server.py -H HOST -p PORT

moto has a thread for each request and no lock: it hands one message to two receives, and forgets one that is sent while another is
deleted. SQS does neither. So each operation holds a lock here, which a receive that waits for messages gives back meanwhile.
"""

import functools
import inspect
import threading

from moto.server import main
from moto.sqs.models import Queue, SQSBackend

lock = threading.RLock()


def one_at_a_time(operation):
    @functools.wraps(operation)
    def locked(*arguments, **options):
        with lock:
            return operation(*arguments, **options)

    return locked


def without_lock(wait):
    @functools.wraps(wait)
    def waiting(*arguments):
        lock.release()
        try:
            return wait(*arguments)
        finally:
            lock.acquire()

    return waiting


for name, operation in inspect.getmembers(SQSBackend, inspect.isfunction):
    if name in vars(SQSBackend) and not name.startswith("_"):
        setattr(SQSBackend, name, one_at_a_time(operation))
Queue.wait_for_messages = without_lock(Queue.wait_for_messages)

if __name__ == "__main__":
    main()
