#pragma once

#include <string>
#include <string_view>
#include <variant>

namespace lathe::tools::shell {

/// The script is an ordinary command.
struct OrdinaryCommand {};
/// The script is nothing but `apply_patch <<'EOF'` with this text; behind `cd FOLDER &&` its paths go through that
/// folder.
struct PatchInScript {
  std::string patch;
};
/// The script means a patch in a way that no shell would carry out.
struct MisplacedPatch {
  std::string why;
};

/// Models that know apply_patch as a program run it through the shell, also as `bash -lc '…'`. Text only; nothing is
/// expanded.
[[nodiscard]] std::variant<OrdinaryCommand, PatchInScript, MisplacedPatch> find_patch(std::string_view script);

}  // namespace lathe::tools::shell
