#include "lathe/cli/named_files.h"

#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>

#include "lathe/base/strings.h"
#include "lathe/runtime/files.h"

namespace lathe::cli {

using base::Error;
using base::Result;

namespace {

std::string named(std::string_view option, const std::string& path) { return fmt::format("{} {}", option, path); }

/// A path from the working folder on is often typed in another one.
std::string where_to_look(const std::string& path) {
  const auto here = runtime::real_path(".");
  if (path.starts_with('/') || !here.ok()) return "check how the path is written";
  return "check how the path is written; it begins in " + *here;
}

Result<struct stat> status_of(std::string_view option, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return status;
  Error error = base::errno_error(errno, named(option, path));
  if (error.code == base::codes::kNotFound) error.hint = where_to_look(path);
  return error;
}

}  // namespace

Result<void> check_input_file(std::string_view option, const std::string& path) {
  TRY(const struct stat status, status_of(option, path));
  if (!S_ISDIR(status.st_mode)) return {};
  return Error{.code = base::codes::kInvalid, .message = named(option, path) + " is a folder", .hint = "name a file"};
}

Result<void> check_output_file(std::string_view option, const std::string& path) {
  if (runtime::path_exists(path)) return check_input_file(option, path);
  const std::string folder = std::filesystem::path(path).parent_path().string();
  if (folder.empty() || runtime::path_exists(folder)) return {};
  return Error{.code = base::codes::kNotFound,
               .message = fmt::format("{}: there is no folder {}", named(option, path), folder),
               .hint = "mkdir -p " + base::shell_quote(folder)};
}

Result<std::string> named_folder(std::string_view option, const std::string& path) {
  TRY(const struct stat status, status_of(option, path));
  if (S_ISDIR(status.st_mode)) return runtime::real_path(path).within(option);
  return Error{
      .code = base::codes::kInvalid, .message = named(option, path) + " is not a folder", .hint = "name a folder"};
}

Result<std::string> named_rules(std::string_view option, const std::string& path) {
  const bool word = path.find_first_of("/.") == std::string::npos;
  if (word && !runtime::path_exists(path)) return path;
  TRY_OK(check_input_file(option, path));
  return runtime::real_path(path).within(option);
}

}  // namespace lathe::cli
