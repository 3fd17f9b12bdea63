#include "lathe/providers/common/decoder.h"

#include <fmt/format.h>

#include "lathe/base/utf8.h"
#include "lathe/protocol/error_codes.h"

namespace lathe::providers::common {
namespace {

constexpr std::size_t kShownFaultBytes = 120;

template <class Delta>
void append_delta(Events& out, std::string_view text) {
  if (text.empty()) return;
  if (!out.empty()) {
    if (auto* last = std::get_if<Delta>(&out.back())) {
      last->text += text;
      return;
    }
  }
  out.emplace_back(Delta{std::string(text)});
}

}  // namespace

void append_text(Events& out, std::string_view text) { append_delta<ports::TextDelta>(out, text); }
void append_reasoning(Events& out, std::string_view text) { append_delta<ports::ReasoningDelta>(out, text); }

ports::ModelResult<base::Json> read_message(std::string_view data, bool first) {
  auto parsed = base::is_utf8(data) ? base::parse_json(data) : base::parse_json(base::to_utf8(data));
  if (parsed.ok()) return std::move(parsed).value();
  const std::string shown = base::to_utf8(base::utf8_prefix(data, kShownFaultBytes));
  return std::unexpected(ports::ModelFailure{
      .error = {.code = protocol::error_codes::kStream,
                .message = fmt::format("the answer's stream holds something that is {}: {}{}", parsed.error().message,
                                       shown, data.size() > kShownFaultBytes ? "…" : ""),
                .hint = first ? "check the backend's URL and type: lathe backend list" : "",
                .retryable = !first},
      .retry = first ? ports::RetryClass::kNever : ports::RetryClass::kStream});
}

ports::ModelFailure cut_off(std::string_view expected) {
  return {.error = {.code = protocol::error_codes::kStream,
                    .message = fmt::format("the answer's stream ended before {}", expected),
                    .retryable = true},
          .retry = ports::RetryClass::kStream};
}

}  // namespace lathe::providers::common
