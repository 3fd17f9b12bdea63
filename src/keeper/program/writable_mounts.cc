#include "lathe/keeper/program/writable_mounts.h"

#include <algorithm>
#include <array>
#include <cstddef>

#include "lathe/sandbox/path_order.h"

namespace lathe::keeper {
namespace {

constexpr std::array<std::string_view, 3> kNoDisks = {"/proc", "/sys", "/dev"};

std::vector<std::string_view> words_of(std::string_view line) {
  std::vector<std::string_view> words;
  for (std::size_t from = 0; from <= line.size();) {
    const std::size_t end = std::min(line.find(' ', from), line.size());
    words.push_back(line.substr(from, end - from));
    from = end + 1;
  }
  return words;
}

/// "\040" stands for a space.
std::string unescaped(std::string_view text) {
  constexpr std::size_t kDigits = 3;
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + kDigits >= text.size()) {
      out += text[i];
      continue;
    }
    int letter = 0;
    for (std::size_t digit = 1; digit <= kDigits; ++digit) letter = letter * 8 + (text[i + digit] - '0');
    out += static_cast<char>(letter);
    i += kDigits;
  }
  return out;
}

bool is_read_only(std::string_view options) { return options == "ro" || options.starts_with("ro,"); }

}  // namespace

std::vector<std::string> writable_mounts(std::string_view mountinfo) {
  constexpr std::size_t kPoint = 4;
  constexpr std::size_t kOptions = 5;
  // Behind the dash: type, source, options of the file system as a whole.
  constexpr std::ptrdiff_t kOfAll = 3;
  std::vector<std::string> points;
  while (!mountinfo.empty()) {
    const std::size_t end = std::min(mountinfo.find('\n'), mountinfo.size());
    const std::vector<std::string_view> words = words_of(mountinfo.substr(0, end));
    mountinfo.remove_prefix(std::min(end + 1, mountinfo.size()));
    const auto dash = std::ranges::find(words, "-");
    if (words.size() <= kOptions || words.end() - dash <= kOfAll) continue;
    if (is_read_only(words[kOptions]) || is_read_only(dash[kOfAll])) continue;
    std::string point = unescaped(words[kPoint]);
    const auto holds = [&point](std::string_view folder) { return sandbox::is_at_or_below(point, folder); };
    if (std::ranges::none_of(kNoDisks, holds)) points.push_back(std::move(point));
  }
  return points;
}

}  // namespace lathe::keeper
