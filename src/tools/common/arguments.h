#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "lathe/base/json.h"
#include "lathe/base/result.h"
#include "lathe/ports/model.h"
#include "lathe/protocol/items.h"

namespace lathe::tools::common {

/// The arguments of one call, checked against the tool's schema. Every error is `invalid` and names tool and argument:
/// `read_file: "ofset" is not an argument (did you mean "offset"?)`.
class Arguments final {
 public:
  /// Checks that the text is a JSON object with known members only, and that no required one is missing. A null
  /// member counts as absent.
  [[nodiscard]] static base::Result<Arguments> parse(const ports::ToolSpec& spec, const protocol::ToolCall& call);

  /// A string without NUL bytes.
  [[nodiscard]] base::Result<std::string> text(std::string_view name) const;
  [[nodiscard]] base::Result<std::optional<std::string>> optional_text(std::string_view name) const;
  /// A whole number from `least` to `most`.
  [[nodiscard]] base::Result<std::optional<std::int64_t>> optional_number(std::string_view name, std::int64_t least,
                                                                          std::int64_t most) const;
  [[nodiscard]] base::Result<bool> flag(std::string_view name, bool fallback) const;
  /// A list; its elements are the caller's to check.
  [[nodiscard]] base::Result<base::Json> list(std::string_view name) const;

  /// An object of strings without NUL bytes; empty when absent.
  [[nodiscard]] base::Result<std::map<std::string, std::string>> texts(std::string_view name) const;

  [[nodiscard]] bool has(std::string_view name) const;
  /// An `invalid` error about one argument: "tool: name what".
  [[nodiscard]] base::Error wrong(std::string_view name, std::string_view what) const;

 private:
  Arguments(std::string tool, base::Json members) : tool_(std::move(tool)), members_(std::move(members)) {}

  std::string tool_;
  base::Json members_;
};

}  // namespace lathe::tools::common
