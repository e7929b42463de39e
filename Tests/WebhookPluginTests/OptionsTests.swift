import Testing
import WorkerHTTP

@testable import WebhookPlugin
@testable import WorkerKit

@Suite("http.post's options")
struct OptionsTests {
  private func problems(_ with: String) -> [String] {
    let yaml = """
      version: 1
      queues: { main: { url: "http://localhost/0/q" } }
      routes:
        WON:
          handler: http.post
          with: \(with)
      """
    do {
      _ = try RoutesFile(yaml: yaml, plugins: [WebhookPlugin.self], environment: [:])
      return []
    } catch {
      return (error as? ConfigurationError)?.problems.map(\.description) ?? ["\(error)"]
    }
  }

  @Test("a whole example is right")
  func right() {
    let with = """
      { url: "https://bot.example/hooks", headers: { Authorization: "Bearer x" }, retryAfterMax: 2h, privateNetwork: true,
              secrets: [whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw, ""], format: cloudevents-binary, outcomes: { 410: handled } }
      """
    #expect(problems(with) == [])
  }

  @Test("a route with each option, and secrets from the environment, is right; what is left out has its default")
  func documented() throws {
    let yaml = """
      version: 1
      queues: { main: { url: "http://localhost/0/q" } }
      routes:
        RAFFLE_WON:
          handler: http.post
          timeout: 15s
          with:
            url: https://bot.example/hooks/raffle
            headers: { Authorization: "Bearer ${HOOK_TOKEN}" }
            secrets: ["${HOOK_SECRET}", "${HOOK_SECRET_OLD:-}"]
            format: plain
            outcomes: { 2xx: handled, 408: timeout, 409: unavailable, 429: throttled, 5xx: unavailable, 3xx: badRequest, 4xx: badRequest }
            retryAfterMax: 1h
            privateNetwork: false
        RAFFLE_LOST: { handler: http.post, with: { url: https://bot.example/hooks/raffle } }
      """
    let environment = ["HOOK_TOKEN": "token", "HOOK_SECRET": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"]
    let file = try RoutesFile(yaml: yaml, plugins: [WebhookPlugin.self], environment: environment)
    for route in file.routes {
      #expect(route.handlerConfiguration[WebhookPlugin.Keys.retryAfterMax] == .seconds(3600))
      #expect(route.handlerConfiguration[WebhookPlugin.Keys.privateNetwork] == false)
    }
    #expect(file.routes.map { $0.handlerConfiguration[WebhookPlugin.Keys.secrets].compactMap(\.key).count } == [1, 0])
  }

  @Test(
    "what is wrong is reported without the value, which can be a secret",
    arguments: [
      ("{}", "url"), ("{ url: secret-place }", "http"), ("{ url: \"ftp://secret.example/\" }", "http"),
      ("{ url: \"https://user:secret@bot.example/\" }", "user name"), ("{ url: \"https://bot.example/#secret\" }", "#"),
      ("{ url: \"https://bot.example/sec ret\" }", "http"),
      ("{ url: \"http://169.254.169.254/secret\" }", "link-local"),
      ("{ url: \"http://[::ffff:169.254.169.254]/secret\" }", "link-local"),
      ("{ url: \"http://[fd00:ec2::254]/secret\" }", "metadata"),
      ("{ url: \"https://b.example\", secrets: [whsec_secret] }", "secrets[0]"),
      ("{ url: \"https://b.example\", secrets: [\"\"] }", "not empty"),
      ("{ url: \"https://b.example\", secrets: whsec_secret }", "list"),
      ("{ url: \"https://b.example\", headers: { webhook-id: secret } }", "the worker sets itself"),
      ("{ url: \"https://b.example\", headers: { CE-Type: secret } }", "the worker sets itself"),
      ("{ url: \"https://b.example\", headers: { \"X Y\": secret } }", "header's name"),
      ("{ url: \"https://b.example\", headers: { X-A: secret, x-a: secret } }", "twice"),
      ("{ url: \"https://b.example\", headers: { Authorization: \"secret-\\x01\" } }", "line breaks"),
      ("{ url: \"https://b.example\", outcomes: { 4xx: hanlded } }", "did you mean `handled`?"),
      ("{ url: \"https://b.example\", retryAfterMax: 13h }", "12h"),
      ("{ url: \"https://b.example\", format: cloudevents }", "plain"),
    ])
  func wrong(with: String, expected: String) throws {
    let found = problems(with)
    #expect(found.count == 1)
    #expect(found.first?.contains(expected) == true, "\(found)")
    #expect(!found.joined().contains("secret-"))
    #expect(!found.joined().contains("/secret"))
  }

  @Test(
    "a destination is named by its scheme, its host and its port alone",
    arguments: [
      ("https://Bot.Example/hooks/x?y=z", "https://bot.example"), ("https://bot.example:443/", "https://bot.example"),
      ("http://bot.example:443", "http://bot.example:443"), ("http://bot.example:80/", "http://bot.example"),
      ("http://[::1]:8080/x", "http://[::1]:8080"),
    ])
  func names(url: String, name: String) throws {
    let destination = try #require(Destination(configurationText: url))
    #expect(destination.name == name)
    #expect(destination.url == url)
  }
}
