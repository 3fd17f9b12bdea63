#include "lathe/cli/named_files.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>

#include <cerrno>
#include <filesystem>
#include <memory>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
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

Result<void> check_is_text(std::string_view option, const std::string& path) {
  if (base::is_utf8(path)) return {};
  return Error{.code = base::codes::kInvalid,
               .message = named(option, base::to_utf8(path)) + ": its name is not UTF-8 text",
               .hint = "give the folder another name, or work in one whose path is UTF-8"};
}

Result<struct stat> status_of(std::string_view option, const std::string& path) {
  struct stat status{};
  if (::stat(path.c_str(), &status) == 0) return status;
  Error error = base::errno_error(errno, named(option, path));
  if (error.code == base::codes::kNotFound) error.hint = where_to_look(path);
  if (error.code != base::codes::kPermission) return error;
  error.code = base::codes::kInvalid;
  error.hint = "name another, or change whose it is: ls -ld " + base::shell_quote(path);
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
  if (!S_ISDIR(status.st_mode)) {
    return Error{
        .code = base::codes::kInvalid, .message = named(option, path) + " is not a folder", .hint = "name a folder"};
  }
  TRY(std::string real, runtime::real_path(path).within(option));
  TRY_OK(check_is_text(option, real));
  return real;
}

client::OpenFolder open_named_folder(const std::string& path) {
  auto folder = runtime::open_file(path.empty() ? "." : path, O_PATH | O_DIRECTORY);
  // Whoever is told its name only says what is wrong with it.
  return folder.ok() ? std::make_shared<const base::UniqueFd>(*std::move(folder)) : nullptr;
}

Result<std::string> working_folder() {
  Result<std::string> here = runtime::real_path(".");
  if (!here.ok()) {
    std::error_code unknown;
    const std::string was = std::filesystem::read_symlink("/proc/self/cwd", unknown).string();
    Error error = here.error().within(named("the working folder", was));
    error.code = base::codes::kInvalid;
    error.hint = "go to another one, or name one with --cwd";
    return error;
  }
  TRY_OK(check_is_text("the working folder", *here));
  return here;
}

Result<std::string> named_rules(std::string_view option, const std::string& path) {
  const bool word = path.find_first_of("/.") == std::string::npos;
  if (word && !runtime::path_exists(path)) return path;
  TRY_OK(check_input_file(option, path));
  return runtime::real_path(path).within(option);
}

}  // namespace lathe::cli
