import { createInterface } from 'node:readline';

const answer = (fields) => console.log(JSON.stringify(fields));
answer({ ready: true });
for await (const line of createInterface({ input: process.stdin })) {
  const { id, body } = JSON.parse(line);
  console.error(`${body.userId} loses ${body.prize}`);
  if (body.userId) answer({ id, outcome: 'handled' });
  else answer({ id, outcome: 'failed', kind: 'validation', message: 'userId is missing', field: 'userId' });
}
