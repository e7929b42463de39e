import Testing

@testable import WorkerKit

@Suite("Durations for people")
struct DurationTests {
  @Test(
    "milliseconds up to a second, then seconds, with one decimal",
    arguments: [
      (Duration.zero, "0.0 ms"), (.microseconds(40), "0.0 ms"), (.microseconds(60), "0.1 ms"),
      (.microseconds(3_140), "3.1 ms"), (.microseconds(998_900), "998.9 ms"), (.microseconds(999_990), "1.0 s"),
      (.seconds(1), "1.0 s"), (.milliseconds(20_049), "20.0 s"), (.seconds(3_600), "3600.0 s"),
    ])
  func brief(duration: Duration, text: String) {
    #expect(duration.brief == text)
  }
}
