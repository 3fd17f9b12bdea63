#include "lathe/facts/frontmatter.h"

#include <algorithm>
#include <cctype>

#include "lathe/base/strings.h"
#include "lathe/formats/read.h"

namespace lathe::facts {
namespace {

using base::Result;
using formats::Document;

constexpr formats::Limits kLimits{.max_bytes = 64U << 10, .max_depth = 16, .max_values = 5'000};

bool is_fence(std::string_view line) { return base::trim_right(line) == "---"; }

/// "key: value" at the start of a line, the value in single quotes when it is plain; else the line as it is.
std::string with_quoted_value(std::string_view line) {
  const std::size_t colon = line.find(": ");
  const bool plain_key =
      colon != std::string_view::npos && colon > 0 && std::ranges::all_of(line.substr(0, colon), [](unsigned char c) {
        return std::isalnum(c) != 0 || c == '_' || c == '-';
      });
  const std::string_view value = plain_key ? base::trim(line.substr(colon + 1)) : std::string_view();
  if (value.empty() || std::string_view("'\"[{|>").find(value.front()) != std::string_view::npos) {
    return std::string(line);
  }
  return std::string(line.substr(0, colon + 2)) + "'" + base::replace_all(std::string(value), "'", "''") + "'";
}

std::string with_quoted_values(std::string_view yaml) {
  std::string out;
  for (const std::string_view line : base::split_lines(yaml)) out += with_quoted_value(line) + "\n";
  return out;
}

}  // namespace

Result<Frontmatter> read_frontmatter(std::string_view text, const std::string& file) {
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  const std::vector<std::string_view> lines = base::split_lines(text);
  if (lines.empty() || !is_fence(lines[0])) {
    return formats::error_at(file, {}, "the file does not begin with frontmatter", "begin it with a line of ---");
  }
  const auto fence = std::ranges::find_if(lines.begin() + 1, lines.end(), is_fence);
  if (fence == lines.end()) {
    return formats::error_at(file, {}, "the frontmatter does not end", "end it with a line of ---");
  }
  // An empty line stands for the first fence, so that places are those of the file.
  std::string yaml = "\n";
  for (auto line = lines.begin() + 1; line != fence; ++line) yaml += std::string(base::trim_right(*line)) + "\n";
  Result<Document> head = formats::read_yaml(yaml, file, kLimits);
  if (!head.ok()) {
    Result<Document> repaired = formats::read_yaml(with_quoted_values(yaml), file, kLimits);
    if (!repaired.ok()) return head.error();
    head = std::move(repaired);
  }
  if (head->root.map() == nullptr) {
    return formats::error_at(file, {.line = 2, .column = 1}, "the frontmatter is no map", "write \"name: …\"");
  }
  std::string body;
  if (fence + 1 != lines.end()) {
    const auto start = static_cast<std::size_t>((fence + 1)->data() - text.data());
    body = text.substr(start);
  }
  body.erase(0, std::min(body.find_first_not_of("\r\n"), body.size()));
  return Frontmatter{.head = *std::move(head), .body = std::move(body)};
}

}  // namespace lathe::facts
