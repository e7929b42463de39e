import WorkerHTTP
public import WorkerKit
import WorkerLocks

/// Hands events on to a server, whatever language it is written in: `handler: http.post`.
///
///     RAFFLE_WON:
///       handler: http.post
///       timeout: 15s
///       with: { url: "https://bot.example/hooks/raffle", secrets: ["${HOOK_SECRET}"] }
///
/// `docs/handlers.md` has the requests, the answers and what they lead to.
public struct WebhookPlugin: WorkerPlugin {
  public static let name = "http"

  enum Format: String, CaseIterable, ConfigurationValue {
    case plain
    case structured = "cloudevents-structured"
    case binary = "cloudevents-binary"
  }

  enum Keys {
    static let url = ConfigurationKey<Destination>(
      "url", isSecret: true, "Where events are posted to: \(Destination.configurationDescription).")
    static let headers = ConfigurationKey(
      "headers", default: WebhookHeaders(), isSecret: true, "Headers of each request, beside the worker's own.")
    static let secrets = ConfigurationKey<[WebhookSecret]>(
      "secrets", default: [], isSecret: true,
      "Secrets that requests are signed with, each \(WebhookSecret.configurationDescription).",
      check: WebhookSecret.problem(of:))
    static let format = ConfigurationKey("format", default: Format.plain, "What a request looks like.")
    static let outcomes = ConfigurationKey(
      "outcomes", default: Outcomes.standard, "What a status means: handled, or a kind of error.")
    static let retryAfterMax = ConfigurationKey<Duration>(
      "retryAfterMax", default: .seconds(3600), "The longest `Retry-After` that is heeded; 12h at most.",
      check: { $0 <= .seconds(43_200) ? nil : "must be 12h at most" })
    static let privateNetwork = ConfigurationKey(
      "privateNetwork", default: false, "Whether addresses of this machine and of private networks are connected to.")
    static let certificates = ConfigurationKey(
      "ca", default: "", "A file of certificate authorities, in the place of the system's.")

    static let all: [any ConfigurationKeyProtocol] = [
      url, headers, secrets, format, outcomes, retryAfterMax, privateNetwork, certificates,
    ]
  }

  private let clients = WebhookClients()

  public init(configuration: ConfigurationValues) {}

  public static func register(in handlers: inout HandlerRegistry<WebhookPlugin>) {
    handlers.add("post", configurationKeys: Keys.all) { plugin, options in
      try PostHandler(
        options, client: plugin.clients.client(options[Keys.privateNetwork] ? .privateNetwork : .publicNetwork))
    }
  }
}

/// The clients of a plugin. Routes share connections, and those of an address policy are its own.
private final class WebhookClients: Sendable {
  private let clients = Mutex<[AddressPolicy: CurlClient]>([:])

  /// Makes it where no route has asked for it yet.
  func client(_ addresses: AddressPolicy) -> CurlClient {
    clients.withLock { clients in
      if let client = clients[addresses] { return client }
      // Of AWS's variable nothing is taken: it may name the authority of a private endpoint of SQS alone.
      let client = CurlClient(
        maximumResponseSize: 1_048_576, addresses: addresses, certificateVariables: ["SSL_CERT_FILE"])
      clients[addresses] = client
      return client
    }
  }
}

/// Why a route's options cannot be used on this machine.
struct WebhookOptionsError: Error, CustomStringConvertible {
  let description: String
}
