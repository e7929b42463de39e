/// The version of the project. It is declared only here.
public enum WorkerVersion {
  /// The version, in the format of https://semver.org.
  public static let current = "0.9.0"
}
