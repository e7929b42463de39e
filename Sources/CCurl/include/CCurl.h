// libcurl as Swift can call it: its setters are variadic, which Swift cannot, so each type has one here.
// And the event source that drives it: epoll and an eventfd, or kqueue.

#ifndef CCURL_H
#define CCURL_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

static inline CURLcode ccurl_set_long(CURL *easy, CURLoption option, long value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_string(CURL *easy, CURLoption option, const char *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_pointer(CURL *easy, CURLoption option, const void *value) {
  return curl_easy_setopt(easy, option, value);
}

static inline CURLcode ccurl_set_list(CURL *easy, CURLoption option, struct curl_slist *value) {
  return curl_easy_setopt(easy, option, value);
}

/// A list of lines that follow one another, each with a NUL at its end, in one block of memory: free() frees it.
/// NULL when there are none, or no memory.
struct curl_slist *ccurl_list_create(const char *lines, const size_t *lengths, size_t count);

typedef size_t (*ccurl_data_callback)(char *data, size_t size, size_t count, void *context);

static inline CURLcode ccurl_set_data_callback(CURL *easy, CURLoption option, ccurl_data_callback callback) {
  return curl_easy_setopt(easy, option, callback);
}

typedef curl_socket_t (*ccurl_open_socket_callback)(void *context, curlsocktype purpose, struct curl_sockaddr *address);

/// Has a callback open the sockets of connections, or refuse them with CURL_SOCKET_BAD.
static inline void ccurl_set_open_socket(CURL *easy, void *context, ccurl_open_socket_callback callback) {
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, context);
  curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, callback);
}

/// Writes the bytes of an address, 16 at most, and returns how many they are; 0 where it is none of IPv4 or IPv6.
size_t ccurl_get_address(const struct curl_sockaddr *address, uint8_t *bytes);
/// Opens a socket as libcurl does; CURL_SOCKET_BAD where it cannot.
curl_socket_t ccurl_open_socket(const struct curl_sockaddr *address);

/// Refuses file:, ftp: and whatever else libcurl speaks.
static inline CURLcode ccurl_allow_only_http(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075500
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
#else
  return curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
}

/// Lets a cancelled request go at once, though its name is still being looked up.
static inline void ccurl_exit_quickly(CURL *easy) {
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
  (void)easy;
#endif
}

/// Has connections verify servers and proxies by the authorities of one file alone: the given one, or where that is NULL, libcurl's
/// default one, if it has one.
///
/// libcurl would ask the system's folder of authorities besides, and then read the file anew for each connection, which takes tens
/// of milliseconds for a system's. What is read counts for a minute at most, so that a file that is replaced is noticed.
///
/// From libcurl 8.21 on, NULL means the folder that it was built with. Another one in its place keeps the system's out, and has the file
/// read for each connection. Untested: no such libcurl was at hand.
static inline void ccurl_trust_files(CURL *easy, const char *server, const char *proxy) {
#if LIBCURL_VERSION_NUM >= 0x074600
  const curl_version_info_data *built = curl_version_info(CURLVERSION_NOW);
  bool has_default = built->age >= CURLVERSION_SEVENTH && built->cainfo != NULL;
  const char *no_folder = built->version_num >= 0x081500 ? "/dev/null" : NULL;
#else
  bool has_default = false;
  const char *no_folder = NULL;
#endif
  if (server != NULL) curl_easy_setopt(easy, CURLOPT_CAINFO, server);
  if (server != NULL || has_default) curl_easy_setopt(easy, CURLOPT_CAPATH, server != NULL ? no_folder : NULL);
  if (proxy != NULL) curl_easy_setopt(easy, CURLOPT_PROXY_CAINFO, proxy);
  if (proxy != NULL || has_default) curl_easy_setopt(easy, CURLOPT_PROXY_CAPATH, proxy != NULL ? no_folder : NULL);
#if LIBCURL_VERSION_NUM >= 0x075700
  curl_easy_setopt(easy, CURLOPT_CA_CACHE_TIMEOUT, 60L);
#endif
}

