#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/egress/host_rules.h"
#include "lathe/egress/resolver.h"
#include "lathe/net/http_client.h"
#include "lathe/ports/tool_policies.h"
#include "lathe/runtime/async.h"
#include "lathe/tools/web/url.h"

namespace lathe::tools::web {

struct WebLimits {
  std::size_t max_response_bytes = 1U << 20;
  std::size_t max_request_bytes = 256U << 10;
  std::chrono::milliseconds timeout{30'000};
  int max_redirects = 5;
  /// Of one request, when a server cannot be reached or asks to come back (408, 429, 502 to 504).
  int max_attempts = 3;
  std::chrono::milliseconds first_pause{250};
  std::chrono::milliseconds longest_pause{5'000};
};

/// What policies leave of the limits.
[[nodiscard]] WebLimits narrowed(WebLimits limits, const std::vector<ports::WebPolicy>& policies);

struct WebRequest {
  std::string method = "GET";
  Url url;
  std::vector<net::Header> headers = {};
  std::string body = {};
  /// The client's own, or less (narrowed()).
  WebLimits limits;
};

struct WebAnswer {
  /// Where the answer came from, after redirects.
  Url url;
  net::ResponseHead head;
  std::string body;
  /// The body had more than max_response_bytes.
  bool cut = false;
  /// Set when the answer is a redirect that was not followed: it leads to a host that nobody allowed, or none is
  /// followed here.
  std::string leads_to = {};
};

/// Requests to the web for a model. A name is resolved once, its addresses are checked, and one of them is dialled; the
/// same again at every redirect. Redirects are followed for GET and HEAD only, and only to the host that was asked for
/// and to hosts of `rules`, because a person's yes was about that host. Loop thread.
class WebClient final {
 public:
  struct Parts {
    runtime::Loop& loop;
    net::HttpClient& http;
    egress::Resolver& resolver;
    egress::HostRules rules;
    WebLimits limits;
  };
  explicit WebClient(Parts parts) : parts_(std::move(parts)) {}

  [[nodiscard]] const WebLimits& limits() const { return parts_.limits; }
  /// An answer of any status. `permission_denied` when the host leads where it may not; the errors of net::BodySink.
  runtime::Async<base::Result<WebAnswer>> send(WebRequest request, runtime::CancelToken cancel);

 private:
  runtime::Async<base::Result<WebAnswer>> send_patiently(WebRequest request, runtime::CancelToken cancel,
                                                         runtime::Deadline deadline);
  runtime::Async<base::Result<WebAnswer>> send_once(WebRequest request, runtime::CancelToken cancel,
                                                    runtime::Deadline deadline);
  [[nodiscard]] bool may_follow(const egress::Host& asked, const Url& next) const;

  Parts parts_;
};

}  // namespace lathe::tools::web
