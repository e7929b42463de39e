import TestSupport
import Testing

@testable import WorkerKit

@Suite("How many receives are under way")
struct ReceivePaceTests {
  /// With so many receives under way as a deep queue leads to, and no room for another.
  func pace(underWay count: Int) -> ReceivePace {
    var pace = ReceivePace()
    pace.begin()
    for _ in 1..<count {
      pace.end(with: 10, of: 10)
      pace.beginAll()
    }
    return pace
  }

  @Test("it starts with one")
  func start() {
    var pace = ReceivePace()
    #expect(pace.mayBegin)
    pace.begin()
    #expect(!pace.mayBegin)
  }

  @Test("one more may be under way for each that comes back full")
  func full() {
    var pace = ReceivePace()
    pace.begin()
    for count in 2...8 {
      pace.end(with: 10, of: 10)
      pace.beginAll()
      #expect(pace.underWay == count)
    }
  }

  @Test("one that brings all that it asked for is full, however little that was", arguments: 1...10)
  func fewerThanTen(most: Int) {
    var pace = ReceivePace()
    pace.begin()
    pace.end(with: most, of: most)
    #expect(pace.limit == 2)
  }

  @Test("one that brings some, and could have brought more, changes nothing", arguments: 1...9)
  func some(count: Int) {
    var pace = pace(underWay: 4)
    pace.end(with: count, of: 10)
    pace.beginAll()
    #expect(pace.underWay == 4)
  }

  @Test("one that is not made after all changes nothing")
  func calledOff() {
    var pace = pace(underWay: 4)
    pace.callOff()
    pace.beginAll()
    #expect(pace.underWay == 4)
  }

  @Test("one fewer may be under way for each that comes back empty, but always one")
  func empty() {
    var pace = pace(underWay: 4)
    for count in [3, 2, 1, 1, 1] {
      pace.end(with: 0, of: 10)
      pace.beginAll()
      #expect(pace.underWay == count)
    }
  }

  @Test("after a failure there is one at a time, as soon as those under way have ended, and then more again")
  func failure() {
    var pace = pace(underWay: 4)
    pace.end(with: nil, of: 10)
    for _ in 1...3 {
      #expect(!pace.mayBegin)
      pace.end(with: 5, of: 10)
    }
    pace.beginAll()
    #expect(pace.underWay == 1)
    pace.end(with: 10, of: 10)
    pace.beginAll()
    #expect(pace.underWay == 2)
  }

  @Test("full ones do not add up while no others are begun")
  func endingTogether() {
    var pace = pace(underWay: 4)
    for _ in 1...4 { pace.end(with: 10, of: 10) }
    // One more than the last one, which was alone.
    #expect(pace.limit == 2)
  }

  @Test("whatever receives bring, no more may be under way than the rule says")
  func random() {
    let seed = UInt64.random(in: 0 ... .max)
    print("seed \(seed)")
    var random = SeededGenerator(seed: seed)
    var pace = ReceivePace()
    var underWay = 0
    for step in 1...5000 {
      let comment: Comment = "seed \(seed), step \(step)"
      if pace.mayBegin, underWay == 0 || Bool.random(using: &random) {
        pace.begin()
        underWay += 1
      } else {
        let limit = pace.limit
        let most = Int.random(in: 2...10, using: &random)
        switch Int.random(in: 0..<10, using: &random) {
        case 0:
          pace.end(with: nil, of: most)
          #expect(pace.limit == 1, comment)
        case 1, 2:
          pace.end(with: 0, of: most)
          #expect(pace.limit == (limit > 1 ? limit - 1 : 1), comment)
        case 3, 4:
          pace.end(with: Int.random(in: 1..<most, using: &random), of: most)
          #expect(pace.limit == limit, comment)
        default:
          pace.end(with: most, of: most)
          #expect(pace.limit <= limit + 1, comment)
          #expect(pace.limit <= underWay + 1, comment)
          #expect(pace.limit > min(limit, underWay), comment)
        }
        underWay -= 1
      }
      #expect(pace.underWay == underWay, comment)
      #expect(pace.underWay >= 0, comment)
      #expect(pace.limit >= 1, comment)
    }
  }
}

extension ReceivePace {
  /// Begins as many as may be under way, and where their number has no end, a hundred.
  fileprivate mutating func beginAll() {
    for _ in 1...100 where mayBegin { begin() }
  }
}
