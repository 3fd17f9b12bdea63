#pragma once

#include <curl/curl.h>

#include <cstddef>
#include <memory>
#include <string>

#include "lathe/base/result.h"
#include "lathe/net/curl_api.h"
#include "lathe/net/http_client.h"

namespace lathe::net {

/// One request and its response as libcurl runs them: owns the easy handle, turns its callbacks into calls of the sink
/// and its result codes into Errors. Net thread only, and stays where it was made (libcurl points to it).
///
///   made --prepare--> ready --(multi)--> running --finish--> finished
///   The sink hears on_end in finish(), which is called exactly once, from whatever state.
class Exchange final {
 public:
  Exchange(const CurlApi& curl, HttpRequest request, std::unique_ptr<BodySink> sink);
  ~Exchange();
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  /// Fills the easy handle from the request.
  [[nodiscard]] base::Result<void> prepare();
  [[nodiscard]] CURL* handle() const { return easy_; }
  /// The sink has room again. What libcurl kept is handed over at once; a failure of that ends the transfer.
  [[nodiscard]] CURLcode resume();
  /// What libcurl's result means to the sink.
  [[nodiscard]] base::Result<void> outcome(CURLcode code) const;
  void finish(base::Result<void> result);

 private:
  static std::size_t on_header(char* bytes, std::size_t size, std::size_t count, void* self);
  static std::size_t on_body(char* bytes, std::size_t size, std::size_t count, void* self);
  [[nodiscard]] bool take_header_line(std::string_view line);
  void deliver_head();
  void set_transport_options();
  void set_trust_store();
  void pin_address();
  void set_method_and_body();
  [[nodiscard]] base::Result<void> set_headers();
  /// "host:port" as the URL has it, without user or password.
  [[nodiscard]] std::string host() const;
  [[nodiscard]] base::Error failure(CURLcode code) const;
  [[nodiscard]] base::Error refused_certificate(const std::string& detail) const;
  template <class T>
  void set(CURLoption option, T value) {
    (void)curl_.easy_setopt(easy_, option, value);
  }

  const CurlApi& curl_;
  HttpRequest request_;
  std::unique_ptr<BodySink> sink_;
  CURL* easy_ = nullptr;
  curl_slist* header_list_ = nullptr;
  curl_slist* connect_to_ = nullptr;
  char error_text_[CURL_ERROR_SIZE] = {};
  ResponseHead head_;
  std::size_t head_bytes_ = 0;
  bool head_delivered_ = false;
  bool head_too_large_ = false;
  bool paused_ = false;
  bool stopped_ = false;
};

}  // namespace lathe::net
