#include "lathe/ports/bookmarks.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace lathe::ports {

namespace {

/// Where the last line of a text that ends with a newline begins.
std::size_t last_line(std::string_view text) {
  const std::size_t before = text.substr(0, text.size() - 1).rfind('\n');
  return before == std::string_view::npos ? 0 : before + 1;
}

/// Of a line without its newline; seq 0 when there is none.
Bookmark read_line(std::string_view line) {
  const std::size_t space = std::min(line.rfind(' '), line.size());
  Bookmark mark{.response_id = std::string(line.substr(0, space)), .seq = 0};
  if (space < line.size()) std::from_chars(line.data() + space + 1, line.data() + line.size(), mark.seq);
  return mark;
}

Bookmark last_of(std::string_view text) {
  const std::size_t begin = last_line(text);
  return read_line(text.substr(begin, text.size() - begin - 1));
}

std::size_t lines_in(std::string_view text) { return static_cast<std::size_t>(std::ranges::count(text, '\n')); }

bool is_lines(std::string_view text) { return text.empty() || text.ends_with('\n'); }

/// Where the line of this id begins.
std::optional<std::size_t> place_of(std::string_view text, const std::string& id_and_space) {
  for (std::size_t at = text.find(id_and_space); at != std::string_view::npos; at = text.find(id_and_space, at + 1)) {
    if (at == 0 || text[at - 1] == '\n') return at;
  }
  return std::nullopt;
}

}  // namespace

Bookmarks::Bookmarks(std::initializer_list<Bookmark> marks) {
  for (const Bookmark& mark : marks) add(mark);
}

std::optional<Bookmarks> Bookmarks::from_text(std::vector<Block> blocks, std::string rest) {
  Bookmarks made;
  for (const Block& block : blocks) {
    if (block->empty() || !is_lines(*block)) return std::nullopt;
    made.size_ += lines_in(*block);
  }
  if (!is_lines(rest)) return std::nullopt;
  made.size_ += lines_in(rest);
  made.blocks_ = std::move(blocks);
  made.rest_ = std::move(rest);
  return made;
}

std::optional<Bookmark> Bookmarks::last() const {
  if (!rest_.empty()) return last_of(rest_);
  if (!blocks_.empty()) return last_of(*blocks_.back());
  return std::nullopt;
}

std::optional<Bookmarks::Found> Bookmarks::find(std::string_view response_id) const {
  const std::string key = std::string(response_id) + ' ';
  // What is looked for is mostly new.
  for (std::size_t i = blocks_.size() + 1; i-- > 0;) {
    const std::string_view text = i == blocks_.size() ? rest_ : *blocks_[i];
    const auto at = place_of(text, key);
    if (!at) continue;
    Found found{.mark = read_line(text.substr(*at, text.find('\n', *at) - *at))};
    if (*at > 0) {
      found.before = last_of(text.substr(0, *at)).seq;
    } else if (i > 0) {
      found.before = last_of(*blocks_[i - 1]).seq;
    }
    return found;
  }
  return std::nullopt;
}

void Bookmarks::add(const Bookmark& mark) {
  if (mark.response_id.find_first_of(" \n") != std::string::npos) return;
  rest_ += mark.response_id;
  rest_ += ' ';
  rest_ += std::to_string(mark.seq);
  rest_ += '\n';
  ++size_;
  if (rest_.size() >= kBlockBytes) blocks_.push_back(std::make_shared<const std::string>(std::exchange(rest_, {})));
}

void Bookmarks::drop_after(std::int64_t seq) {
  while (size_ > 0 && last()->seq > seq) {
    if (rest_.empty()) {
      rest_ = *blocks_.back();
      blocks_.pop_back();
    }
    rest_.resize(last_line(rest_));
    --size_;
  }
}

std::string Bookmarks::text() const {
  std::string all;
  for (const Block& block : blocks_) all += *block;
  return all + rest_;
}

}  // namespace lathe::ports
