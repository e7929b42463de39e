import Logging

/// Checks the queue before the first receive, and reads its redrive policy again later.
extension QueueConsumer {
  /// - Throws: when the queue does not exist, or there are no credentials at all. Whatever else goes wrong may pass, and
  ///   is only said.
  func checkQueue() async throws {
    let attributes: QueueAttributes
    var started: Logger.Metadata = ["concurrency": "\(configuration.concurrency)"]
    do {
      attributes = try await queue.attributes()
    } catch var error as QueueError where error.isQueueMissing || error.code == .noCredentials {
      error.message = "queue \(queue.name): \(error.message)"
      throw error
    } catch let error as CancellationError {
      throw error
    } catch {
      logger.warning(
        "the queue's attributes cannot be read (sqs:GetQueueAttributes); dead letters need its redrive policy",
        metadata: ["error": "\(QueueError(wrapping: error))"])
      return logger.info("consumer started", metadata: started)
    }
    defer { logger.info("consumer started", metadata: started) }
    progress.redrive = .known(attributes.redrivePolicy)
    guard let policy = attributes.redrivePolicy else {
      logger.warning("the queue has no redrive policy; messages that cannot be handled stay on it until they expire")
      return
    }
    if policy.maxReceiveCount != configuration.maxReceiveCount {
      logger.warning(
        "maxReceiveCount differs from the queue's redrive policy, which applies",
        metadata: ["routes": "\(configuration.maxReceiveCount)", "queuePolicy": "\(policy.maxReceiveCount)"])
    }
    started["maxReceiveCount"] = "\(policy.maxReceiveCount)"
    started["deadLetters"] = "\(policy.deadLetterTargetArn)"
  }

  /// Reads the redrive policy again after events have failed: it may be another by now, and says which attempt is the last.
  func watchRedrivePolicy() async {
    while !Task.isCancelled {
      do {
        try await progress.untilRedriveIsNeeded()
        let policy = try await queue.attributes().redrivePolicy
        let before = progress.redrive
        progress.redrive = .known(policy)
        if case .known(let old) = before, old == policy { continue }
        logger.notice(
          "the queue's redrive policy has been read again, and differs",
          metadata: [
            "maxReceiveCount": "\(policy.map { "\($0.maxReceiveCount)" } ?? "none")",
            "deadLetters": "\(policy?.deadLetterTargetArn ?? "none")",
          ])
      } catch {
        // What is known stands, and the next failure asks again.
      }
    }
  }
}
