#include <fmt/format.h>
#include <re2/re2.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "lathe/base/utf8.h"
#include "lathe/templates/functions.h"
#include "lathe/templates/letters.h"

// Sprig's functions of regular expressions. RE2 runs them in linear time, and Go's syntax is its own. A pattern is
// compiled once for one rendering.

namespace lathe::templates {

using base::Result;

namespace {

constexpr std::size_t kMaxPattern = 4'000;
constexpr std::size_t kStepsToCompile = 2'000;

/// A match and its groups, as places in the text; npos where a group matched nothing.
struct Match {
  struct Span {
    std::size_t begin = std::string_view::npos;
    std::size_t end = std::string_view::npos;
  };
  std::vector<Span> groups;
};

Result<std::shared_ptr<const RE2>> compiled(Heap& heap, std::string_view pattern) {
  if (pattern.size() > kMaxPattern) return wrong(fmt::format("a pattern has at most {} bytes", kMaxPattern));
  std::shared_ptr<const void>& made = heap.made(std::string(pattern));
  if (made == nullptr) {
    heap.spend(kStepsToCompile);
    heap.hold(kMaxPattern);
    RE2::Options options;
    options.set_log_errors(false);
    made = std::make_shared<const RE2>(re2::StringPiece(pattern.data(), pattern.size()), options);
  }
  auto regex = std::static_pointer_cast<const RE2>(made);
  if (!regex->ok()) {
    return wrong(fmt::format("the pattern \"{}\" is none: {}", base::utf8_prefix(pattern, 100), regex->error()));
  }
  return regex;
}

/// Goes through the matches as Go does: none lies in another one, and an empty one not right behind another.
class Matches {
 public:
  Matches(Heap& heap, const RE2& regex, std::string_view text)
      : heap_(heap),
        regex_(regex),
        text_(text),
        groups_(1 + static_cast<std::size_t>(regex.NumberOfCapturingGroups())) {}

  bool next(Match& match) {
    const re2::StringPiece whole(text_.data(), text_.size());
    while (at_ <= text_.size() && heap_.spend(1 + groups_.size())) {
      if (!regex_.Match(whole, at_, text_.size(), RE2::UNANCHORED, groups_.data(), static_cast<int>(groups_.size()))) {
        break;
      }
      const auto begin = static_cast<std::size_t>(groups_[0].data() - text_.data());
      const std::size_t end = begin + groups_[0].size();
      const bool empty_again = begin == end && end == previous_end_;
      previous_end_ = end;
      if (end > at_) {
        at_ = end;
      } else {
        at_ += at_ < text_.size() ? letter_at(text_, at_).bytes : 1;
      }
      if (empty_again) continue;
      fill(match);
      return true;
    }
    at_ = text_.size() + 1;
    return false;
  }

 private:
  void fill(Match& match) const {
    match.groups.assign(groups_.size(), {});
    for (std::size_t i = 0; i < groups_.size(); ++i) {
      if (groups_[i].data() == nullptr) continue;
      match.groups[i].begin = static_cast<std::size_t>(groups_[i].data() - text_.data());
      match.groups[i].end = match.groups[i].begin + groups_[i].size();
    }
  }

