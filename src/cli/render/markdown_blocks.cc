#include <algorithm>
#include <utility>

#include "lathe/base/strings.h"
#include "lathe/cli/render/markdown.h"

namespace lathe::cli {

namespace {

/// The fence characters ("```", "~~~~") that a line opens or closes with, or "".
std::string_view fence_of(std::string_view line) {
  const std::size_t indent = std::min(line.find_first_not_of(' '), line.size());
  if (indent > 3 || indent == line.size()) return "";
  line.remove_prefix(indent);
  if (line[0] != '`' && line[0] != '~') return "";
  const std::string_view fence = line.substr(0, std::min(line.find_first_not_of(line[0]), line.size()));
  return fence.size() >= 3 ? fence : "";
}

bool is_heading(std::string_view line) {
  const std::size_t level = std::min(line.find_first_not_of('#'), line.size());
  return level >= 1 && level <= 6 && level < line.size() && line[level] == ' ';
}

}  // namespace

std::string MarkdownBlocks::add(std::string_view text) {
  pending_ += text;
  std::size_t whole = 0;  // end of the last complete block
  while (scanned_ < pending_.size()) {
    const std::size_t start = scanned_;
    // One character of a line tells whether it goes on with the block before the blank line.
    if (blank_before_ && fence_.empty() && !std::string_view(" \t\r\n").contains(pending_[start])) whole = start;
    const std::size_t newline = pending_.find('\n', start);
    if (newline == std::string::npos) break;
    const std::string_view line = std::string_view(pending_).substr(start, newline - start);
    scanned_ = newline + 1;
    const std::string_view fence = fence_of(line);
    if (!fence_.empty()) {
      const bool closes = fence.starts_with(fence_) && base::trim(line) == fence;
      if (closes) fence_.clear();
      if (closes && !line.starts_with(' ')) whole = scanned_;
    } else if (!fence.empty()) {
      fence_ = fence;
    } else if (is_heading(line)) {
      whole = scanned_;
    }
    blank_before_ = fence_.empty() && base::trim(line).empty();
  }
  std::string blocks = pending_.substr(0, whole);
  pending_.erase(0, whole);
  scanned_ -= whole;
  return blocks;
}

std::string MarkdownBlocks::finish() {
  std::string rest = std::exchange(pending_, {});
  *this = {};
  return rest;
}

}  // namespace lathe::cli
