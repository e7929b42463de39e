import Foundation
import Testing
import WorkerKit

@testable import WorkerAdmin

@Suite("Values of the console")
struct ConsoleValuesTests {
  @Test func percentilesAreAtMostAFifthTooHigh() {
    var histogram = DurationHistogram()
    for milliseconds in 1...1000 { histogram.add(.milliseconds(milliseconds)) }
    for (share, exact) in [(0.5, 500.0), (0.95, 950), (0.99, 990)] {
      let found = (histogram.percentile(share) ?? .zero) / .milliseconds(1)
      #expect(found >= exact && found <= exact * 1.26, "\(share): \(found)")
    }
    #expect(DurationHistogram().percentile(0.5) == nil)
  }

  @Test func theShortestAndTheLongestHaveABucket() {
    var histogram = DurationHistogram()
    for duration in [Duration.zero, .microseconds(1), .seconds(43_200), .seconds(1 << 40)] { histogram.add(duration) }
    #expect(histogram.count == 4)
    #expect((histogram.percentile(1) ?? .zero) > .seconds(3600))
  }

  @Test func percentilesForgetWhatWasTenMinutesAgo() {
    var counts = RouteCounts(at: .zero)
    counts.add(.handled, .seconds(10), at: .seconds(1))
    #expect(counts.durations(at: .seconds(301)).count == 1)
    counts.add(.handled, .milliseconds(1), at: .seconds(302))
    #expect(counts.durations(at: .seconds(302)).count == 2)
    #expect(counts.durations(at: .seconds(603)).count == 1)
    #expect(counts.durations(at: .seconds(2000)).count == 0)
    #expect(counts.handled == 2)
  }

  @Test(arguments: [
    ("the item type coin-1 does not exist", "the item type … does not exist"),
    ("got `a b` at 12:30", "got `…` at …:…"), ("plain words", "plain words"), ("open \"quote", "open \"…"),
  ])
  func messagesThatDifferInValuesHaveOnePattern(message: String, pattern: String) {
    #expect(MessagePattern.of(message) == pattern)
  }

  @Test func jsonIsLaidOutWithItsValuesUntouched() {
    let text = #"{"a":12345678901234567890.10,"b":[1E40,{}],"c":"x, {\"y\": [1]}","d":[]}"#
    #expect(
      JSONLayout.indented(text) == """
        {
          "a": 12345678901234567890.10,
          "b": [
            1E40,
            {}
          ],
          "c": "x, {\\"y\\": [1]}",
          "d": []
        }
        """)
    #expect(JSONLayout.indented("no JSON") == nil)
    #expect(JSONLayout.indented("12") == nil)
  }

  @Test func aDiffNamesWhatWasRemovedAndAdded() {
    let lines = LineDiff.lines(from: "a\nb\nc\nd", to: "a\nB\nc\nd\ne")
    #expect(lines.filter(\.isRemoved).map(\.text) == ["b"])
    #expect(lines.filter(\.isAdded).map(\.text) == ["B", "e"])
    #expect(LineDiff.lines(from: "a", to: "a").allSatisfy { !$0.isAdded && !$0.isRemoved })
  }

  @Test func formFieldsAreDecoded() {
    let fields = FormFields("a=1&b=x+y%26z&a=2&empty=&c=%zz&d")
    #expect(fields.all("a") == ["1", "2"])
    #expect(fields["b"] == "x y&z")
    #expect(fields["empty"] == nil)
    #expect(fields["c"] == "%zz")
  }

  @Test(arguments: [
    ("=1+1", "'=1+1"), ("-5", "-5"), ("a,b", "\"a,b\""), ("say \"x\"", "\"say \"\"x\"\"\""), ("@x", "'@x"), ("", ""),
    ("\n=1", "\"'\n=1\""), ("\u{FF1D}1+1", "'\u{FF1D}1+1"), ("\u{FF0B}1", "'\u{FF0B}1"),
    ("\u{FF0D}1", "'\u{FF0D}1"), ("\u{FF20}x", "'\u{FF20}x"), ("\tx", "'\tx"),
  ])
  func fieldsOfCSVAreQuotedAndRunNothing(text: String, field: String) {
    #expect(CSVField.text(text) == field)
  }

  @Test func aPasswordIsVerifiedByItsHashAlone() throws {
    let hash = try #require(PasswordHash(of: "correct horse"))
    let read = try #require(PasswordHash(hash.text))
    #expect(read.verify("correct horse"))
    #expect(!read.verify("correct horsf"))
    #expect(!read.verify(""))
    #expect(PasswordHash(of: "correct horse")?.text != hash.text, "each has a salt of its own")
  }

  @Test(arguments: [
    "", "scrypt:15:8:3:AAAA", "scrypt:40:8:1:AAAAAAAAAAAAAAAAAAAAAA==:AAAA", "plain", "scrypt:15:8:3:!!:!!",
  ])
  func whatIsNoHashIsNone(text: String) {
    #expect(PasswordHash(text) == nil)
  }

  @Test func theRateOfARedriveGrows() {
    var stages = RedriveStages()
    var sizes: [Int] = []
    for _ in 0..<4 {
      sizes.append(stages.size)
      stages.add((0..<stages.room).map(String.init))
      #expect(stages.isFull)
      stages.beginNext(resolved: stages.sent, at: .zero)
    }
    #expect(sizes == [1, 10, 100, 100])
  }

  @Test func anEventWithoutAnOutcomeIsCarriedIntoLaterStagesForAWhile() {
    var stages = RedriveStages(patience: .seconds(25))
    stages.add(["slow"])
    stages.beginNext(resolved: [], at: .seconds(5))
    stages.add(["a", "b"])
    #expect(stages.awaited == ["a", "b", "slow"])
    stages.beginNext(resolved: ["a", "b"], at: .seconds(10))
    #expect(stages.awaited == ["slow"])
    stages.beginNext(resolved: ["slow"], at: .seconds(12))
    #expect(stages.awaited.isEmpty)
    stages.add(["elsewhere"])
    stages.beginNext(resolved: [], at: .seconds(15))
    stages.beginNext(resolved: [], at: .seconds(40))
    #expect(stages.awaited.isEmpty, "another process may have handled it")
  }

  @Test func groupsCountDeadLettersThatAreAlike() {
    let deadLetters = (0..<3).map { number in
      DeadLetterSummary(
        DeadLetter(ReceivedMessage(id: "\(number)", receiptHandle: "", body: Array(#"{"eventType":"A"}"#.utf8))))
    }
    let groups = DeadLetterGroup.all(of: deadLetters)
    #expect(groups.map(\.count) == [3])
    #expect(groups[0].route == "A")
  }
}
