import Yams

extension Catalog.Position {
  /// The first line where YAML knows of no place.
  init(_ mark: Mark?) {
    self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
  }
}
