#include "lathe/gateways/http/admission.h"

#include <fmt/format.h>

#include <algorithm>

#include "lathe/base/strings.h"

namespace lathe::gateways::http {

using base::Error;
using base::Result;

namespace {

/// Without its port; brackets stay.
std::string_view host_of(std::string_view authority) {
  const std::size_t bracket = authority.rfind(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  return authority.substr(0, colon);
}

/// By name or number; every 127.x.y.z is this machine, but only as four plain numbers.
bool is_this_machine(std::string_view host) {
  if (host == "[::1]" || base::lower(host) == "localhost") return true;
  return host.starts_with("127.") && std::ranges::count(host, '.') == 3 &&
         host.find_first_not_of("0123456789.") == std::string_view::npos;
}

Error refused(std::string_view header, std::string_view value) {
  return {.code = base::codes::kPermission,
          .message = fmt::format("{} \"{}\" is not this machine", header, value),
          .hint = "ask 127.0.0.1, [::1] or localhost, and not from a web page"};
}

}  // namespace

Result<void> check_origin(const net::IncomingRequest& request) {
  if (!is_this_machine(host_of(request.header("host")))) return refused("Host", request.header("host"));
  if (const std::string_view origin = request.header("origin"); !origin.empty()) {
    // A page of this machine's own, on the very port that it asks.
    if (origin != fmt::format("http://{}", request.header("host"))) return refused("Origin", origin);
  }
  const std::string_view type = request.header("content-type");
  const std::string_view media_type = base::trim(type.substr(0, type.find(';')));
  if (!request.body.empty() && base::lower(media_type) != "application/json") {
    return Error{.code = base::codes::kInvalid,
                 .message = fmt::format("content-type \"{}\" is not taken", type),
                 .hint = "content-type: application/json"};
  }
  return {};
}

std::string_view bearer_token(const net::IncomingRequest& request) {
  const std::string_view value = request.header("authorization");
  constexpr std::string_view kScheme = "bearer ";
  if (base::lower(value.substr(0, kScheme.size())) != kScheme) return "";
  return base::trim(value.substr(kScheme.size()));
}

}  // namespace lathe::gateways::http
