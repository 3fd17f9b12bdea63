#include "lathe/policy/glob.h"

#include <algorithm>
#include <ranges>
#include <span>

#include "lathe/base/strings.h"

namespace lathe::policy {

using base::Error;
using base::Result;

namespace {

constexpr std::size_t kMaxAlternatives = 4'096;

/// The alternatives of the first outermost {a,b}, each with what stands around it.
std::vector<std::string> expand_once(const std::string& text) {
  const std::size_t open = text.find('{');
  if (open == std::string::npos) return {text};
  std::vector<std::string> parts{""};
  std::size_t depth = 0;
  std::size_t close = std::string::npos;
  for (std::size_t i = open; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '{' && ++depth == 1) continue;
    if (c == '}' && --depth == 0) {
      close = i;
      break;
    }
    if (c == ',' && depth == 1) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  if (close == std::string::npos) return {text};
  for (std::string& part : parts) part = text.substr(0, open) + part + text.substr(close + 1);
  return parts;
}

bool expandable(const std::string& text) {
  const std::size_t open = text.find('{');
  return open != std::string::npos && text.find('}', open) != std::string::npos;
}

/// Greedy with one point to go back to, for characters and for parts of paths alike.
template <class Pattern, class Text, class IsStar, class Same>
bool wildcard(const Pattern& pattern, const Text& text, const IsStar& is_star, const Same& same) {
  std::size_t p = 0;
  std::size_t t = 0;
  std::size_t star = std::string::npos;
  std::size_t resume = 0;
  while (t < text.size()) {
    if (p < pattern.size() && is_star(pattern[p])) {
      star = p++;
      resume = t;
    } else if (p < pattern.size() && same(pattern[p], text[t])) {
      ++p;
      ++t;
    } else if (star != std::string::npos) {
      p = star + 1;
      t = ++resume;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && is_star(pattern[p])) ++p;
  return p == pattern.size();
}

bool part_matches(std::string_view pattern, std::string_view part) {
  return wildcard(pattern, part, [](char c) { return c == '*'; }, [](char p, char t) { return p == '?' || p == t; });
}

/// "**".
bool is_any_number(std::string_view part) { return part.size() == 2 && part[0] == '*' && part[1] == '*'; }

std::vector<std::string_view> parts_of(std::string_view path) { return base::split(path, '/'); }

/// Whether some text is of both patterns, whose stars stand for any number of elements.
template <class Element, class IsStar, class Same>
bool both_match(std::span<const Element> a, std::span<const Element> b, const IsStar& is_star, const Same& same) {
  // What no star stands for is the same at both ends. Most differ there.
  while (!a.empty() && !b.empty() && !is_star(a.back()) && !is_star(b.back())) {
    if (!same(a.back(), b.back())) return false;
    a = a.subspan(0, a.size() - 1);
    b = b.subspan(0, b.size() - 1);
  }
  while (!a.empty() && !b.empty() && !is_star(a.front()) && !is_star(b.front())) {
    if (!same(a.front(), b.front())) return false;
    a = a.subspan(1);
    b = b.subspan(1);
  }
  // Whether the rest of `a` from each place on and that of `b` have one in common, from the ends backwards.
  std::vector<bool> next(b.size() + 1);
  for (std::size_t i = a.size() + 1; i-- > 0;) {
    std::vector<bool> here(b.size() + 1);
    for (std::size_t j = b.size() + 1; j-- > 0;) {
      const bool a_ends = i == a.size();
      const bool b_ends = j == b.size();
      if (a_ends && b_ends) {
        here[j] = true;
      } else if (!a_ends && is_star(a[i])) {
        here[j] = next[j] || (!b_ends && here[j + 1]);
      } else if (!b_ends && is_star(b[j])) {
        here[j] = here[j + 1] || (!a_ends && next[j]);
      } else {
        here[j] = !a_ends && !b_ends && same(a[i], b[j]) && next[j + 1];
      }
    }
    next = std::move(here);
  }
  return next.front();
}

bool parts_share(std::string_view rule, std::string_view part, bool hides_dots) {
  if (hides_dots && rule.starts_with('.') && (part.starts_with('*') || part.starts_with('?'))) return false;
  return both_match(
      std::span<const char>(rule), std::span<const char>(part), [](char c) { return c == '*'; },
      [](char a, char b) { return a == b || a == '?' || b == '?'; });
}

/// Whether clean_path() would give it back; false for some that it would.
bool is_clean(std::string_view path) {
  std::string_view rest = path.starts_with('/') ? path.substr(1) : path;
  while (true) {
    const std::size_t slash = rest.find('/');
    const std::string_view part = rest.substr(0, slash);
    if (part.empty() || part == "." || part == "..") return false;
    if (slash == std::string_view::npos) return true;
    rest.remove_prefix(slash + 1);
  }
}

/// Whether the path cannot match because a part differs before the pattern's first "**", or after its last one. Most
/// do, and need not be taken apart.
bool differs_at_an_end(const std::vector<std::string>& pattern, std::string_view path) {
  std::string_view rest = path;
  for (const std::string& part : pattern) {
    if (is_any_number(part)) break;
    const std::size_t slash = rest.find('/');
    if (!part_matches(part, rest.substr(0, slash))) return true;
    if (slash == std::string_view::npos) break;
    rest.remove_prefix(slash + 1);
  }
  rest = path;
  for (const std::string& part : pattern | std::views::reverse) {
    if (is_any_number(part)) break;
    const std::size_t slash = rest.rfind('/');
    if (!part_matches(part, slash == std::string_view::npos ? rest : rest.substr(slash + 1))) return true;
    if (slash == std::string_view::npos) break;
    rest = rest.substr(0, slash);
  }
  return false;
}

}  // namespace

Result<Glob> Glob::parse(std::string_view pattern) {
  Glob glob;
  glob.text_ = pattern;
  std::vector<std::string> open{std::string(pattern)};
  std::vector<std::string> done;
  while (!open.empty()) {
    std::string text = std::move(open.back());
    open.pop_back();
    std::vector<std::string> expanded = expandable(text) ? expand_once(text) : std::vector<std::string>{text};
    if (expanded.size() == 1 && expanded.front() == text) {
      done.push_back(std::move(text));
    } else {
      std::ranges::move(expanded, std::back_inserter(open));
    }
    if (open.size() + done.size() > kMaxAlternatives) {
      return Error{.code = base::codes::kLimit, .message = "the pattern has more than 4096 alternatives"};
    }
  }
  for (const std::string& text : done) {
    std::vector<std::string> parts;
    for (const std::string_view part : parts_of(clean_path(text))) parts.emplace_back(part);
    glob.alternatives_.push_back(std::move(parts));
  }
  return glob;
}

bool Glob::matches(std::string_view path) const {
  const std::string cleaned = is_clean(path) ? std::string() : clean_path(path);
  if (!cleaned.empty()) path = cleaned;
  std::vector<std::string_view> parts;
  return std::ranges::any_of(alternatives_, [&](const std::vector<std::string>& pattern) {
    if (differs_at_an_end(pattern, path)) return false;
    if (parts.empty()) parts = parts_of(path);
    return wildcard(pattern, parts, is_any_number, [](const std::string& part, std::string_view text) {
      return !is_any_number(part) && part_matches(part, text);
    });
  });
}

std::optional<char> unclosed_bracket(std::string_view pattern) {
  std::string open;
  for (const char c : pattern) {
    if (c == '{' || c == '[') open += c;
    const bool closes = !open.empty() && ((c == '}' && open.back() == '{') || (c == ']' && open.back() == '['));
    if (closes) open.pop_back();
  }
  return open.empty() ? std::nullopt : std::optional(open.front());
}

bool Glob::may_match(const PathPattern& path) const {
  return std::ranges::any_of(alternatives_, [&](const std::vector<std::string>& pattern) {
    return both_match(
        std::span<const std::string>(pattern), std::span<const std::string>(path.parts), is_any_number,
        [&](const std::string& rule, const std::string& part) { return parts_share(rule, part, path.hides_dots); });
  });
}

std::string clean_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string> kept;
  for (const std::string_view part : base::split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.emplace_back(part);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!absolute) {
      kept.emplace_back(part);
    }
  }
  std::string joined = (absolute ? "/" : "") + base::join(kept, "/");
  return joined.empty() ? "." : joined;
}

