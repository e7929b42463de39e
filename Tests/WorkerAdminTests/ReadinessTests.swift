import Testing

@testable import WorkerAdmin
@testable import WorkerKit

@Suite("Readiness")
struct ReadinessTests {
  func status(
    _ activity: ConsumerStatus.Activity,
    closed: [String: String] = [:], hasReceived: Bool = true
  ) -> ConsumerStatus {
    ConsumerStatus(
      queue: "prizes", activity: activity, duration: .seconds(1), inFlight: 2, busy: 1, ahead: 0, parked: 1,
      settling: 0, slots: 16, closedPlugins: closed, hasReceived: hasReceived)
  }

  @Test(
    "a consumer that receives, or is busy, is ready",
    arguments: [.receiving, .waitingForSlots, .waitingForSettlements] as [ConsumerStatus.Activity])
  func ready(activity: ConsumerStatus.Activity) {
    let readiness = Readiness(of: [status(activity)])
    #expect(readiness.isReady)
    #expect(readiness.reasons.isEmpty)
  }

  @Test(
    "what keeps a consumer from its work is a reason",
    arguments: [
      (.starting, "prizes: it has not received yet: it reads its queue's attributes"),
      (.failing("AccessDenied"), "prizes: receiving fails: AccessDenied"),
      (.draining, "prizes: it is stopping, and finishes the messages received"), (.stopped, "prizes: it has stopped"),
    ] as [(ConsumerStatus.Activity, String)])
  func notReady(activity: ConsumerStatus.Activity, reason: String) {
    let readiness = Readiness(of: [status(activity)])
    #expect(!readiness.isReady)
    #expect(readiness.reasons == [reason])
  }

  @Test("a worker that starts says what it does")
  func starting() {
    let readiness = Readiness(of: [], starting: "asks the queue prizes")
    #expect(!readiness.isReady)
    #expect(readiness.reasons == ["starting: asks the queue prizes"])
  }

  @Test("who has never received is not ready")
  func neverReceived() {
    #expect(
      Readiness(of: [status(.receiving, hasReceived: false)]).reasons == [
        "prizes: it has not received yet: its first receive waits"
      ])
  }

  @Test("a plugin that is down is one reason, for however many queues, also while others' events are taken in")
  func plugins() {
    let readiness = Readiness(of: [
      status(.waitingForPlugins, closed: ["prizes": "database is locked"]),
      status(.receiving, closed: ["prizes": "database is locked"]),
    ])
    #expect(readiness.reasons == ["the plugin prizes is down: database is locked"])
  }

  @Test("what does not answer is why a worker is not live")
  func hangs() {
    #expect(Liveness(hangs: []).isLive)
    let liveness = Liveness(hangs: ["prizes: its loop has not answered within 10 s"])
    #expect(!liveness.isLive)
    #expect(liveness.reasons == ["prizes: its loop has not answered within 10 s"])
  }

  @Test("without a queue nothing is done")
  func noQueue() {
    #expect(Readiness(of: []).reasons == ["no queue is read"])
  }
}
