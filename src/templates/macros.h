#pragma once

#include <optional>
#include <string_view>

#include "lathe/templates/template.h"

namespace lathe::templates {

struct MacroAction {
  Macro macro;
  /// Past the "}}"; the end of the text where there is none.
  Offset end = 0;
  bool trims_right = false;
  bool open = false;
};

/// The macro whose inside begins at `begin`, if it is one: {{name:…}}, {{date}}, {{now}}. Everything else is Go's.
[[nodiscard]] std::optional<MacroAction> macro_at(std::string_view text, Offset begin);

/// A macro as it would stand in braces: "var:name|other".
[[nodiscard]] std::string macro_text(const Macro& macro);

}  // namespace lathe::templates
