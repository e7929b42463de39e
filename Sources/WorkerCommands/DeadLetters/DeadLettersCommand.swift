import ArgumentParser

struct DeadLettersCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "dead-letters",
      abstract: "See what could not be handled, and send it back, keep it or throw it away.",
      discussion: """
        Dead letters are of two sorts. Those with a kind (notFound, conflict, …) the \
        worker wrote, with the reason. Those whose kind is - the queue's redrive \
        policy moved, because they were received too often; the reason is in the \
        worker's log.

          worker dead-letters list --kind notFound
          worker dead-letters show ID
          worker dead-letters redrive --kind notFound --dry-run
          worker dead-letters redrive --kind notFound --yes
          worker dead-letters export --older-than 7d --output old.jsonl
          worker dead-letters discard --exported old.jsonl --yes

        The dead-letter queue is the one that the queue's redrive policy names. SQS \
        shows a message only to whoever receives it: while a command looks, the \
        letters it has seen are hidden from others, and then it gives them back. \
        Letters that someone else has in hand cannot be seen. Each look counts as a \
        receive (ApproximateReceiveCount). A FIFO queue shows no more than ten \
        letters of a group at once.

        Needed on the dead-letter queue: sqs:ReceiveMessage, \
        sqs:ChangeMessageVisibility, sqs:GetQueueAttributes, sqs:GetQueueUrl; to \
        redrive or discard sqs:DeleteMessage; on the queue sqs:GetQueueAttributes, \
        and to redrive sqs:SendMessage.

        Exit codes: 0 done, 1 a failure, or a letter that could not be handled, \
        64 wrong arguments, 75 stopped before all was looked at, 78 routes.yaml is \
        wrong, 129, 130 or 143 ended by a signal.
        """,
      subcommands: [
        ListDeadLetters<Application>.self, ShowDeadLetter<Application>.self, RedriveDeadLetters<Application>.self,
        DiscardDeadLetters<Application>.self, ExportDeadLetters<Application>.self,
      ])
  }
}
