#include "lathe/net/exchange.h"

#include <cctype>
#include <charconv>
#include <cstring>
#include <utility>

#include "lathe/base/check.h"
#include "lathe/base/strings.h"
#include "lathe/net/trust_store.h"
#include "lathe/runtime/files.h"

namespace lathe::net {

namespace {

constexpr std::size_t kMaxHeadBytes = 256U << 10;
constexpr long kReceiveBufferBytes = 64L << 10;

// As in protocol/error_codes.h, which net/ does not include.
constexpr const char* kUnreachable = "unreachable";
constexpr const char* kStreamError = "stream_error";

// What OpenSSL says of a certificate (x509_vfy.h), as far as it makes a difference. That it fits, and was refused all
// the same, means that it is made out to another host.
constexpr long kCertificateFits = 0;
/// What curl begins with; it compares host names before it asks OpenSSL for its verdict.
constexpr long kNotAsked = 1;
constexpr long kNotYetValid = 9;
constexpr long kExpired = 10;

bool is_header_name(std::string_view name) {
  if (name.empty()) return false;
  for (const char c : name) {
    if (std::isalnum(static_cast<unsigned char>(c)) == 0 && std::strchr("!#$%&'*+-.^_`|~", c) == nullptr) return false;
  }
  return true;
}

/// For a person.
std::string described(const TrustStore& store) {
  if (!store.bundle.empty()) return store.bundle;
  return store.folder.empty() ? "the system's list" : store.folder;
}

/// The hosts that no proxy is asked for: those of the environment, and the loopback, where a model server often runs.
std::string proxy_exceptions() {
  std::string hosts = runtime::env("no_proxy");
  if (hosts.empty()) hosts = runtime::env("NO_PROXY");
  if (hosts == "*") return hosts;
  return hosts + (hosts.empty() ? "" : ",") + "localhost,127.0.0.1,::1";
}

}  // namespace

Exchange::Exchange(const CurlApi& curl, HttpRequest request, std::unique_ptr<BodySink> sink)
    : curl_(curl), request_(std::move(request)), sink_(std::move(sink)) {}

Exchange::~Exchange() {
  CHECK(sink_ == nullptr);
  if (easy_ != nullptr) curl_.easy_cleanup(easy_);
  curl_.slist_free_all(header_list_);
  curl_.slist_free_all(connect_to_);
}

base::Result<void> Exchange::prepare() {
  if (!request_.url.starts_with("http://") && !request_.url.starts_with("https://")) {
    return base::Error{.code = base::codes::kInvalid,
                       .message = "the URL of " + host() + " does not begin with http:// or https://",
                       .hint = "give the backend a URL such as http://127.0.0.1:11434"};
  }
  easy_ = curl_.easy_init();
  if (easy_ == nullptr) return base::Error{.code = base::codes::kInternal, .message = "libcurl has no memory"};
  set(CURLOPT_URL, request_.url.c_str());
  set_transport_options();
  set_method_and_body();
  return set_headers();
}

void Exchange::set_transport_options() {
  set(CURLOPT_ERRORBUFFER, static_cast<char*>(error_text_));
  set(CURLOPT_HEADERFUNCTION, &Exchange::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &Exchange::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_BUFFERSIZE, kReceiveBufferBytes);
  set(CURLOPT_NOSIGNAL, 1L);
  // Without it, dropping a request waits for a name lookup that is under way.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_PROTOCOLS_STR, "http,https");
  set(CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_2TLS));
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
  set(CURLOPT_TCP_NODELAY, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);
  set(CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(request_.connect_timeout.count()));
  set(CURLOPT_NOPROXY, proxy_exceptions().c_str());
  if (!request_.connect_to.empty()) pin_address();
  if (request_.url.starts_with("https://") || request_.max_redirects > 0) set_trust_store();
  if (request_.max_redirects > 0) {
    set(CURLOPT_FOLLOWLOCATION, 1L);
    set(CURLOPT_MAXREDIRS, static_cast<long>(request_.max_redirects));
  }
}

void Exchange::pin_address() {
  // Any host and port, there, on the same port.
  const bool v6 = request_.connect_to.find(':') != std::string::npos;
  const std::string rule = "::" + (v6 ? "[" + request_.connect_to + "]" : request_.connect_to) + ":";
  connect_to_ = curl_.slist_append(connect_to_, rule.c_str());
  set(CURLOPT_CONNECT_TO, connect_to_);
  set(CURLOPT_PROXY, "");
  set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_FORBID_REUSE, 1L);
}

