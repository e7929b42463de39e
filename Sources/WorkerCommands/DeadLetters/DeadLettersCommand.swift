import ArgumentParser

struct DeadLettersCommand<Application: WorkerApplication>: AsyncParsableCommand {
  static var configuration: CommandConfiguration {
    CommandConfiguration(
      commandName: "dead-letters",
      abstract: "List, show, redrive, discard and export dead letters.",
      discussion: """
        A dead letter with an error kind (notFound, conflict, …) was sent by the \
        worker, with the reason. A dead letter of the kind - was moved by the queue's \
        redrive policy after too many receives; its reason is in the worker's log.

          worker dead-letters list --kind notFound
          worker dead-letters show ID
          worker dead-letters redrive ID --yes
          worker dead-letters redrive --kind notFound --dry-run
          worker dead-letters redrive --kind notFound --yes
          worker dead-letters export --older-than 7d --output old.jsonl
          worker dead-letters discard --exported old.jsonl --yes

        The queue's redrive policy names the dead-letter queue. Several queues can \
        share one; each dead letter belongs to the queue that it came from. The body, \
        the attributes and a claimed failure of a dead letter are unverified input of \
        its producer. A message can only be read by receiving it. While a command \
        runs, the dead letters that it has read are invisible to others; then it makes \
        them visible again. Dead letters that another consumer has received cannot be \
        read. Each read counts as a receive (ApproximateReceiveCount). A FIFO queue \
        delivers at most ten dead letters of a group at once.

        Permissions on the dead-letter queue: sqs:ReceiveMessage, \
        sqs:ChangeMessageVisibility, sqs:GetQueueAttributes, sqs:GetQueueUrl; to \
        redrive or discard also sqs:DeleteMessage. On the queue: \
        sqs:GetQueueAttributes; to redrive also sqs:SendMessage.

        Exit codes: 0 done; 1 a failure, or a dead letter that could not be changed; \
        64 invalid arguments; 75 stopped before all were read; 78 routes.yaml is \
        invalid; 129, 130 or 143 ended by a signal.
        """,
      subcommands: [
        ListDeadLetters<Application>.self, ShowDeadLetter<Application>.self, RedriveDeadLetters<Application>.self,
        DiscardDeadLetters<Application>.self, ExportDeadLetters<Application>.self,
      ])
  }
}
