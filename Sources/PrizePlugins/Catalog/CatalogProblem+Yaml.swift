import Yams

extension Catalog.Position {
  /// The first line where YAML knows of no place.
  init(_ mark: Mark?) {
    self.init(line: mark?.line ?? 1, column: mark?.column ?? 1)
  }
}

extension CatalogError.Problem {
  /// What the YAML itself got wrong, in one line: the error's own description quotes the file.
  init(_ error: YamlError) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      self.init(position: Catalog.Position(mark), message: "not valid YAML: \(problem)")
    case .duplicatedKeysInMapping(let keys, let context):
      let names = keys.sorted().joined(separator: ", ")
      self.init(position: Catalog.Position(context.mark), message: "\(names) is written twice in one mapping")
    default:
      self.init(position: Catalog.Position(nil), message: "not valid YAML: \(error)")
    }
  }
}
