"""A program of mode `once` that does what its event says, and writes down what it was given."""

import json
import os
import signal
import subprocess
import sys
import time


def record(**fields):
    line = json.dumps({"pid": os.getpid(), "time": time.time(), **fields}) + "\n"
    file = os.open(os.environ["RECORD"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(file, line.encode())
    os.close(file)


record(begun=True, argv=sys.argv, environment=dict(os.environ), directory=os.getcwd())
text = sys.stdin.buffer.read().decode()
body = json.loads(text)
record(event=text)
do = body.get("do")
if do == "ignore signals":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
if do == "close standard input":
    os.close(0)
if do == "close its streams":
    for stream in (0, 1, 2):
        os.close(stream)
if do == "fork stubbornly":
    # What is ignored stays so in another program.
    ignore = lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)  # noqa: E731
    record(forked=subprocess.Popen(["sleep", "600"], preexec_fn=ignore).pid)
if do in ("fork stubbornly", "hang", "ignore signals", "close standard input", "close its streams"):
    time.sleep(600)
if do == "fork":
    record(forked=subprocess.Popen(["sleep", "600"]).pid)
if do == "crash":
    os.kill(os.getpid(), signal.SIGKILL)
print(body.get("print", ""))
sys.stderr.write(body.get("complain", ""))
record(done=body.get("name"))
sys.exit(body.get("status", 0))
