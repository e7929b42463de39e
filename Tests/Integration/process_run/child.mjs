// A program of mode `worker` that does what its events say, and writes down what it was given: child.py in Node.
import { spawn } from 'node:child_process';
import { appendFileSync, closeSync, readFileSync, writeSync } from 'node:fs';
import { createInterface } from 'node:readline';

const record = (fields) =>
  appendFileSync(process.env.RECORD, `${JSON.stringify({ pid: process.pid, time: Date.now() / 1000, ...fields })}\n`);
const say = (line) => writeSync(1, `${line}\n`);
const answer = (event, fields = {}) => say(JSON.stringify({ id: event.id, outcome: 'handled', ...fields }));
const block = (seconds) => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, seconds * 1000);

// How many events have come to all processes.
const handedOver = () => readFileSync(process.env.RECORD, 'utf8').split('"event":').length - 1;

const misbehaviour = {
  crash: () => process.abort(),
  exit: (event) => process.exit(event.body.status ?? 0),
  hang: () => block(600),
  'ignore signals': () => process.on('SIGTERM', () => {}) && setInterval(() => {}, 1000),
  garbage: () => say('this is no answer'),
  'a long line': () => say('x'.repeat(100_000)),
  'flood standard output': () => {
    for (;;) writeSync(1, 'x'.repeat(65_536));
  },
  'an unknown id': () => say(JSON.stringify({ id: 'nobody', outcome: 'handled' })),
  'no outcome': (event) => say(JSON.stringify({ id: event.id })),
  'close standard output': () => {
    closeSync(1);
    block(600);
  },
  'close standard input': () => {
    closeSync(0);
    block(600);
  },
};

const handle = (event) => {
  const { body } = event;
  const misbehaves = event.receiveCount <= (body.times ?? 1000);
  if (misbehaves && misbehaviour[body.do]) return misbehaviour[body.do](event);
  if (body.do === 'flood standard error') {
    for (let number = 0; number < 50_000; number += 1) writeSync(2, `flood ${number} ${'x'.repeat(200)}\n`);
  } else if (body.do === 'print') {
    writeSync(2, `${body.text}\n`);
  } else if (body.do === 'close standard error') {
    closeSync(2);
  } else if (body.do === 'fork') {
    record({ forked: spawn('sleep', ['600'], { stdio: 'ignore' }).pid });
  } else if (body.do === 'wait') {
    block(body.seconds);
  }
  record({ done: body.name, key: event.idempotencyKey });
  answer(event, body.answer);
  if (body.do === 'answer twice' && misbehaves) answer(event);
};

process.on('SIGTERM', () => {
  record({ stopped: true });
  process.exit(0);
});
record({ begun: true, argv: process.argv.slice(1), environment: { ...process.env }, directory: process.cwd() });
if (process.argv.includes('READY')) say(JSON.stringify({ ready: true }));
let gathered = [];
for await (const line of createInterface({ input: process.stdin })) {
  const event = JSON.parse(line);
  record({ event });
  if (event.body.do === 'gather') {
    gathered.push(event);
    if (gathered.length === event.body.count) {
      while (handedOver() < (event.body.together ?? 0)) block(0.05);
      gathered.reverse().forEach((each) => answer(each));
      gathered = [];
    }
  } else {
    handle(event);
  }
}
record({ ended: true });