std::string absolute_path(std::string_view folder, std::string_view path) {
  if (path.starts_with('/')) return is_clean(path) ? std::string(path) : clean_path(path);
  std::string joined = std::string(folder) + "/" + std::string(path);
  return is_clean(joined) ? joined : clean_path(joined);
}

std::string canonical_host(std::string_view host) {
  while (host.ends_with('.')) host.remove_suffix(1);
  const bool plain = std::ranges::all_of(host, [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' ||
           c == '_' || c == ':' || c == '[' || c == ']';
  });
  if (!plain || host.empty() || host.size() > 255) return "";
  return base::lower(host);
}

std::string host_of_url(std::string_view url) {
  const std::string lower = base::lower(url.substr(0, 8));
  if (lower.starts_with("https://")) {
    url.remove_prefix(8);
  } else if (lower.starts_with("http://")) {
    url.remove_prefix(7);
  } else {
    return "";
  }
  std::string_view host = url.substr(0, url.find_first_of("/?#"));
  if (host.find_first_of("@\\") != std::string_view::npos) return "";
  if (host.starts_with('[')) return canonical_host(host.substr(0, host.find(']') + 1));
  return canonical_host(host.substr(0, host.find(':')));
}

bool host_matches(std::string_view pattern, std::string_view host) {
  if (pattern == "*") return true;
  if (!pattern.starts_with("*.")) return pattern == host;
  return host.size() > pattern.size() - 1 && host.ends_with(pattern.substr(1));
}

}  // namespace lathe::policy
