#include "lathe/tools/web/html_text.h"

#include <algorithm>
#include <array>
#include <optional>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"
#include "lathe/tools/web/html_entities.h"
#include "lathe/tools/web/html_tokens.h"

namespace lathe::tools::web {

namespace {

constexpr std::size_t kMaxLinkBytes = 1000;
constexpr std::size_t kMaxTitleBytes = 300;

template <std::size_t N>
bool is_one_of(std::string_view name, const std::array<std::string_view, N>& names) {
  return std::ranges::find(names, name) != names.end();
}

/// Elements that stand on lines of their own, with an empty line around them or without.
constexpr std::array<std::string_view, 14> kParagraphs = {"p",  "h1",  "h2",    "h3", "h4",     "h5",      "h6",
                                                          "ul", "pre", "table", "ol", "figure", "section", "article"};
constexpr std::array<std::string_view, 17> kLines = {"div",    "br",         "li",     "tr",   "dt",       "dd",
                                                     "header", "main",       "nav",    "form", "fieldset", "aside",
                                                     "footer", "blockquote", "option", "hr",   "summary"};

/// Text as it is laid out: white space runs together, and breaks wait until something follows.
class Layout final {
 public:
  explicit Layout(std::size_t max_bytes) : max_bytes_(max_bytes) {}

  void text(std::string_view more, bool as_it_is) {
    if (as_it_is) {
      append(more);
      return;
    }
    for (std::size_t at = 0; at < more.size();) {
      const std::size_t word = more.find_first_not_of(" \t\n\r\f", at);
      if (word != at) space_ = true;
      if (word == std::string_view::npos) return;
      const std::size_t end = std::min(more.find_first_of(" \t\n\r\f", word), more.size());
      append(more.substr(word, end - word));
      at = end;
    }
  }
  /// At least so many line ends before what follows.
  void break_lines(int count) { breaks_ = std::max(breaks_, count); }
  /// A mark such as "- " that stands before what follows, if anything does.
  void mark(std::string_view text) { append(text); }

  [[nodiscard]] std::size_t size() const { return out_.size(); }
  [[nodiscard]] bool full() const { return full_; }
  [[nodiscard]] std::string take() { return std::move(out_); }

 private:
  void append(std::string_view word) {
    if (word.empty() || full_) return;
    if (breaks_ > 0) {
      if (!out_.empty()) out_.append(static_cast<std::size_t>(breaks_), '\n');
    } else if (space_ && !out_.empty() && out_.back() != '\n' && out_.back() != ' ') {
      out_ += ' ';
    }
    breaks_ = 0;
    space_ = false;
    full_ = word.size() > max_bytes_ - std::min(out_.size(), max_bytes_);
    out_ += full_ ? base::utf8_prefix(word, max_bytes_ - std::min(out_.size(), max_bytes_)) : word;
  }

  const std::size_t max_bytes_;
  std::string out_;
  int breaks_ = 0;
  bool space_ = false;
  bool full_ = false;
};

/// A part of the text: what stands in the first element of a name.
struct Extent {
  std::string_view name;
  std::optional<std::size_t> begin = std::nullopt;
  std::optional<std::size_t> end = std::nullopt;
  int depth = 0;

  void opened(std::string_view element, std::size_t at) {
    if (element != name || end) return;
    if (!begin) begin = at;
    ++depth;
  }
  void closed(std::string_view element, std::size_t at) {
    if (element != name || depth == 0) return;
    --depth;
    if (depth == 0) end = at;
  }
};

class Reader final {
 public:
  explicit Reader(const HtmlOptions& options) : options_(options), layout_(options.max_bytes) {}

