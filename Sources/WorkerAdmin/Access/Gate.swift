import Foundation
import HTTPTypes
import Hummingbird
import NIOCore
import WorkerKit
import WorkerLocks

/// Finds out who asks, and what they may.
///
/// | listens on | `admin.users` or a proxy | who may use the console |
/// |---|---|---|
/// | loopback | none | everyone on this machine, as an operator |
/// | any address | some | users who log in, or whom the proxy names |
/// | off loopback | none | nobody |
final class Gate: Sendable {
  /// How many logins wait for their turn at most; each takes a third of a second.
  private static let waitingLimit = 8
  private static let rememberedLimit = 100

  enum Refusal: Error {
    /// The console is not served: off loopback, users are needed.
    case closed
    /// Whoever asks has to log in.
    case unauthenticated
    case throttled(Duration)
    case wrongPassword(user: String)
  }

  private let users: [String: (role: ConsoleRole, hash: PasswordHash)]
  private let proxy: TrustedProxy?
  private let proxyAddresses: Set<PeerAddress>
  private let isLoopback: Bool
  private let sessions: Sessions
  private let throttle: LoginThrottle
  /// scrypt takes a core and 32 MiB.
  private let thread = BlockingThreads(limit: 1)
  private let waiting = Mutex(0)
  /// Tokens of those who have no session, by means and name.
  private let tokens = Mutex<[String: String]>([:])
  /// Basic credentials that were right, for a few minutes, by the header's value.
  private let remembered = Mutex<[String: (user: String, until: Duration)]>([:])
  private let clock: WorkerClock

  /// - Throws: where a password's hash is none.
  init(_ configuration: AdminConfiguration, clock: WorkerClock = .continuous) throws(AdminServerError) {
    var users: [String: (role: ConsoleRole, hash: PasswordHash)] = [:]
    for (name, user) in configuration.users {
      guard let hash = PasswordHash(user.passwordHash) else {
        throw AdminServerError("admin.users.\(name): the password is not a hash; `worker admin password` prints one")
      }
      users[name] = (user.role, hash)
    }
    self.users = users
    proxy = configuration.proxy
    proxyAddresses = Set((configuration.proxy?.addresses ?? []).compactMap(PeerAddress.init))
    isLoopback = configuration.isLoopback
    sessions = Sessions(clock: clock)
    throttle = LoginThrottle(clock: clock)
    self.clock = clock
  }

  /// Whether nobody can use the console.
  var isClosed: Bool { !isLoopback && users.isEmpty && proxy == nil }
  /// Whether there are users who log in.
  var hasUsers: Bool { !users.isEmpty }

  /// Whether a connection comes from the trusted proxy.
  func isProxy(_ address: String) -> Bool { PeerAddress(address).map { proxyAddresses.contains($0) } ?? false }

  /// The address of who asks: of the other end of the connection or, if that is the trusted proxy, of the client that it
  /// names. A list has been through several proxies; the last entry is the trusted one's.
  func client(of request: Request, from address: String) -> String {
    guard isProxy(address), let last = request.headers[.forwardedFor]?.split(separator: ",").last else {
      return address
    }
    let named = last.trimmingCharacters(in: .whitespaces)
    return PeerAddress(named) == nil ? address : named
  }

  /// - Parameters:
  ///   - address: Of who is at the other end of the connection.
  ///   - isUse: Whether somebody asked; a page that updates itself is none.
  /// - Throws: a ``Refusal``.
  func visitor(_ request: Request, from address: String, isUse: Bool) async throws -> Visitor {
    let isProxied = isProxy(address)
    // Without the header, users log in.
    if let proxy, isProxied, let field = HTTPField.Name(proxy.header), request.headers.contains(field) {
      // Where there are two, one may be the client's.
      let names = request.headers[values: field]
      guard names.count == 1, let name = names.first, !name.isEmpty, name.utf8.count <= 200 else {
        throw Refusal.unauthenticated
      }
      return Visitor(
        name: name, role: proxy.operators.contains(name) ? .operator : .reader, means: .proxy,
        token: token(of: "proxy \(name)"))
    }
    if users.isEmpty, proxy == nil {
      guard isLoopback else { throw Refusal.closed }
      return Visitor(name: "loopback", role: .operator, means: .loopback, token: token(of: "loopback"))
    }
    let cookie = SessionCookie(request, isProxied: isProxied)
    if let id = request.cookie(cookie.name), let session = sessions.find(id, isUse: isUse),
      let user = users[session.user]
    {
      return Visitor(name: session.user, role: user.role, means: .session(id), token: session.token)
    }
    if let header = request.headers[.authorization] {
      let name = try await userOfPassword(header, from: client(of: request, from: address))
      guard let user = users[name] else { throw Refusal.unauthenticated }
      return Visitor(name: name, role: user.role, means: .password, token: "")
    }
    throw Refusal.unauthenticated
  }

  /// - Returns: the session's cookie.
  /// - Throws: a ``Refusal``.
  func logIn(_ name: String, password: String, from address: String) async throws -> String {
    try await check(name, password: password, from: address)
    return sessions.begin(name)
  }

  func logOut(_ visitor: Visitor) {
    if case .session(let id) = visitor.means { sessions.end(id) }
  }

  /// Of an `Authorization: Basic` header.
  private func userOfPassword(_ header: String, from address: String) async throws -> String {
    let now = clock.now
    if let known = remembered.withLock({ $0[header] }), known.until > now { return known.user }
    guard header.lowercased().hasPrefix("basic "),
      let bytes = Data(base64Encoded: header.dropFirst(6).trimmingCharacters(in: .whitespaces)),
      let text = String(data: bytes, encoding: .utf8), let colon = text.firstIndex(of: ":")
    else { throw Refusal.unauthenticated }
    let name = String(text[..<colon])
    try await check(name, password: String(text[text.index(after: colon)...]), from: address)
    remembered.withLock { known in
      if known.count >= Self.rememberedLimit { known = known.filter { $0.value.until > now } }
      if known.count < Self.rememberedLimit { known[header] = (name, now + .seconds(300)) }
    }
    return name
  }

  private func check(_ name: String, password: String, from address: String) async throws {
    guard hasUsers else { throw Refusal.unauthenticated }
    let mayWait = waiting.withLock { waiting in
      guard waiting < Self.waitingLimit else { return false }
      waiting += 1
      return true
    }
    guard mayWait else { throw Refusal.throttled(.seconds(3)) }
    defer { waiting.withLock { $0 -= 1 } }
    if let delay = throttle.begin(user: name, address: address) { throw Refusal.throttled(delay) }
    let hash = users[name]?.hash ?? .ofNobody
    let isRight = try await thread.run { hash.verify(String(decoding: password.utf8.prefix(4000), as: UTF8.self)) }
    guard isRight, users[name] != nil else { throw Refusal.wrongPassword(user: name) }
    throttle.recordSuccess(user: name, address: address)
  }

  private func token(of name: String) -> String {
    tokens.withLock { tokens in
      if let token = tokens[name] { return token }
      if tokens.count >= 1000 { tokens = [:] }
      let token = RandomToken.make()
      tokens[name] = token
      return token
    }
  }
}

extension Request {
  func cookie(_ name: String) -> String? {
    for header in headers[values: .cookie] {
      for pair in header.split(separator: ";") {
        let parts = pair.trimmingCharacters(in: .whitespaces).split(separator: "=", maxSplits: 1)
        if parts.count == 2, parts[0] == name { return String(parts[1]) }
      }
    }
    return nil
  }
}
