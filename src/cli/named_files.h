#pragma once

#include <string>
#include <string_view>

#include "lathe/base/result.h"
#include "lathe/client/transport.h"

// Files and folders that a command line names. What is wrong with one is found before anything is begun, and is for the
// person to mend: the errors name the option (`option`, or what a word without one stands for) and the path.

namespace lathe::cli {

/// Something to read must be there, and be no folder.
[[nodiscard]] base::Result<void> check_input_file(std::string_view option, const std::string& path);
/// What will be written must not be a folder, and its own folder must be there.
[[nodiscard]] base::Result<void> check_output_file(std::string_view option, const std::string& path);
/// The folder's absolute path without links. Sessions keep it as text, which it must be.
[[nodiscard]] base::Result<std::string> named_folder(std::string_view option, const std::string& path);
/// The same folder, open, to be sent to whoever works in it; null where it cannot be opened. `path` "" is the current
/// one.
[[nodiscard]] client::OpenFolder open_named_folder(const std::string& path);
/// That of the current folder, which may be gone.
[[nodiscard]] base::Result<std::string> working_folder();
/// A rule file's absolute path; a plain word that is no file here stays what it is, the name of a preset.
[[nodiscard]] base::Result<std::string> named_rules(std::string_view option, const std::string& path);

}  // namespace lathe::cli