  ReadableText read(std::string_view page) {
    HtmlTokens tokens(page);
    while (const auto token = tokens.next()) {
      if (layout_.full()) break;
      switch (token->kind) {
        case HtmlToken::Kind::kText:
          take_text(token->text);
          break;
        case HtmlToken::Kind::kOpen:
          open(*token);
          break;
        case HtmlToken::Kind::kClose:
          close(token->name);
          break;
      }
    }
    ReadableText result{
        .title = std::string(base::trim(base::utf8_prefix(title_, kMaxTitleBytes))), .text = {}, .cut = layout_.full()};
    result.text = part_of(layout_.take());
    return result;
  }

 private:
  void take_text(std::string_view raw) {
    if (hidden_ > 0) return;
    const std::string text = decode_entities(raw);
    if (in_title_) {
      if (title_.size() < kMaxTitleBytes) title_ += text;
    } else {
      layout_.text(text, preformatted_ > 0);
    }
  }

  void open(const HtmlToken& token) {
    const std::string& name = token.name;
    if ((name == "svg" || name == "math") && !token.attributes.ends_with('/')) ++hidden_;
    if (hidden_ > 0) return;
    if (name == "title") in_title_ = true;
    if (is_one_of(name, kParagraphs)) layout_.break_lines(2);
    if (is_one_of(name, kLines)) layout_.break_lines(1);
    main_.opened(name, layout_.size());
    article_.opened(name, layout_.size());
    if (name == "pre") ++preformatted_;
    if (name.size() == 2 && name[0] == 'h' && name[1] >= '1' && name[1] <= '6') {
      layout_.mark(std::string(static_cast<std::size_t>(name[1] - '0'), '#') + " ");
    }
    if (name == "li") layout_.mark("- ");
    if (name == "td" || name == "th") {
      if (cells_++ > 0) layout_.text(" | ", false);
    }
    if (name == "tr") cells_ = 0;
    if (name == "a") open_link(token.attributes);
    if (name == "img") {
      if (const auto alt = attribute(token.attributes, "alt"); alt && !base::trim(*alt).empty()) {
        layout_.text("[image: " + *alt + "]", false);
      }
    }
  }

  void close(const std::string& name) {
    if (name == "svg" || name == "math") hidden_ = std::max(hidden_ - 1, 0);
    if (hidden_ > 0) return;
    if (name == "title") in_title_ = false;
    if (name == "a") close_link();
    if (name == "pre") preformatted_ = std::max(preformatted_ - 1, 0);
    main_.closed(name, layout_.size());
    article_.closed(name, layout_.size());
    if (is_one_of(name, kParagraphs)) layout_.break_lines(2);
    if (is_one_of(name, kLines)) layout_.break_lines(1);
  }

  void open_link(std::string_view attributes) {
    close_link();
    const auto href = attribute(attributes, "href");
    if (!href || !options_.resolve_link) return;
    link_ = options_.resolve_link(*href);
    if (link_.size() > kMaxLinkBytes) link_.clear();
    link_at_ = layout_.size();
  }
  void close_link() {
    if (!link_.empty() && layout_.size() > link_at_) layout_.text(" (" + link_ + ")", false);
    link_.clear();
  }

  [[nodiscard]] std::string part_of(std::string text) const {
    if (options_.part == PagePart::kMain) {
      for (const Extent* extent : {&main_, &article_}) {
        if (!extent->begin) continue;
        const std::size_t end = extent->end.value_or(text.size());
        const std::string_view inside = base::trim(std::string_view(text).substr(*extent->begin, end - *extent->begin));
        if (!inside.empty()) return base::to_utf8(inside);
      }
    }
    return base::to_utf8(base::trim(text));
  }

  const HtmlOptions& options_;
  Layout layout_;
  std::string title_;
  std::string link_;
  std::size_t link_at_ = 0;
  Extent main_{.name = "main"};
  Extent article_{.name = "article"};
  bool in_title_ = false;
  int hidden_ = 0;
  int preformatted_ = 0;
  int cells_ = 0;
};

}  // namespace

ReadableText readable_text(std::string_view page, const HtmlOptions& options) { return Reader(options).read(page); }

}  // namespace lathe::tools::web
