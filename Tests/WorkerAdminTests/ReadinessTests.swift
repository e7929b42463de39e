import Testing

@testable import WorkerAdmin
@testable import WorkerKit

@Suite("Readiness")
struct ReadinessTests {
  func status(
    _ activity: ConsumerStatus.Activity, for duration: Duration = .seconds(1), limit: Duration? = .seconds(60),
    closed: [String: String] = [:], hasReceived: Bool = true
  ) -> ConsumerStatus {
    ConsumerStatus(
      queue: "prizes", activity: activity, duration: duration, limit: limit, inFlight: 2, parked: 1, slots: 16,
      closedPlugins: closed, hasReceived: hasReceived)
  }

  @Test(
    "a consumer that receives, or is busy, is ready",
    arguments: [.receiving, .waitingForSlots] as [ConsumerStatus.Activity])
  func ready(activity: ConsumerStatus.Activity) {
    let readiness = Readiness(of: [status(activity)])
    #expect(readiness.isReady)
    #expect(readiness.reasons.isEmpty)
    #expect(Liveness(of: [status(activity)]).isLive)
  }

  @Test(
    "what keeps a consumer from its work is a reason",
    arguments: [
      (.starting, "prizes: it has not received yet: it looks at its queue"),
      (.failing("AccessDenied"), "prizes: receiving fails: AccessDenied"),
      (.draining, "prizes: it stops, and finishes what is in hand"), (.stopped, "prizes: it has stopped"),
    ] as [(ConsumerStatus.Activity, String)])
  func notReady(activity: ConsumerStatus.Activity, reason: String) {
    let readiness = Readiness(of: [status(activity)])
    #expect(!readiness.isReady)
    #expect(readiness.reasons == [reason])
    // A supervisor that restarted it would mend nothing.
    #expect(Liveness(of: [status(activity)]).isLive)
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

  @Test("a loop that stays longer in one place than it can is neither live nor ready")
  func hangs() {
    let hanging = status(.receiving, for: .seconds(61))
    #expect(Liveness(of: [status(.receiving), hanging]).reasons == ["prizes: its loop hangs: receiving for 61 s"])
    #expect(!Readiness(of: [hanging]).isReady)
    #expect(Liveness(of: [status(.waitingForSlots, for: .seconds(86_400), limit: nil)]).isLive)
  }

  @Test("without a queue nothing is done")
  func noQueue() {
    #expect(Readiness(of: []).reasons == ["no queue is read"])
  }
}
