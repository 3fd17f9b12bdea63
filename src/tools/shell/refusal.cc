#include "lathe/tools/shell/refusal.h"

#include <algorithm>
#include <array>
#include <csignal>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

namespace lathe::tools::shell {
namespace {

constexpr std::size_t kMaxLineBytes = 2'000;
constexpr std::size_t kShownBytes = 300;
constexpr int kNotExecutable = 126;
constexpr int kNotFound = 127;

/// What programs say of EPERM, EACCES, EROFS, and of a network that is not there.
constexpr std::array<std::string_view, 8> kSigns = {"operation not permitted",   "permission denied",
                                                    "read-only file system",     "network is unreachable",
                                                    "could not resolve host",    "temporary failure in name resolution",
                                                    "name or service not known", "bad system call"};

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
  const bool tells = std::ranges::any_of(kSigns, [&](std::string_view sign) { return small.contains(sign); });
  if (tells) found_ = line_;
  line_.clear();
}

std::string RefusalScan::refused(int exit_code) const {
  if (exit_code == 128 + SIGSYS) return "a system call that commands may not make";
  if (exit_code == 0 || exit_code == kNotExecutable || exit_code == kNotFound) return {};
  RefusalScan rest = *this;
  rest.end_line();
  return std::string(base::utf8_prefix(base::trim(rest.found_), kShownBytes));
}

}  // namespace lathe::tools::shell
