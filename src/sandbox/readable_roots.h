#pragma once

#include <string>
#include <vector>

#include "lathe/base/result.h"
#include "lathe/sandbox/session_jail.h"

namespace lathe::sandbox {

/// What the person lets commands read besides (SessionFacts::readable_roots), by its real place and as far as it is
/// there. `invalid` for what would break a promise that every level makes: the home folder as a whole, what lies in
/// Lathe's own folders or in the person's secrets, and what a jail has of its own. Blocking.
[[nodiscard]] base::Result<std::vector<std::string>> readable_roots(const SessionFacts& facts);

/// Lathe's own folders and the person's secrets, by their real places, as far as they are there. Blocking.
[[nodiscard]] std::vector<std::string> hidden_places(const SessionFacts& facts);

}  // namespace lathe::sandbox
