// Sends a prize, as a Discord bot does. `npm install @aws-sdk/client-sqs`, and AWS_SQS_QUEUE_URL says where to.
//
//   node send-prize.mjs raffle-42/winner-1 987654321098765432 cluid123abc 5
import { SendMessageCommand, SQSClient } from "@aws-sdk/client-sqs";

/**
 * Sends an event, and returns the message's id. Sent again with the same key, it is granted once.
 *
 * key: names the occasion, not the attempt: `raffle-42/winner-1`, the id of the interaction, of your own record.
 * traceparent: W3C's, so that the worker's spans join the bot's trace. With OpenTelemetry:
 *   const carrier = {};
 *   propagation.inject(context.active(), carrier);   // both from @opentelemetry/api
 *   const { traceparent } = carrier;
 */
export async function sendPrize(sqs, queueUrl, key, event, traceparent) {
  const attributes = { IdempotencyKey: { DataType: "String", StringValue: key } };
  if (traceparent) attributes.traceparent = { DataType: "String", StringValue: traceparent };
  // One user's prizes stay in order; the key also keeps SQS from taking a message twice within five minutes.
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
  // Ids are texts: a JavaScript number loses a Discord id's last digits. discord.js has them as texts.
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
