#pragma once

#include <string>
#include <string_view>

namespace lathe::providers::common {

/// What a wire accepts as the id of a tool call.
enum class CallIdStyle {
  /// Letters, digits, "_" and "-", 1 to 64 of them.
  kPlain,
  /// Exactly nine letters and digits (Mistral).
  kNine,
};

/// The id itself where the wire accepts it, else a stand-in of that style that depends on nothing but the id: a call
/// and its result, and the same call in the next request, get the same one.
[[nodiscard]] std::string call_id_for(CallIdStyle style, std::string_view call_id);

}  // namespace lathe::providers::common
