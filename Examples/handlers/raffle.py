import json
import sys

print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    event = json.loads(line)
    winner, outcome = event["body"].get("userId"), {"outcome": "handled"}
    if winner is None:
        outcome = {"outcome": "failed", "kind": "validation", "message": "userId is missing", "field": "userId"}
    print(f"{winner} wins {event['body'].get('prize')}", file=sys.stderr, flush=True)
    print(json.dumps({"id": event["id"], **outcome}), flush=True)
