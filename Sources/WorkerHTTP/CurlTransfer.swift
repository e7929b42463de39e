import CCurl
import Foundation
import WorkerKit
import WorkerLocks

/// A request in progress.
///
/// `@unchecked Sendable` is sound: only the loop's thread accesses `handle` and the response once the transfer is
/// posted; the lock protects the state that other threads access.
final class CurlTransfer: @unchecked Sendable {
  private struct Shared {
    var continuation: CheckedContinuation<HTTPClientResponse, any Error>?
    var isCancelled = false
  }

  let request: HTTPClientRequest
  private let maximumResponseSize: Int
  private let shared = Mutex(Shared())

  /// Accessed on the loop's thread only.
  var handle: CurlHandle?
  private var headers = HeaderLines()
  private var body: [UInt8] = []
  /// The size of headers and body, in bytes.
  private var receivedBytes = 0
  /// Whether the headers of a final response are complete.
  private var isAnswered = false
  /// How many bytes of an unwanted body are read, so that the connection can be reused.
  private static let unwantedBodySize = 65_536
  private var unwantedBytes = 0

  init(request: HTTPClientRequest, maximumResponseSize: Int) {
    self.request = request
    self.maximumResponseSize = maximumResponseSize
  }

  func begin(_ continuation: CheckedContinuation<HTTPClientResponse, any Error>) {
    shared.withLock { $0.continuation = continuation }
  }

  /// Marks the transfer as cancelled, in case it starts after its cancellation.
  func cancel() {
    shared.withLock { $0.isCancelled = true }
  }

  var isCancelled: Bool { shared.withLock { $0.isCancelled } }

  /// Resumes the waiting task. Only the first call has an effect.
  func finish(_ result: Result<HTTPClientResponse, any Error>) {
    let waiting = shared.withLock { $0.continuation.take() }
    waiting?.resume(with: result)
  }

  // MARK: On the loop's thread

  func complete(_ result: CURLcode) {
    guard let handle else { preconditionFailure("a request ended that was never begun") }
    if result == CURLE_WRITE_ERROR, receivedBytes > maximumResponseSize {
      return finish(.failure(handle.failure(result).tooLarge(maximumResponseSize)))
    }
    guard result == CURLE_OK || hasStatus else { return finish(.failure(handle.failure(result).error)) }
    succeed(handle)
  }

  /// Whether the response counts even if its body is incomplete.
  private var hasStatus: Bool { request.keptBodySize != nil && isAnswered }

  /// Ends the transfer early because its task is cancelled.
  func breakOff() {
    guard hasStatus, let handle else { return finish(.failure(CancellationError())) }
    succeed(handle)
  }

  private func succeed(_ handle: CurlHandle) {
    let status = ccurl_get_long(handle.easy, CURLINFO_RESPONSE_CODE)
    if status == 407, let proxy = handle.proxy {
      return finish(.failure(CurlFailure.refusal(by: proxy)))
    }
    finish(.success(HTTPClientResponse(status: status, headers: headers, body: body)))
  }

  func receiveHeader(_ line: UnsafeRawBufferPointer) -> Bool {
    guard accept(line.count) else { return false }
    headers.append(line)
    // Some servers end lines with a line feed alone.
    if line.elementsEqual("\r\n".utf8) || line.elementsEqual("\n".utf8), let handle {
      isAnswered = ccurl_get_long(handle.easy, CURLINFO_RESPONSE_CODE) >= 200
    }
    return true
  }

  func receiveBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
    guard let size = request.keptBodySize else {
      guard accept(bytes.count) else { return false }
      body.append(contentsOf: bytes)
      return true
    }
    body.append(contentsOf: bytes.prefix(max(0, size - body.count)))
    unwantedBytes += bytes.count
    return unwantedBytes <= max(size, Self.unwantedBodySize)
  }

  private func accept(_ count: Int) -> Bool {
    receivedBytes += count
    return receivedBytes <= maximumResponseSize
  }
}
