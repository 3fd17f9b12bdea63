#include "lathe/tools/shell/refusal.h"

#include <algorithm>
#include <array>
#include <csignal>
#include <span>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/runtime/files.h"

namespace lathe::tools::shell {
namespace {

constexpr std::size_t kMaxLineBytes = 2'000;
constexpr std::size_t kShownLineBytes = 300;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// What programs say of EPERM, EACCES, EROFS, and of a network that is not there.
constexpr std::array<std::string_view, 8> kSigns = {"operation not permitted",   "permission denied",
                                                    "read-only file system",     "network is unreachable",
                                                    "could not resolve host",    "temporary failure in name resolution",
                                                    "name or service not known", "bad system call"};

/// What programs say of a path that is not there.
constexpr std::array<std::string_view, 2> kMissing = {"no such file or directory", "directory nonexistent"};

/// What a jail has of its own.
constexpr std::array<std::string_view, 3> kOwn = {"/proc", "/dev", "/sys"};

bool has_one_of(std::string_view small, std::span<const std::string_view> signs) {
  return std::ranges::any_of(signs, [&](std::string_view sign) { return small.contains(sign); });
}

std::string shown(std::string_view line) { return std::string(base::utf8_prefix(base::trim(line), kShownLineBytes)); }

/// Paths in a message end at what programs put around them.
std::vector<std::string> absolute_paths(std::string_view line) {
  std::vector<std::string> paths;
  for (std::size_t at = line.find('/'); at != std::string_view::npos;) {
    const bool begins = at == 0 || std::string_view(" '\"`:=(").contains(line[at - 1]);
    const std::size_t end = std::min(line.find_first_of(" '\"`:;,)\t\r\n", at), line.size());
    if (begins && end > at + 1) paths.emplace_back(line.substr(at, end - at));
    at = line.find('/', begins ? end : at + 1);
  }
  return paths;
}

}  // namespace

void RefusalScan::add(std::string_view output) {
  while (!output.empty()) {
    const std::size_t end = output.find('\n');
    const std::string_view piece = output.substr(0, end);
    line_ += piece.substr(0, kMaxLineBytes - std::min(kMaxLineBytes, line_.size()));
    if (end == std::string_view::npos) return;
    end_line();
    output.remove_prefix(end + 1);
  }
}

void RefusalScan::end_line() {
  const std::string small = base::lower(line_);
  if (has_one_of(small, kSigns)) found_ = line_;
  if (has_one_of(small, kMissing)) missing_ = line_;
  line_.clear();
}

std::string RefusalScan::refused(int exit_code) const {
  if (exit_code == 128 + SIGSYS) return "a system call that commands may not make";
  if (exit_code == 0 || exit_code == kNotExecutable || exit_code == kNotFound) return {};
  RefusalScan rest = *this;
  rest.end_line();
  return shown(rest.found_);
}

RefusalScan::Missing RefusalScan::missing(int exit_code) const {
  if (exit_code == 0) return {};
  RefusalScan rest = *this;
  rest.end_line();
  return {.line = shown(rest.missing_), .paths = absolute_paths(rest.missing_)};
}

bool is_hidden(const std::vector<std::string>& paths, const std::vector<std::string>& visible) {
  return std::ranges::any_of(paths, [&](const std::string& path) {
    const auto shows = [&](std::string_view folder) {
      return path.starts_with(folder) && (path.size() == folder.size() || path[folder.size()] == '/');
    };
    if (std::ranges::any_of(visible, shows) || std::ranges::any_of(kOwn, shows)) return false;
    const std::string folder = path.substr(0, path.rfind('/'));
    // Folders such as /tmp and /home are in the jail as well, with less in them.
    const bool deep = folder.rfind('/') != std::string::npos && folder.rfind('/') > 0;
    return runtime::path_exists(path) || (deep && runtime::path_exists(folder));
  });
}

}  // namespace lathe::tools::shell
