#include "lathe/cli/render/markdown.h"

#include <fmt/format.h>
#include <md4c.h>

#include <algorithm>
#include <array>
#include <utility>
#include <vector>

#include "lathe/base/strings.h"
#include "lathe/base/utf8.h"

// md4c walks the text and calls back for each block and span. Inline text gathers in `line_`, styled; leaving a block
// wraps it under the prefix of the blocks around it (quote bars, list markers).

namespace lathe::cli {

namespace {

struct ListLevel {
  bool ordered = false;
  unsigned next = 1;
};

/// What a nested block puts before its lines: once before its first line, then before the others.
struct Prefix {
  std::string first;
  std::string rest;
};

struct Table {
  std::vector<std::vector<std::string>> rows;
  std::size_t header_rows = 0;
};

class Renderer final {
 public:
  explicit Renderer(const MarkdownOptions& options) : style_(options.style), width_(options.width) {}

  std::string take() { return std::move(out_); }
  void enter_block(MD_BLOCKTYPE type, void* detail);
  void leave_block(MD_BLOCKTYPE type);
  void enter_span(MD_SPANTYPE type);
  void leave_span(MD_SPANTYPE type, void* detail);
  void text(MD_TEXTTYPE type, std::string_view text);

 private:
  void flush_paragraph();
  void flush_code();
  void flush_table();
  void enter_item(const MD_BLOCK_LI_DETAIL& item);
  void separate();
  [[nodiscard]] Prefix take_prefix();

  Style style_;
  std::size_t width_;
  std::string out_;
  std::string line_;
  std::vector<ListLevel> lists_;
  std::vector<Prefix> prefixes_;
  Table table_;
  /// A blank line stands before the next block.
  bool apart_ = false;
};

Ink heading_ink(unsigned level) { return level <= 2 ? Ink::kMagenta : Ink::kCyan; }

/// The entities that models really write; any other stays as it is.
std::string_view entity_text(std::string_view entity) {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 6> kKnown{
      {{"&amp;", "&"}, {"&lt;", "<"}, {"&gt;", ">"}, {"&quot;", "\""}, {"&#39;", "'"}, {"&nbsp;", " "}}};
  for (const auto& [name, text] : kKnown) {
    if (name == entity) return text;
  }
  return entity;
}

void Renderer::separate() {
  if (!apart_) return;
  std::string prefix;
  for (const Prefix& part : prefixes_) prefix += part.rest;
  out_ += std::string(base::trim_right(prefix)) + "\n";
  apart_ = false;
}

/// The prefix of the next block; a list marker is used up by it.
Prefix Renderer::take_prefix() {
  Prefix all;
  for (Prefix& part : prefixes_) {
    all.first += part.first;
    all.rest += part.rest;
    part.first = part.rest;
  }
  return all;
}

void Renderer::flush_paragraph() {
  const std::string content = std::exchange(line_, {});
  if (content.empty()) return;
  separate();
  const Prefix prefix = take_prefix();
  out_ += wrap(content, width_, prefix.first, prefix.rest) + "\n";
}

void Renderer::flush_code() {
  separate();
  const Prefix prefix = take_prefix();
  std::string_view lead = prefix.first;
  const std::string code = std::exchange(line_, {});
  for (const std::string_view line : base::split_lines(code)) {
    out_ += fmt::format("{}    {}\n", std::exchange(lead, prefix.rest), style_.paint(Ink::kYellow, line));
  }
}

void Renderer::flush_table() {
  separate();
  std::vector<std::size_t> widths;
  for (const auto& row : table_.rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], visible_width(row[i]));
  }
  const Prefix prefix = take_prefix();
  std::string_view lead = prefix.first;
  for (std::size_t r = 0; r < table_.rows.size(); ++r) {
    std::string line;
    for (std::size_t i = 0; i < table_.rows[r].size(); ++i) {
      const std::string& cell = table_.rows[r][i];
      if (i > 0) line += "  ";
      line += r < table_.header_rows ? style_.paint(Ink::kBold, cell) : cell;
      line.append(widths[i] - visible_width(cell), ' ');
    }
    out_ += fmt::format("{}{}\n", std::exchange(lead, prefix.rest), base::trim_right(line));
  }
  table_ = {};
}

void Renderer::enter_item(const MD_BLOCK_LI_DETAIL& item) {
  ListLevel& list = lists_.back();
  std::string marker = list.ordered ? fmt::format("{}. ", list.next++) : "• ";
  if (item.is_task != 0) marker = item.task_mark == ' ' ? "[ ] " : "[x] ";
  std::string blank(base::display_width(marker), ' ');
  prefixes_.push_back({.first = std::move(marker), .rest = std::move(blank)});
}

