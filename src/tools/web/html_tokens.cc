#include "lathe/tools/web/html_tokens.h"

#include <algorithm>
#include <array>

#include "lathe/base/strings.h"
#include "lathe/tools/web/html_entities.h"

namespace lathe::tools::web {

namespace {

constexpr std::string_view kSpace = " \t\n\r\f";
constexpr std::size_t kMaxTagBytes = 32;

/// Their content is no markup, and no text for a reader.
constexpr std::array<std::string_view, 8> kRawText = {"script",  "style",    "xmp",      "iframe",
                                                      "noembed", "noframes", "noscript", "template"};

bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }

bool same_name(std::string_view text, std::string_view name) {
  return text.size() == name.size() && std::ranges::equal(text, name, [](char a, char b) {
           return (a >= 'A' && a <= 'Z' ? static_cast<char>(a - 'A' + 'a') : a) == b;
         });
}

/// Where the tag ends: at the first ">" outside of quotes that follow a "=". npos: nowhere.
std::size_t end_of_tag(std::string_view text) {
  char quote = 0;
  bool after_equals = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote != 0) {
      if (c == quote) quote = 0;
    } else if (c == '>') {
      return i;
    } else if ((c == '"' || c == '\'') && after_equals) {
      quote = c;
      after_equals = false;
    } else if (kSpace.find(c) == std::string_view::npos) {
      after_equals = c == '=';
    }
  }
  return std::string_view::npos;
}

}  // namespace

std::optional<HtmlToken> HtmlTokens::next() {
  while (!rest_.empty()) {
    if (rest_.front() == '<') {
      if (auto token = tag()) return token;
      continue;
    }
    const std::string_view text = rest_.substr(0, rest_.find('<'));
    rest_.remove_prefix(text.size());
    return HtmlToken{.kind = HtmlToken::Kind::kText, .text = text};
  }
  return std::nullopt;
}

std::optional<HtmlToken> HtmlTokens::tag() {
  if (rest_.starts_with("<!--")) {
    rest_.remove_prefix(4);
    skip_to("-->");
    return std::nullopt;
  }
  if (rest_.starts_with("<!") || rest_.starts_with("<?")) {
    skip_to(">");
    return std::nullopt;
  }
  const bool close = rest_.starts_with("</");
  std::string_view inside = rest_.substr(close ? 2 : 1);
  if (inside.empty() || !is_letter(inside.front())) {
    const HtmlToken text{.kind = HtmlToken::Kind::kText, .text = rest_.substr(0, 1)};
    rest_.remove_prefix(1);
    return text;
  }
  const std::size_t end = end_of_tag(inside);
  if (end == std::string_view::npos) {  // the page is cut off within a tag
    rest_ = {};
    return std::nullopt;
  }
  rest_ = inside.substr(end + 1);
  inside = inside.substr(0, end);
  const std::string_view name = inside.substr(0, inside.find_first_of(" \t\n\r\f/"));
  HtmlToken token{.kind = close ? HtmlToken::Kind::kClose : HtmlToken::Kind::kOpen,
                  .name = base::lower(name.substr(0, kMaxTagBytes)),
                  .attributes = inside.substr(name.size())};
  const bool raw = std::ranges::find(kRawText, token.name) != kRawText.end();
  if (!raw) return token;
  if (!close) skip_raw_text(token.name);
  return std::nullopt;
}

void HtmlTokens::skip_to(std::string_view end) {
  const std::size_t at = rest_.find(end);
  rest_ = at == std::string_view::npos ? std::string_view() : rest_.substr(at + end.size());
}

void HtmlTokens::skip_raw_text(std::string_view name) {
  for (std::size_t at = rest_.find("</"); at != std::string_view::npos; at = rest_.find("</", at + 2)) {
    const std::string_view after = rest_.substr(at + 2);
    if (!same_name(after.substr(0, name.size()), name)) continue;
    if (after.size() > name.size() && is_letter(after[name.size()])) continue;
    rest_.remove_prefix(at);
    skip_to(">");
    return;
  }
  rest_ = {};
}

std::optional<std::string> attribute(std::string_view attributes, std::string_view name) {
  while (true) {
    attributes.remove_prefix(std::min(attributes.find_first_not_of(" \t\n\r\f/"), attributes.size()));
    if (attributes.empty()) return std::nullopt;
    // A "=" in front belongs to the name.
    const std::size_t name_end = std::min(attributes.find_first_of(" \t\n\r\f/=", 1), attributes.size());
    const std::string_view found = attributes.substr(0, name_end);
    attributes.remove_prefix(name_end);
    attributes.remove_prefix(std::min(attributes.find_first_not_of(kSpace), attributes.size()));
    std::string_view value;
    if (attributes.starts_with('=')) {
      attributes.remove_prefix(1);
      attributes.remove_prefix(std::min(attributes.find_first_not_of(kSpace), attributes.size()));
      const char quote = attributes.empty() ? '\0' : attributes.front();
      const bool quoted = quote == '"' || quote == '\'';
      if (quoted) attributes.remove_prefix(1);
      const std::size_t end =
          std::min(quoted ? attributes.find(quote) : attributes.find_first_of(kSpace), attributes.size());
      value = attributes.substr(0, end);
      attributes.remove_prefix(std::min(end + (quoted ? 1 : 0), attributes.size()));
    }
    if (same_name(found, name)) return decode_entities(value);
  }
}

}  // namespace lathe::tools::web