void Exchange::set_trust_store() {
  const TrustStore store = system_trust_store();
  if (!store.bundle.empty()) {
    set(CURLOPT_CAINFO, store.bundle.c_str());
  } else if (!store.folder.empty()) {
    set(CURLOPT_CAINFO, nullptr);
    set(CURLOPT_CAPATH, store.folder.c_str());
  }
}

void Exchange::set_method_and_body() {
  if (request_.method == "HEAD") {
    set(CURLOPT_NOBODY, 1L);
  } else if (request_.method == "GET" && request_.body.empty()) {
    set(CURLOPT_HTTPGET, 1L);
  } else if (request_.method == "POST" || !request_.body.empty()) {
    // libcurl reads the body from request_, which lives as long as the transfer.
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
    if (request_.method != "POST") set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  } else {
    set(CURLOPT_CUSTOMREQUEST, request_.method.c_str());
  }
}

base::Result<void> Exchange::set_headers() {
  bool has_content_type = false;
  std::vector<std::string> lines;
  for (const Header& header : request_.headers) {
    const bool clean = header.value.find_first_of(std::string_view("\r\n\0", 3)) == std::string::npos;
    if (!is_header_name(header.name) || !clean) {
      return base::Error{.code = base::codes::kInvalid,
                         .message = "the header \"" + header.name + "\" for " + host() + " cannot be sent",
                         .hint = "look for line breaks in its value, such as in a key read from a file"};
    }
    if (base::lower(header.name) == "content-type") has_content_type = true;
    // "name;" is how libcurl is told to send an empty value.
    lines.push_back(header.value.empty() ? header.name + ";" : header.name + ": " + header.value);
  }
  // "name:" takes a header away that libcurl would add by itself.
  lines.emplace_back("Expect:");
  if (!has_content_type) lines.emplace_back("Content-Type:");
  for (const std::string& line : lines) header_list_ = curl_.slist_append(header_list_, line.c_str());
  set(CURLOPT_HTTPHEADER, header_list_);
  return {};
}

std::size_t Exchange::on_header(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  return exchange.take_header_line(std::string_view(bytes, size * count)) ? size * count : 0;
}

/// False ends the transfer: the head is too large.
bool Exchange::take_header_line(std::string_view line) {
  if (head_delivered_) return true;  // trailers
  head_bytes_ += line.size();
  head_too_large_ = head_bytes_ > kMaxHeadBytes;
  if (head_too_large_) return false;
  line = base::trim(line);
  if (line.starts_with("HTTP/")) {
    head_ = {};
    const std::string_view rest = base::trim(line.substr(std::min(line.find(' '), line.size())));
    (void)std::from_chars(rest.data(), rest.data() + rest.size(), head_.status);
    return true;
  }
  if (line.empty()) {
    const bool interim = head_.status < 200;
    const bool redirected = request_.max_redirects > 0 && head_.status / 100 == 3 && !head_.header("location").empty();
    if (!interim && !redirected) deliver_head();
    return true;
  }
  const std::size_t colon = line.find(':');
  if (colon == std::string_view::npos) return true;
  head_.headers.push_back({.name = base::lower(base::trim(line.substr(0, colon))),
                           .value = std::string(base::trim(line.substr(colon + 1)))});
  return true;
}

void Exchange::deliver_head() {
  if (std::exchange(head_delivered_, true)) return;
  sink_->on_head(head_);
}

std::size_t Exchange::on_body(char* bytes, std::size_t size, std::size_t count, void* self) {
  auto& exchange = *static_cast<Exchange*>(self);
  if (exchange.paused_) return CURL_WRITEFUNC_PAUSE;
  exchange.deliver_head();
  switch (exchange.sink_->on_data(std::string_view(bytes, size * count))) {
    case Flow::kGoOn:
      break;
    case Flow::kPause:
      // These bytes are taken; libcurl is told at the next ones, which it then keeps, and reads no more.
      exchange.paused_ = true;
      break;
    case Flow::kStop:
      exchange.stopped_ = true;
      return CURL_WRITEFUNC_ERROR;
  }
  return size * count;
}

CURLcode Exchange::resume() {
  if (!std::exchange(paused_, false)) return CURLE_OK;
  return curl_.easy_pause(easy_, CURLPAUSE_CONT);
}

