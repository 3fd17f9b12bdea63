#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace lathe::sandbox {

/// The folders of programs that a person's PATH names outside of the system folders, with what belongs to them: of
/// `…/node/v22/bin` also lib, libexec, include and share beside it, and where a version manager keeps what its programs
/// start. Never a folder of the person's data: of ~/.local only bin and lib, of ~/.cargo only bin. Existing ones only,
/// without links. Blocking.
[[nodiscard]] std::vector<std::string> toolchain_folders(std::string_view path_variable, const std::string& home);

}  // namespace lathe::sandbox
