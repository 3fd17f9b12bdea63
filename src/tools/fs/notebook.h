#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace lathe::tools::fs {

/// A Jupyter notebook (nbformat 4) as text: its cells in order, each under a line that says its number and kind, code
/// with its textual output. Nothing when it is none, so that it is read as the text that it is.
[[nodiscard]] std::optional<std::string> notebook_text(std::string_view bytes);

}  // namespace lathe::tools::fs
