"""A worker whose handlers do what their events say: `Tests/TrialWorker`."""

import os
from pathlib import Path

from support.worker import Worker


class Trials(Worker):
    def __init__(self, binary, folder, queue_url):
        super().__init__(Path(binary).with_name("TrialWorker"), folder, queue_url)
        self.record = self.folder / "record"
        self.outage = self.folder / "outage"
        self.down = self.folder / "down"
        self.environment["TRIAL_RECORD"] = str(self.record)
        self.environment["TRIAL_DOWN"] = str(self.down)
        del self.routes["plugins"]
        self.routes["routes"] = {"TRIAL": {"handler": "trial.do"}, "GUARDED": {"handler": "guarded.do"}}

    @property
    def recorded(self):
        """The names of the events that were handled, in order."""
        return self.record.read_text().split() if self.record.exists() else []


def trial(name, event_type="TRIAL", **fields):
    return {"eventType": event_type, "name": str(name), **fields}


CORES = len(os.sched_getaffinity(0))
