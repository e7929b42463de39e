import Foundation
import WorkerKit

/// Charts as SVG: they need no script, no style of their own, and nothing from elsewhere.
enum Charts {
  /// A line of a value's last hour or of what is known of it, which ends at the right.
  ///
  /// - Parameters:
  ///   - values: From the oldest to the newest; nil where there is none.
  ///   - span: For how many there is room at least.
  ///   - label: For those who do not see it.
  static func sparkline(_ values: [Double?], of span: Int, label: String) -> String {
    let (width, height) = (160.0, 32.0)
    let known = values.compactMap(\.self)
    guard values.count > 1, let top = known.max() else {
      return #"<svg class="spark" viewBox="0 0 160 32" role="img" aria-label="\#(escape(label)): nothing yet"></svg>"#
    }
    let step = width / Double(max(span, values.count) - 1)
    let start = width - step * Double(values.count - 1)
    var lines: [[String]] = [[]]
    for (index, value) in values.enumerated() {
      guard let value else {
        if !(lines.last?.isEmpty ?? true) { lines.append([]) }
        continue
      }
      let y = height - 2 - (top > 0 ? value / top : 0) * (height - 4)
      lines[lines.count - 1].append("\(Format.fixed(start + Double(index) * step, 1)),\(Format.fixed(y, 1))")
    }
    let drawn = lines.filter { !$0.isEmpty }.map { points -> String in
      let line = points.joined(separator: " ")
      let first = points[0].split(separator: ",")[0], last = points[points.count - 1].split(separator: ",")[0]
      return
        #"<polygon class="area" points="\#(first),32 \#(line) \#(last),32"/><polyline class="line" points="\#(line)"/>"#
    }
    let summary = "\(label): at most \(Format.fixed(top, top < 10 ? 1 : 0)) in the last hour"
    return
      #"<svg class="spark" viewBox="0 0 160 32" preserveAspectRatio="none" role="img" aria-label="\#(escape(summary))"><title>\#(escape(summary))</title>\#(drawn.joined())</svg>"#
  }

  /// Bars beside each other for each label, under a legend.
  static func bars(_ chart: ConsoleChart) -> String {
    let labels = chart.labels.prefix(400)
    let series = chart.series.prefix(6)
    let top = series.flatMap(\.values).filter(\.isFinite).max() ?? 0
    let scale = niceTop(top)
    let (left, bottom, height) = (48.0, 24.0, 160.0)
    let slot = max(6, min(48, 720 / Double(max(labels.count, 1))))
    let width = max(320, left + slot * Double(max(labels.count, 1)) + 48)
    var parts: [String] = []
    for share in [0.0, 0.5, 1.0] {
      let y = 8 + height * (1 - share)
      parts.append(#"<line class="grid" x1="\#(left)" x2="\#(Format.fixed(width, 1))" y1="\#(y)" y2="\#(y)"/>"#)
      parts.append(
        #"<text class="tick" x="\#(left - 6)" y="\#(y + 4)" text-anchor="end">\#(Format.number(Int((scale * share).rounded())))</text>"#
      )
    }
    let bar = (slot - 2) / Double(max(series.count, 1))
    for (index, label) in labels.enumerated() {
      let x = left + slot * Double(index) + 1
      for (number, one) in series.enumerated() where index < one.values.count && one.values[index].isFinite {
        let value = max(0, one.values[index])
        let size = scale > 0 ? value / scale * height : 0
        parts.append(
          #"<rect class="s\#(number)" x="\#(Format.fixed(x + bar * Double(number), 1))" y="\#(Format.fixed(8 + height - size, 1))" width="\#(Format.fixed(max(bar - 0.5, 1), 1))" height="\#(Format.fixed(size, 1))"><title>\#(escape(Format.line(label, limit: 60))), \#(escape(one.name)): \#(Format.number(Int(value)))</title></rect>"#
        )
      }
      if index % max(1, Int((70 / slot).rounded(.up))) == 0 {
        parts.append(
          #"<text class="tick" x="\#(Format.fixed(x, 1))" y="\#(8 + height + 16)">\#(escape(Format.line(label, limit: 12)))</text>"#
        )
      }
    }
    let legend = series.enumerated().map {
      #"<li><span class="key s\#($0.offset)"></span>\#(escape($0.element.name))</li>"#
    }
    return
      #"<figure class="chart"><figcaption>\#(escape(chart.title))</figcaption><ul class="legend">\#(legend.joined())</ul><div class="scroll" tabindex="0" role="group" aria-label="\#(escape(chart.title))"><svg viewBox="0 0 \#(Format.fixed(width, 0)) \#(Int(8 + height + bottom))" width="\#(Format.fixed(width, 0))" height="\#(Int(8 + height + bottom))" role="img" aria-label="\#(escape(chart.title))">\#(parts.joined())</svg></div></figure>"#
  }

  /// 1, 2 or 5 times a power of ten, and no less than the value.
  private static func niceTop(_ value: Double) -> Double {
    guard value > 0 else { return 1 }
    let power = pow(10, floor(log10(value)))
    return [1, 2, 5, 10].map { $0 * power }.first { $0 >= value } ?? value
  }

  static func escape(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
      .replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
  }
}
