import Logging

/// What is looked at once, before the first receive.
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
      logger.warning("the queue has no redrive policy: what cannot be handled stays on it until it expires")
      return
    }
    if policy.maxReceiveCount != configuration.maxReceiveCount {
      logger.warning(
        "maxReceiveCount differs from the queue's redrive policy, which wins",
        metadata: ["routes": "\(configuration.maxReceiveCount)", "queuePolicy": "\(policy.maxReceiveCount)"])
    }
    started["maxReceiveCount"] = "\(policy.maxReceiveCount)"
    started["deadLetters"] = "\(policy.deadLetterTargetArn)"
  }
}
