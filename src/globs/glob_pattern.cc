#include "lathe/globs/glob_pattern.h"

#include <fmt/format.h>
#include <re2/re2.h>

// A pattern becomes a regular expression; RE2 runs it in linear time, whatever a repository's files say.

namespace lathe::globs {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxPatternBytes = 4'000;

Error invalid(std::string_view pattern, std::string_view what) {
  return {.code = base::codes::kInvalid, .message = fmt::format("the pattern \"{}\" {}", pattern, what)};
}

void append_literal(std::string& out, char c) { out += RE2::QuoteMeta(std::string_view(&c, 1)); }

/// Translates one bracket expression from `at` (past the "["); npos when it is left open.
std::size_t append_class(std::string& out, std::string_view pattern, std::size_t at) {
  out += '[';
  if (at < pattern.size() && (pattern[at] == '!' || pattern[at] == '^')) {
    out += "^/";
    ++at;
  }
  const std::size_t first = at;
  for (; at < pattern.size(); ++at) {
    if (pattern[at] == ']' && at > first) {
      out += ']';
      return at + 1;
    }
    if (pattern[at] == '[' || pattern[at] == ']' || pattern[at] == '\\' || pattern[at] == '^') out += '\\';
    out += pattern[at];
  }
  return std::string_view::npos;
}

/// Translates stars from `at`; gives the place past them.
std::size_t append_stars(std::string& out, std::string_view pattern, std::size_t at) {
  const bool at_start = at == 0 || pattern[at - 1] == '/';
  std::size_t end = at;
  while (end < pattern.size() && pattern[end] == '*') ++end;
  const bool whole_name = at_start && end - at == 2;
  if (whole_name && end == pattern.size()) {
    out += ".*";
    return end;
  }
  if (whole_name && pattern[end] == '/') {
    out += "(?:.*/)?";
    return end + 1;
  }
  out += "[^/]*";
  return end;
}

Result<std::string> translate(std::string_view pattern) {
  std::string out;
  int braces = 0;
  for (std::size_t at = 0; at < pattern.size();) {
    const char c = pattern[at];
    if (c == '*') {
      at = append_stars(out, pattern, at);
      continue;
    }
    if (c == '[') {
      at = append_class(out, pattern, at + 1);
      if (at == std::string_view::npos) return invalid(pattern, "has a \"[\" that is not closed");
      continue;
    }
    ++at;
    if (c == '?') {
      out += "[^/]";
    } else if (c == '{') {
      out += "(?:";
      ++braces;
    } else if (c == '}' && braces > 0) {
      out += ')';
      --braces;
    } else if (c == ',' && braces > 0) {
      out += '|';
    } else if (c == '\\' && at < pattern.size()) {
      append_literal(out, pattern[at++]);
    } else {
      out += static_cast<unsigned char>(c) < 0x80 ? RE2::QuoteMeta(std::string_view(&c, 1)) : std::string(1, c);
    }
  }
  if (braces > 0) return invalid(pattern, "has a \"{\" that is not closed");
  return out;
}

}  // namespace

Result<GlobPattern> GlobPattern::parse(std::string_view pattern) {
  if (pattern.empty()) return invalid(pattern, "is empty");
  if (pattern.size() > kMaxPatternBytes) {
    return invalid(pattern.substr(0, 40), fmt::format("… is longer than {} bytes", kMaxPatternBytes));
  }
  TRY(const std::string regex, translate(pattern));
  RE2::Options options(RE2::Quiet);
  options.set_dot_nl(true);
  auto form = std::make_shared<const RE2>(regex, options);
  if (!form->ok()) return invalid(pattern, fmt::format("is not understood: {}", form->error()));
  return GlobPattern(std::move(form));
}

bool GlobPattern::matches(std::string_view path) const { return RE2::FullMatch(path, *form_); }

Result<GlobPattern> parse_file_pattern(std::string_view pattern) {
  if (pattern.starts_with("./")) pattern.remove_prefix(2);
  if (pattern.find('/') != std::string_view::npos) return GlobPattern::parse(pattern);
  if (pattern.empty()) return GlobPattern::parse(pattern);
  return GlobPattern::parse("**/" + std::string(pattern));
}

}  // namespace lathe::globs