/// What easy handles share: the TLS sessions of eight hosts or more, so that a new connection takes up an earlier one's and needs no
/// certificate. Only one thread may use it. It is freed after them.
static inline CURLSH *ccurl_share_create(void) {
  CURLSH *share = curl_share_init();
  if (share != NULL) curl_share_setopt(share, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION);
  return share;
}

static inline long ccurl_get_long(CURL *easy, CURLINFO info) {
  long value = 0;
  curl_easy_getinfo(easy, info, &value);
  return value;
}

static inline void *ccurl_get_private(CURL *easy) {
  char *value = NULL;
  curl_easy_getinfo(easy, CURLINFO_PRIVATE, &value);
  return value;
}

static inline CURLMcode ccurl_multi_set_long(CURLM *multi, CURLMoption option, long value) {
  return curl_multi_setopt(multi, option, value);
}

static inline CURLMcode ccurl_multi_set_pointer(CURLM *multi, CURLMoption option, void *value) {
  return curl_multi_setopt(multi, option, value);
}

typedef int (*ccurl_socket_callback)(CURL *easy, curl_socket_t socket, int what, void *context, void *socket_context);
typedef int (*ccurl_timer_callback)(CURLM *multi, long timeout_ms, void *context);

static inline CURLMcode ccurl_multi_set_socket_callback(CURLM *multi, ccurl_socket_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, callback);
}

static inline CURLMcode ccurl_multi_set_timer_callback(CURLM *multi, ccurl_timer_callback callback) {
  return curl_multi_setopt(multi, CURLMOPT_TIMERFUNCTION, callback);
}

/// A finished transfer of a multi handle, out of curl's union.
static inline bool ccurl_multi_next_done(CURLM *multi, CURL **easy, CURLcode *result) {
  int left = 0;
  for (CURLMsg *message; (message = curl_multi_info_read(multi, &left)) != NULL;) {
    if (message->msg == CURLMSG_DONE) {
      *easy = message->easy_handle;
      *result = message->data.result;
      return true;
    }
  }
  return false;
}

typedef struct {
  int fd;
  bool readable;
  bool writable;
  bool failed;
} ccurl_event;

typedef struct ccurl_events ccurl_events;

/// NULL when the system has no descriptor left.
ccurl_events *ccurl_events_create(void);
void ccurl_events_destroy(ccurl_events *events);
/// Makes a wait return, from any thread.
void ccurl_events_wake(ccurl_events *events);
/// Has the sockets of an easy handle's connections stay watched from one request to the next, where the system can.
/// The events must live for as long as the connections.
void ccurl_events_keep_sockets(ccurl_events *events, CURL *easy);
/// Watches a socket for what is asked for, and no longer for anything else.
void ccurl_events_watch(ccurl_events *events, int fd, bool readable, bool writable);
/// Gives the calling thread a name of 15 bytes at most, for the system's tools.
void ccurl_thread_set_name(const char *name);
/// Gives memory that was freed back to the system, where malloc would keep it.
void ccurl_release_memory(void);
/// Waits for at most so many milliseconds, forever when negative. Returns how many sockets are ready.
///
/// Where the system can, the calling thread preempts no other when it wakes (Linux: SCHED_BATCH): while handlers have all
/// processors busy it waits for its turn, and then finds more to do at once, with fewer switches, and requests that go out
/// together. It keeps its share of time, and has a processor that is free as soon as before.
int ccurl_events_wait(ccurl_events *events, ccurl_event *ready, int capacity, int timeout_ms);
/// Ends that until the next wait. To be called before code of others may make threads or processes, which would inherit it;
/// libcurl's own, which look names up, may.
void ccurl_events_step_forward(ccurl_events *events);

#endif