void Renderer::enter_block(MD_BLOCKTYPE type, void* detail) {
  switch (type) {
    case MD_BLOCK_UL:
      flush_paragraph();
      lists_.push_back({});
      return;
    case MD_BLOCK_OL:
      flush_paragraph();
      lists_.push_back({.ordered = true, .next = static_cast<MD_BLOCK_OL_DETAIL*>(detail)->start});
      return;
    case MD_BLOCK_LI:
      return enter_item(*static_cast<MD_BLOCK_LI_DETAIL*>(detail));
    case MD_BLOCK_QUOTE: {
      std::string bar = style_.paint(Ink::kDim, "│") + " ";
      prefixes_.push_back({.first = bar, .rest = bar});
      return;
    }
    case MD_BLOCK_H: {
      const Ink ink = heading_ink(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level);
      (line_ += style_.begin(Ink::kBold)) += style_.begin(ink);
      if (!style_.on) line_ += std::string(static_cast<MD_BLOCK_H_DETAIL*>(detail)->level, '#') + " ";
      return;
    }
    case MD_BLOCK_TR:
      table_.rows.emplace_back();
      return;
    case MD_BLOCK_DOC:
    case MD_BLOCK_HR:
    case MD_BLOCK_CODE:
    case MD_BLOCK_HTML:
    case MD_BLOCK_P:
    case MD_BLOCK_TABLE:
    case MD_BLOCK_THEAD:
    case MD_BLOCK_TBODY:
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
      return;
  }
}

void Renderer::leave_block(MD_BLOCKTYPE type) {
  switch (type) {
    case MD_BLOCK_P:
      flush_paragraph();
      break;
    case MD_BLOCK_H:
      (line_ += style_.end(Ink::kMagenta)) += style_.end(Ink::kBold);
      flush_paragraph();
      break;
    case MD_BLOCK_CODE:
    case MD_BLOCK_HTML:
      flush_code();
      break;
    case MD_BLOCK_HR:
      separate();
      out_ +=
          style_.paint(Ink::kDim, base::replace_all(std::string(std::min<std::size_t>(width_, 40), '-'), "-", "─")) +
          "\n";
      break;
    case MD_BLOCK_LI:
      flush_paragraph();
      if (prefixes_.back().first != prefixes_.back().rest) {  // an item without content
        const Prefix prefix = take_prefix();
        out_ += std::string(base::trim_right(prefix.first)) + "\n";
      }
      prefixes_.pop_back();
      return;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
      lists_.pop_back();
      break;
    case MD_BLOCK_QUOTE:
      prefixes_.pop_back();
      break;
    case MD_BLOCK_TABLE:
      flush_table();
      break;
    case MD_BLOCK_THEAD:
      table_.header_rows = table_.rows.size();
      return;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
      table_.rows.back().push_back(std::exchange(line_, {}));
      return;
    case MD_BLOCK_TR:
    case MD_BLOCK_TBODY:
    case MD_BLOCK_DOC:
      return;
  }
  apart_ = lists_.empty();
}

void Renderer::enter_span(MD_SPANTYPE type) {
  if (type == MD_SPAN_EM) line_ += style_.begin(Ink::kItalic);
  if (type == MD_SPAN_STRONG) line_ += style_.begin(Ink::kBold);
  if (type == MD_SPAN_CODE) line_ += style_.on ? style_.begin(Ink::kCyan) : "`";
  if (type == MD_SPAN_A || type == MD_SPAN_U) line_ += style_.begin(Ink::kUnderline);
  if (type == MD_SPAN_DEL) line_ += "~";
}

void Renderer::leave_span(MD_SPANTYPE type, void* detail) {
  if (type == MD_SPAN_EM) line_ += style_.end(Ink::kItalic);
  if (type == MD_SPAN_STRONG) line_ += style_.end(Ink::kBold);
  if (type == MD_SPAN_CODE) line_ += style_.on ? style_.end(Ink::kCyan) : "`";
  if (type == MD_SPAN_A || type == MD_SPAN_U) line_ += style_.end(Ink::kUnderline);
  if (type == MD_SPAN_DEL) line_ += "~";
  if (type != MD_SPAN_A) return;
  const auto& href = static_cast<MD_SPAN_A_DETAIL*>(detail)->href;
  const std::string target = base::terminal_safe(std::string_view(href.text, href.size));
  if (!target.empty() && !line_.contains(target)) line_ += style_.paint(Ink::kDim, " (" + target + ")");
}

void Renderer::text(MD_TEXTTYPE type, std::string_view text) {
  if (type == MD_TEXT_BR) {
    line_ += '\n';
  } else if (type == MD_TEXT_SOFTBR) {
    line_ += ' ';
  } else if (type == MD_TEXT_ENTITY) {
    line_ += entity_text(text);
  } else {
    line_ += base::terminal_safe(text);
  }
}

Renderer& renderer(void* data) { return *static_cast<Renderer*>(data); }

}  // namespace

std::string render_markdown(std::string_view markdown, const MarkdownOptions& options) {
  Renderer render(options);
  MD_PARSER parser{};
  parser.flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_TASKLISTS | MD_FLAG_NOHTML;
  parser.enter_block = [](MD_BLOCKTYPE type, void* detail, void* data) {
    renderer(data).enter_block(type, detail);
    return 0;
  };
  parser.leave_block = [](MD_BLOCKTYPE type, void*, void* data) {
    renderer(data).leave_block(type);
    return 0;
  };
  parser.enter_span = [](MD_SPANTYPE type, void*, void* data) {
    renderer(data).enter_span(type);
    return 0;
  };
  parser.leave_span = [](MD_SPANTYPE type, void* detail, void* data) {
    renderer(data).leave_span(type, detail);
    return 0;
  };
  parser.text = [](MD_TEXTTYPE type, const MD_CHAR* text, MD_SIZE size, void* data) {
    renderer(data).text(type, std::string_view(text, size));
    return 0;
  };
  (void)md_parse(markdown.data(), static_cast<MD_SIZE>(markdown.size()), &parser, &render);
  return render.take();
}

}  // namespace lathe::cli
