#pragma once

#include <functional>
#include <optional>
#include <string>

#include "lathe/base/result.h"
#include "lathe/chain/chain.h"

namespace lathe::chain {

struct ShowOptions {
  /// The value of a macro that is known; nothing for one that stays as it is written.
  std::function<base::Result<std::optional<std::string>>(const templates::Macro&)> macro = {};
};

/// The chain as YAML of ours, whatever dialect it is from: what tasks inherit stands in them, with a comment that says
/// from which line, and known macros are replaced, with a comment that says what stood there. It can be loaded again
/// and is then the same chain; only vix's texts, which keep their $(…), are not of our dialect. An error when a macro's
/// value cannot be had.
[[nodiscard]] base::Result<std::string> show(const Chain& chain, const ShowOptions& options = {});

}  // namespace lathe::chain
