#!/usr/bin/env bash
# Shows what the worker does, on a local queue and a database of its own under .worker/; `make run` calls it.
#
#   scripts/demo.sh           the demo, then everything stops
#   scripts/demo.sh --keep    the demo, then the worker goes on until Ctrl-C, for messages of your own
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

case "${1:-}" in
  "" | --keep) ;;
  *)
    echo "demo: unknown argument $1; it is either nothing or: --keep" >&2
    exit 64
    ;;
esac

worker=${WORKER:-.build/debug/worker}
python=${PYTHON:-.venv/bin/python}
queue=test-prize-distribution
user=987654321098765432
log=.worker/worker.log

# Once more from the top, beside a local queue that stops when we do.
if [ -z "${DEMO_HAS_QUEUE:-}" ]; then
  exec env DEMO_HAS_QUEUE=1 "$python" scripts/local_queue.py serve --prefer-port 4566 -- "${BASH_SOURCE[0]}" "$@"
fi

step=0
title() {
  step=$((step + 1))
  printf '\n%d. %s\n' "$step" "$*"
}
indent() { sed 's/^/   /'; }
# Shows a command as one would type it, and runs it.
try() {
  printf '   $ worker %s\n' "$*"
  "$worker" "$@" 2>>"$log" | indent
}
explain_failure() {
  local status=$?
  case $status in 0 | 130) return ;; esac
  printf '\nThe demo stopped early. The end of %s:\n' "$log" >&2
  tail -n 15 "$log" >&2
}
trap 'exit 130' INT TERM
trap explain_failure EXIT

mkdir -p .worker
rm -f .worker/prizes.db .worker/prizes.db-shm .worker/prizes.db-wal "$log"

export PRIZE_DATABASE=sqlite:.worker/prizes.db
# The spec's name for it; nothing of the shell's own AWS set-up may reach the demo, nor the demo any real queue.
unset AWS_PROFILE AWS_SESSION_TOKEN AWS_ENDPOINT_URL AWS_ENDPOINT_URL_SQS AWS_SQS_ENABLED

title "A local SQS queue with a dead-letter queue, at $SQS_TEST_ENDPOINT"
AWS_SQS_QUEUE_URL=$("$python" scripts/local_queue.py create "$queue")
export AWS_SQS_QUEUE_URL
echo "   $AWS_SQS_QUEUE_URL"

title "What can be awarded, and to whom"
try prizes import Examples/catalog.yaml

title "A bot awards an item, a character, and an item that does not exist"
try send Examples/item-awarded.json
try send Examples/character-awarded.json
try send Examples/unknown-item.json

title "The worker takes them from the queue, until it is empty (its log: $log)"
try run --until-empty

title "What became of the two prizes"
try prizes holdings --user "$user"

title "The third is in the dead-letter queue, and says why"
"$python" scripts/local_queue.py dead-letters "$queue" | indent

if [ "${1:-}" = --keep ]; then
  title "The worker goes on; Ctrl-C stops it. In another terminal, for example:"
  cat <<END
   export AWS_SQS_QUEUE_URL=$AWS_SQS_QUEUE_URL AWS_REGION=$AWS_REGION
   export AWS_ACCESS_KEY_ID=$AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY=$AWS_SECRET_ACCESS_KEY PRIZE_DATABASE=$PRIZE_DATABASE
   $worker send Examples/item-awarded.json --count 3
   echo '{"eventType": "ACCOUNT_LINKED", "discordUserId": "$user", "userId": "mira"}' | $worker send -
   $worker prizes holdings --user mira

END
  # The worker itself takes Ctrl-C, and finishes what it has begun.
  trap : INT
  "$worker" run
else
  title "What to try next"
  cat <<END
   make run ARGS=--keep          the same, and the queue and the worker stay for messages of your own
   $worker --help    everything that it can do
   README.md                     routes, plugins of your own, and how to point it at AWS
END
fi
