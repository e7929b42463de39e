// Sends a prize, as a Discord bot does. It needs @aws-sdk/client-sqs, and the queue's URL in AWS_SQS_QUEUE_URL.
//
//   node send-prize.mjs raffle-42/winner-1 987654321098765432 cluid123abc 5
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

/**
 * Sends an event and returns the message's ID. An event that is sent again with the same key is awarded once.
 *
 * key: identifies the prize, not the attempt: `raffle-42/winner-1`, the ID of the interaction or of your own record.
 * traceparent: W3C trace context, which makes the worker's spans part of the bot's trace. With OpenTelemetry:
 *   const carrier = {};
 *   propagation.inject(context.active(), carrier);   // both from @opentelemetry/api
 *   const { traceparent } = carrier;
 */
export async function sendPrize(sqs, queueUrl, key, event, traceparent) {
  const attributes = { IdempotencyKey: { DataType: "String", StringValue: key } };
  if (traceparent) attributes.traceparent = { DataType: "String", StringValue: traceparent };
  // A user's prizes are handled in order. SQS drops repeats for five minutes only; the key has no time limit.
  const order = queueUrl.endsWith(".fifo")
    ? { MessageGroupId: event.discordUserId, MessageDeduplicationId: key }
    : {};
  const sent = await sqs.send(
    new SendMessageCommand({
      QueueUrl: queueUrl,
      MessageBody: JSON.stringify(event),
      MessageAttributes: attributes,
      ...order,
    }),
  );
  return sent.MessageId;
}

const [key, discordUserId, itemTypeId, quantity] = process.argv.slice(2);
if (key) {
  // IDs are strings: a JavaScript number loses the last digits of a Discord ID. discord.js has strings, too.
  const event = {
    eventType: "ITEM_AWARDED",
    discordGuildId: "123456789012345678",
    discordUserId,
    itemTypeId,
    quantity: Number(quantity ?? 1),
  };
  const queueUrl = process.env.AWS_SQS_QUEUE_URL;
  console.log(await sendPrize(new SQSClient({}), queueUrl, key, event, process.env.TRACEPARENT));
}
