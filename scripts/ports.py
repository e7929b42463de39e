"""Ports for servers that must be told one, and cannot take any that is free."""

import random
import socket
from contextlib import suppress

# Below those that the system gives to whoever asks for any: no such port is given away before it is used, or while its server
# is started again.
RANGE = range(20_000, 32_000)


def free_port():
    while True:
        # Not by a seed: tests that run side by side would choose the same.
        port = random.SystemRandom().choice(RANGE)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