void Exchange::finish(base::Result<void> result) {
  if (result.ok()) deliver_head();
  const std::unique_ptr<BodySink> sink = std::move(sink_);
  sink->on_end(std::move(result));
}

base::Result<void> Exchange::outcome(CURLcode code) const {
  if (code == CURLE_OK) return {};
  if (stopped_) return base::Error{.code = base::codes::kCancelled, .message = "the request was stopped"};
  return failure(code);
}

std::string Exchange::host() const {
  std::string_view authority = request_.url;
  if (const std::size_t scheme = authority.find("://"); scheme != std::string_view::npos) {
    authority.remove_prefix(scheme + 3);
  }
  authority = authority.substr(0, authority.find_first_of("/?#"));
  const std::size_t user_end = authority.rfind('@');
  return std::string(user_end == std::string_view::npos ? authority : authority.substr(user_end + 1));
}

/// The same certificate is refused the next time: nothing to try again.
base::Error Exchange::refused_certificate(const std::string& detail) const {
  long verdict = 0;
  (void)curl_.easy_getinfo(easy_, CURLINFO_SSL_VERIFYRESULT, &verdict);
  std::string hint = "trusted are the authorities in " + described(system_trust_store()) +
                     "; name the file of a private one in SSL_CERT_FILE";
  if (verdict == kCertificateFits || verdict == kNotAsked)
    hint = "use the host name that the certificate is made out to in the backend's URL";
  if (verdict == kNotYetValid || verdict == kExpired) {
    hint = "the server needs a new certificate, or the clock of this machine is wrong";
  }
  return {.code = kUnreachable,
          .message = "the certificate of " + host() + " was refused: " + detail,
          .hint = std::move(hint)};
}

base::Error Exchange::failure(CURLcode code) const {
  const std::string detail = error_text_[0] != '\0' ? error_text_ : curl_.easy_strerror(code);
  long system_error = 0;
  (void)curl_.easy_getinfo(easy_, CURLINFO_OS_ERRNO, &system_error);
  const std::string reason = system_error != 0 ? std::strerror(static_cast<int>(system_error)) : detail;
  if (head_too_large_) {
    return {.code = kStreamError, .message = host() + " sent a response head larger than 256 KiB"};
  }
  // The enumeration is libcurl's own and grows: what has no line here is a stream that broke.
  switch (static_cast<int>(code)) {
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return {.code = kUnreachable,
              .message = "cannot find the host " + host() + ": " + detail,
              .hint = "check the URL and the network connection",
              .retryable = true};
    case CURLE_COULDNT_CONNECT:
      return {.code = kUnreachable,
              .message = "cannot connect to " + host() + ": " + reason,
              .hint = "is the server running?",
              .retryable = true};
    case CURLE_OPERATION_TIMEDOUT:
      return {.code = kUnreachable,
              .message = "no connection to " + host() + " within " + base::format_duration(request_.connect_timeout),
              .hint = "is the server running, and is its address right?",
              .retryable = true};
    case CURLE_SSL_CONNECT_ERROR:
      return {.code = kUnreachable,
              .message = "no TLS connection to " + host() + ": " + detail,
              .hint = "does the server speak https on this port?",
              .retryable = true};
    case CURLE_SSL_CACERT_BADFILE:
      return {.code = kUnreachable,
              .message = "the authorities that are trusted cannot be read: " + detail,
              .hint = "check SSL_CERT_FILE, which names " + described(system_trust_store())};
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
      return refused_certificate(detail);
    case CURLE_URL_MALFORMAT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return {.code = base::codes::kInvalid,
              .message = "the URL of " + host() + " is not valid: " + detail,
              .hint = "check the URL of the backend"};
    case CURLE_TOO_MANY_REDIRECTS:
      return {.code = base::codes::kInvalid,
              .message = host() + " redirects more than " + std::to_string(request_.max_redirects) + " times",
              .hint = "check the URL of the backend"};
    case CURLE_UNSUPPORTED_PROTOCOL:
    case CURLE_WEIRD_SERVER_REPLY:
      return {.code = kStreamError,
              .message = host() + " does not answer with HTTP: " + detail,
              .hint = "check the port of the backend"};
    default:
      return {.code = kStreamError, .message = "the connection to " + host() + " broke: " + detail, .retryable = true};
  }
}

}  // namespace lathe::net
