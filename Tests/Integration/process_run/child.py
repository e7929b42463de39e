"""A program of mode `worker` that does what its events say, and writes down what it was given."""

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


def handed_over():
    """How many events have come to all processes."""
    with open(os.environ["RECORD"], encoding="utf-8") as file:
        return sum('"event":' in line for line in file)


def say(line):
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def answer(event, **fields):
    say(json.dumps({"id": event["id"], "outcome": "handled", **fields}))


def stop(*_):
    record(stopped=True)
    os._exit(0)


def misbehave(event, body):
    if "once" in body:
        # Marks that it was done.
        with open(body["once"], "w"):
            pass
    match body.get("do"):
        case "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        case "exit":
            os._exit(body.get("status", 0))
        case "hang":
            time.sleep(600)
        case "ignore signals":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            time.sleep(600)
        case "fork stubbornly":
            # What is ignored stays so in another program.
            ignore = lambda: signal.signal(signal.SIGTERM, signal.SIG_IGN)  # noqa: E731
            record(forked=subprocess.Popen(["sleep", "600"], preexec_fn=ignore).pid)
            time.sleep(600)
        case "garbage":
            say("this is no answer")
        case "a long line":
            say("x" * 100_000)
        case "flood standard output":
            while True:
                sys.stdout.write("x" * 65_536)
        case "an unknown id":
            say(json.dumps({"id": "nobody", "outcome": "handled"}))
        case "no outcome":
            say(json.dumps({"id": event["id"]}))
        case "close standard output":
            os.close(1)
            time.sleep(600)
        case "close standard input":
            os.close(0)
            time.sleep(600)
        case _:
            return False
    return True


def handle(event):
    body = event["body"]
    is_over = any(key in body and os.path.exists(body[key]) for key in ("once", "unless"))
    if not is_over and event["receiveCount"] <= body.get("times", 1000) and misbehave(event, body):
        return
    match body.get("do"):
        case "flood standard error":
            for number in range(50_000):
                sys.stderr.write(f"flood {number} {'x' * 200}\n")
        case "print":
            sys.stderr.write(body["text"] + "\n")
            sys.stderr.flush()
        case "close standard error":
            os.close(2)
        case "fork":
            child = subprocess.Popen(["sleep", "600"])
            record(forked=child.pid)
        case "wait":
            time.sleep(body["seconds"])
    record(done=body.get("name"), key=event["idempotencyKey"])
    answer(event, **body.get("answer", {}))
    if body.get("do") == "answer twice" and event["receiveCount"] <= body.get("times", 1000):
        answer(event)


def main():
    signal.signal(signal.SIGTERM, stop)
    record(begun=True, argv=sys.argv, environment=dict(os.environ), directory=os.getcwd())
    if "READY" in sys.argv:
        say(json.dumps({"ready": True}))
    gathered = []
    for line in iter(sys.stdin.readline, ""):
        event = json.loads(line)
        record(event=event)
        is_over = os.path.exists(event["body"].get("until", ""))
        if event["body"].get("do") == "gather" and not is_over:
            gathered.append(event)
            if len(gathered) == event["body"]["count"]:
                while handed_over() < event["body"].get("together", 0):
                    time.sleep(0.05)
                for each in reversed(gathered):
                    answer(each)
                gathered = []
        else:
            handle(event)
    record(ended=True)


main()
