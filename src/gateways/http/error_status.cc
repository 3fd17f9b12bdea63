#include "lathe/gateways/http/error_status.h"

#include <array>
#include <string_view>

#include "lathe/protocol/error_codes.h"
#include "lathe/protocol/http_payloads.h"

namespace lathe::gateways::http {

namespace {

struct CodeStatus {
  std::string_view code;
  unsigned status;
};
constexpr std::array kStatuses{
    CodeStatus{base::codes::kInvalid, 400},
    CodeStatus{protocol::error_codes::kUnknownOp, 404},
    CodeStatus{protocol::error_codes::kUnknownCall, 404},
    CodeStatus{base::codes::kPermission, 403},
    CodeStatus{base::codes::kNotFound, 404},
    CodeStatus{base::codes::kExists, 409},
    CodeStatus{base::codes::kLocked, 409},
    CodeStatus{protocol::error_codes::kClaimed, 409},
    CodeStatus{protocol::error_codes::kSettled, 409},
    CodeStatus{base::codes::kLimit, 413},
    CodeStatus{base::codes::kUnsupported, 501},
    CodeStatus{base::codes::kTimeout, 504},
    CodeStatus{base::codes::kUnavailable, 503},
    CodeStatus{protocol::error_codes::kHandingOver, 503},
    CodeStatus{base::codes::kNoSpace, 507},
};
/// Codes of failed model work, and what a session is not in a state for.
constexpr unsigned kRefusedStatus = 422;

unsigned status_of(std::string_view code) {
  for (const CodeStatus& known : kStatuses) {
    if (known.code == code) return known.status;
  }
  const bool ours = code == base::codes::kInternal || code == base::codes::kIo || code == base::codes::kCorrupt;
  return ours ? 500 : kRefusedStatus;
}

}  // namespace

net::OutgoingResponse error_response(const base::Error& error) {
  const protocol::HttpError body{
      .error = {.code = error.code, .message = error.message, .hint = error.hint, .retryable = error.retryable}};
  return {.status = status_of(error.code), .body = protocol::payload_text(body)};
}

}  // namespace lathe::gateways::http