  Heap& heap_;
  const RE2& regex_;
  std::string_view text_;
  std::vector<re2::StringPiece> groups_;
  std::size_t at_ = 0;
  std::size_t previous_end_ = std::string_view::npos;
};

std::string_view part_of(std::string_view text, Match::Span span) {
  return span.begin == std::string_view::npos ? "" : text.substr(span.begin, span.end - span.begin);
}

/// An empty text may have no address, which RE2 takes for a group that matched nothing.
std::string_view addressed(std::string_view text) { return text.data() == nullptr ? std::string_view("") : text; }

Result<Value> regex_match_call(Heap& heap, Arguments arguments) {
  TRY(const auto regex, compiled(heap, arguments[0].text));
  Match match;
  return bool_value(Matches(heap, *regex, addressed(arguments[1].text)).next(match));
}

Result<Value> regex_find_call(Heap& heap, Arguments arguments) {
  TRY(const auto regex, compiled(heap, arguments[0].text));
  const std::string_view text = addressed(arguments[1].text);
  Match match;
  const bool found = Matches(heap, *regex, text).next(match);
  return text_value(found ? part_of(text, match.groups[0]) : "");
}

Result<Value> regex_find_all_call(Heap& heap, Arguments arguments) {
  TRY(const auto regex, compiled(heap, arguments[0].text));
  const std::string_view text = addressed(arguments[1].text);
  const std::int64_t count = arguments[2].whole;
  Matches matches(heap, *regex, text);
  Items out;
  Match match;
  while ((count < 0 || static_cast<std::int64_t>(out.size()) < count) && matches.next(match)) {
    if (!heap.hold(sizeof(Value))) break;
    out.push_back(text_value(part_of(text, match.groups[0])));
  }
  return heap.list(std::move(out));
}

/// The name behind a "$", in braces or not, and how much of the text it takes; empty where there is none.
struct GroupName {
  std::string_view name;
  std::size_t bytes = 0;
};

GroupName group_name(std::string_view rest) {
  const bool braces = rest.starts_with('{');
  std::size_t end = braces ? 1 : 0;
  const std::size_t begin = end;
  while (end < rest.size()) {
    const Letter letter = letter_at(rest, end);
    if (letter.code >= 0x80 || !is_word(letter.code)) break;
    ++end;
  }
  if (end == begin || (braces && (end >= rest.size() || rest[end] != '}'))) return {};
  return {.name = rest.substr(begin, end - begin), .bytes = end + (braces ? 1 : 0)};
}

std::string_view group_of(const RE2& regex, const Match& match, std::string_view text, std::string_view name) {
  std::size_t number = 0;
  const bool digits = std::ranges::all_of(name, [](char c) { return c >= '0' && c <= '9'; });
  if (digits) {
    for (const char c : name)
      number = std::min<std::size_t>(number * 10 + static_cast<std::size_t>(c - '0'), kMaxPattern);
  } else {
    const auto found = regex.NamedCapturingGroups().find(std::string(name));
    if (found == regex.NamedCapturingGroups().end()) return "";
    number = static_cast<std::size_t>(found->second);
  }
  return number < match.groups.size() ? part_of(text, match.groups[number]) : "";
}

/// $1, ${1}, $name, $$.
void append_expanded(std::string& out, std::string_view with, const RE2& regex, const Match& match,
                     std::string_view text) {
  while (!with.empty()) {
    const std::size_t dollar = std::min(with.find('$'), with.size());
    out += with.substr(0, dollar);
    with.remove_prefix(dollar);
    if (with.empty()) return;
    with.remove_prefix(1);
    if (with.starts_with('$')) {
      out += '$';
      with.remove_prefix(1);
      continue;
    }
    const GroupName group = group_name(with);
    if (group.name.empty()) {
      out += '$';
    } else {
      out += group_of(regex, match, text, group.name);
      with.remove_prefix(group.bytes);
    }
  }
}

enum class Replacement { kExpanded, kLiteral };

Result<Value> replaced(Heap& heap, Arguments arguments, Replacement kind) {
  TRY(const auto regex, compiled(heap, arguments[0].text));
  const std::string_view text = addressed(arguments[1].text);
  const std::string_view with = arguments[2].text;
  Matches matches(heap, *regex, text);
  std::string out;
  std::size_t done = 0;
  Match match;
  while (matches.next(match)) {
    out += text.substr(done, match.groups[0].begin - done);
    done = match.groups[0].end;
    if (kind == Replacement::kLiteral) {
      out += with;
    } else {
      append_expanded(out, with, *regex, match, text);
    }
    if (!heap.fits(out.size())) return Value{};
  }
  out += text.substr(done);
  return heap.text(std::move(out));
}

Result<Value> regex_replace_all_call(Heap& heap, Arguments arguments) {
  return replaced(heap, arguments, Replacement::kExpanded);
}

Result<Value> regex_replace_all_literal_call(Heap& heap, Arguments arguments) {
  return replaced(heap, arguments, Replacement::kLiteral);
}

Result<Value> regex_split_call(Heap& heap, Arguments arguments) {
  TRY(const auto regex, compiled(heap, arguments[0].text));
  const std::string_view text = addressed(arguments[1].text);
  const std::int64_t count = arguments[2].whole;
  if (count == 0) return heap.list({});
  if (text.empty() && !arguments[0].text.empty()) return heap.list({text_value("")});
  Matches matches(heap, *regex, text);
  Items out;
  std::size_t begin = 0;
  std::size_t last = 0;
  Match match;
  while ((count < 0 || static_cast<std::int64_t>(out.size()) < count - 1) && matches.next(match)) {
    if (!heap.hold(sizeof(Value))) break;
    last = match.groups[0].begin;
    // An empty match at the start parts nothing.
    if (match.groups[0].end != 0) out.push_back(text_value(text.substr(begin, last - begin)));
    begin = match.groups[0].end;
  }
  if (last != text.size()) out.push_back(text_value(text.substr(begin)));
  return heap.list(std::move(out));
}

Result<Value> regex_quote_meta_call(Heap& heap, Arguments arguments) {
  std::string out;
  for (const char c : arguments[0].text) {
    static constexpr std::string_view kMeta = "\\.+*?()|[]{}^$";
    if (kMeta.find(c) != std::string_view::npos) out += '\\';
    out += c;
  }
  return heap.text(std::move(out));
}

constexpr auto kRegexes = std::to_array<Function>({
    {"regexMatch", "ss", regex_match_call},
    {"regexFind", "ss", regex_find_call},
    {"regexFindAll", "ssi", regex_find_all_call},
    {"regexReplaceAll", "sss", regex_replace_all_call},
    {"regexReplaceAllLiteral", "sss", regex_replace_all_literal_call},
    {"regexSplit", "ssi", regex_split_call},
    {"regexQuoteMeta", "s", regex_quote_meta_call},
});

}  // namespace

std::span<const Function> regex_functions() { return kRegexes; }

}  // namespace lathe::templates
