import TestSupport
import Testing

@testable import WorkerTelemetry

@Suite("Samplers")
struct SamplerTests {
  private static let sampled = TraceParent.parse(PropagationTests.parent, traceState: "")
  private static var unsampled: SpanContext? {
    var context = sampled
    context?.isSampled = false
    return context
  }

  @Test("always is always, never is never, whatever the caller decided")
  func constants() {
    for parent in [nil, Self.sampled, Self.unsampled] {
      #expect(Sampler.alwaysOn.samples(id(1), parent: parent))
      #expect(!Sampler.alwaysOff.samples(id(1), parent: parent))
    }
  }

  @Test("a trace that was begun elsewhere is recorded as it was there")
  func parentBased() {
    for root in [Sampler.alwaysOn, .alwaysOff, .ratio(0.5)] {
      #expect(Sampler.parentBased(root).samples(id(1), parent: Self.sampled))
      #expect(!Sampler.parentBased(root).samples(id(1), parent: Self.unsampled))
    }
    #expect(Sampler.parentBased(.alwaysOn).samples(id(1), parent: nil))
    #expect(!Sampler.parentBased(.alwaysOff).samples(id(1), parent: nil))
  }

  @Test(
    "a ratio is decided by bits 1 to 63 of the id's second half, as by other SDKs",
    arguments: [
      (0.5, 0x7fff_ffff_ffff_ffff, true), (0.5, 0x8000_0000_0000_0000, false),
      (0.25, 0x3fff_ffff_ffff_ffff, true), (0.25, 0x4000_0000_0000_0000, false),
      (0, 0, false), (1, 0xffff_ffff_ffff_ffff, true),
    ] as [(Double, UInt64, Bool)])
  func ratio(ratio: Double, low: UInt64, expected: Bool) {
    #expect(Sampler.ratio(ratio).samples(id(low), parent: nil) == expected)
    #expect(Sampler.ratio(ratio).samples(TraceID(high: .max, low: low), parent: Self.sampled) == expected)
  }

  @Test("a trace that a small share takes, a larger one takes too; and the share is what was asked for")
  func shares() {
    let seed = SeededGenerator.drawnSeed
    var random = SeededGenerator(seed: seed)
    let ids = (1...100_000).map { _ in id(random.next()) }
    let small = ids.filter { Sampler.ratio(0.01).samples($0, parent: nil) }
    #expect(small.allSatisfy { Sampler.ratio(0.1).samples($0, parent: nil) }, "seed \(seed)")
    // Eight standard deviations.
    #expect((750...1250).contains(small.count), "seed \(seed)")
  }

  private func id(_ low: UInt64) -> TraceID { TraceID(high: 1, low: low) }
}
