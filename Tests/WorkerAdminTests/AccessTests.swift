import Testing
import WorkerKit
import WorkerTesting

@testable import WorkerAdmin

@Suite("Access to the console")
struct AccessTests {
  let clock = ManualClock()

  @Test("a session ends after half an hour without use, and twelve hours after its start")
  func sessions() {
    let sessions = Sessions(clock: WorkerClock(clock))
    let id = sessions.begin("ana")
    clock.advance(by: .seconds(29 * 60))
    #expect(sessions.find(id, isUse: true)?.user == "ana")
    clock.advance(by: .seconds(29 * 60))
    // A page that updates itself does not keep it.
    #expect(sessions.find(id, isUse: false) != nil)
    clock.advance(by: .seconds(60))
    #expect(sessions.find(id, isUse: true) == nil)

    let other = sessions.begin("ana")
    for _ in 0..<36 {
      clock.advance(by: .seconds(19 * 60 + 50))
      #expect(sessions.find(other, isUse: true) != nil)
    }
    clock.advance(by: .seconds(20 * 60))
    #expect(sessions.find(other, isUse: true) == nil)
  }

  @Test("sessions differ, and one that ended is none")
  func ends() {
    let sessions = Sessions(clock: WorkerClock(clock))
    let (first, second) = (sessions.begin("ana"), sessions.begin("ana"))
    #expect(first != second && first.count >= 43)
    #expect(sessions.find(first, isUse: true)?.token != sessions.find(second, isUse: true)?.token)
    sessions.end(first)
    #expect(sessions.find(first, isUse: true) == nil)
    #expect(sessions.find(second, isUse: true) != nil)
    #expect(sessions.find("", isUse: true) == nil)
  }

  @Test("each wrong password after the fifth from an address waits twice as long, up to a minute")
  func throttle() {
    let throttle = LoginThrottle(clock: WorkerClock(clock))
    var waits: [Duration] = []
    for _ in 0..<14 {
      let wait = throttle.begin(user: "ana", address: "192.0.2.1") ?? .zero
      waits.append(wait)
      clock.advance(by: wait)
      if wait > .zero { #expect(throttle.begin(user: "ana", address: "192.0.2.1") == nil) }
    }
    #expect(waits == [0, 0, 0, 0, 0, 1, 2, 4, 8, 16, 32, 60, 60, 60].map { .seconds($0) })
    // Others are not kept out by it.
    #expect(throttle.begin(user: "bea", address: "192.0.2.2") == nil)
    throttle.recordSuccess(user: "ana", address: "192.0.2.1")
    #expect(throttle.begin(user: "ana", address: "192.0.2.1") == nil)
  }

  @Test("guesses at the same time are slowed down, too: each counts before its password is checked")
  func atOnce() {
    let throttle = LoginThrottle(clock: WorkerClock(clock))
    let begun = (0..<30).count { _ in throttle.begin(user: "ana", address: "192.0.2.1") == nil }
    #expect(begun == 5)
  }

  @Test("guesses from many addresses at one user are slowed down, and do not keep the user out who logged in before")
  func manyAddresses() {
    let throttle = LoginThrottle(clock: WorkerClock(clock))
    throttle.recordSuccess(user: "ana", address: "203.0.113.1")
    for number in 0..<30 { _ = throttle.begin(user: "ana", address: "192.0.2.\(number)") }
    #expect(throttle.begin(user: "ana", address: "198.51.100.1") != nil)
    #expect(throttle.begin(user: "ana", address: "203.0.113.1") == nil)
    #expect(throttle.begin(user: "bea", address: "203.0.113.2") == nil)
  }

  @Test("a name of one endless character takes no memory, and counts as its beginning does")
  func endlessCharacter() {
    let throttle = LoginThrottle(clock: WorkerClock(clock))
    for number in 0..<20 {
      let name = "a" + String(repeating: "\u{301}", count: 1000 + number)
      #expect(throttle.begin(user: name, address: "192.0.2.\(number)") == nil)
    }
    let other = "a" + String(repeating: "\u{301}", count: 2000)
    #expect(throttle.begin(user: other, address: "198.51.100.1") != nil, "the names differ beyond their limit alone")
  }

  @Test("a user whose hash is none is a configuration error that does not repeat it")
  func wrongHash() {
    var configuration = AdminConfiguration()
    configuration.users = ["ana": ConsoleUser(role: .operator, passwordHash: "scrypt:secret")]
    #expect {
      try Gate(configuration)
    } throws: { error in
      "\(error)".contains("admin.users.ana") && !"\(error)".contains("secret")
    }
  }
}
