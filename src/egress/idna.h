#pragma once

#include <string_view>

#include "lathe/base/result.h"

namespace lathe::egress {

/// Whether a label such as "xn--mnchen-3ya" (RFC 3492, RFC 5890) stands for letters of one script. Names that mix
/// scripts look like other names and are refused, except where a language itself mixes them (Japanese, Korean).
/// `label` is lower case and begins with "xn--". `invalid` says why not: it does not decode, it stands for plain
/// ASCII, or which scripts it mixes.
[[nodiscard]] base::Result<void> check_international_label(std::string_view label);

}  // namespace lathe::egress
